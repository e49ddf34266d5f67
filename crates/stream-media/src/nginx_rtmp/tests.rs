//! The list as nginx writes it.

use super::*;

#[test]
fn publishers_are_read_from_stat_and_players_are_not() {
    let listing = read(include_bytes!("../samples/nginx-stat.xml"), Some(17)).unwrap();
    let [publisher] = &listing.publishers[..] else { panic!("{listing:?}") };
    assert_eq!(publisher.application, "live");
    assert_eq!(publisher.name.expose(), "0123456789abcdef0123456789abcdef");
    assert_eq!(publisher.session.as_deref(), Some("2"));
    assert_eq!(publisher.connection_number, Some(2));
    assert_eq!(publisher.address, "127.0.0.1".parse().ok());
    assert_eq!(publisher.bytes, Some(172_687));
    let worker = Process::Worker { id: "14545".to_owned(), age: Duration::seconds(8), connection: Some(17) };
    assert_eq!((listing.is_whole, listing.process), (true, Some(worker)));
}

#[test]
fn what_is_not_stat_is_an_error() {
    for wrong in [&b""[..], b"<html></html>", b"<rtmp>", b"\xff"] {
        assert!(matches!(read(wrong, None), Err(MediaServerError::Unexpected(_))));
    }
    // Without the number of its worker it proves nothing of those whom it does not list.
    let nobody = Listing { publishers: Vec::new(), is_whole: false, process: None };
    assert_eq!(read(b"<rtmp></rtmp>", None).unwrap(), nobody);
}
