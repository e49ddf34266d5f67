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
fn zero_is_no_limit() {
    let limit = GuessLimit::per_minute(0);
    assert!((0..1000).all(|_| limit.missed("192.0.2.1".parse().unwrap()).is_ok()));
}
