//! Who is refused, and who is not.

use std::time::Duration;

use super::*;

#[test]
fn each_client_has_guesses_of_its_own() {
    let limit = GuessLimit::per_minute(3);
    let client = |text: &str| text.parse::<IpAddr>().unwrap();
    for _ in 0..3 {
        limit.missed(client("192.0.2.1")).unwrap();
    }
    let wait = limit.missed(client("::ffff:192.0.2.1")).unwrap_err().wait;
    assert!(wait <= Duration::from_secs(20), "{wait:?}");
    limit.missed(client("192.0.2.2")).unwrap();
}

#[test]
fn keys_and_hooks_are_counted_apart() {
    let (limit, client) = (GuessLimit::per_minute(2), "192.0.2.1".parse().unwrap());
    for _ in 0..2 {
        limit.refused_hook(client).unwrap();
    }
    assert_eq!(limit.refused_hook(client).unwrap_err().name, "refused-hooks");
    limit.missed(client).unwrap();
}

#[test]
fn zero_is_no_limit() {
    let (limit, client) = (GuessLimit::per_minute(0), "192.0.2.1".parse().unwrap());
    assert!((0..1000).all(|_| limit.missed(client).is_ok() && limit.refused_hook(client).is_ok()));
}
