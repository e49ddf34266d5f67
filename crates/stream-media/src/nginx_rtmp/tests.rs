//! The list as nginx writes it.

use super::*;

#[test]
fn publishers_are_read_from_stat_and_players_are_not() {
    let listed = read(include_bytes!("../samples/nginx-stat.xml")).unwrap();
    let [publisher] = &listed[..] else { panic!("{listed:?}") };
    assert_eq!(publisher.application, "live");
    assert_eq!(publisher.name.expose(), "0123456789abcdef0123456789abcdef");
    assert_eq!(publisher.session.as_deref(), Some("2"));
    assert_eq!(publisher.ordinal, Some(2));
    assert_eq!(publisher.address, "127.0.0.1".parse().ok());
}

#[test]
fn what_is_not_stat_is_an_error() {
    for wrong in [&b""[..], b"<html></html>", b"<rtmp>", b"\xff"] {
        assert!(matches!(read(wrong), Err(MediaServerError::Unexpected(_))));
    }
    assert_eq!(read(b"<rtmp></rtmp>").unwrap(), []);
}
