//! What is logged, and how often.

use super::*;

fn second(number: i64) -> Timestamp {
    Timestamp::from_unix_micros(1_767_323_045_000_000 + number * 1_000_000).unwrap()
}

fn name(text: &str) -> Option<ServerName> {
    ServerName::parse(text).ok()
}

#[test]
fn repeated_rejections_are_counted_for_a_minute() {
    let log = RejectionLog::default();
    let repeated =
        |rejection, server: Option<&str>, at| log.repeated(rejection, server.and_then(name), second(at));
    assert_eq!(repeated(Rejection::WrongSecret, Some("edge"), 0), Some(0));
    for at in 1..60 {
        assert_eq!(repeated(Rejection::WrongSecret, Some("edge"), at), None);
    }
    assert_eq!(repeated(Rejection::WrongSecret, Some("edge-2"), 1), Some(0), "another server");
    assert_eq!(repeated(Rejection::NoSecret, Some("edge"), 1), Some(0), "another reason");
    assert_eq!(repeated(Rejection::WrongSecret, None, 1), Some(0), "a stranger");
    assert_eq!(repeated(Rejection::WrongSecret, Some("edge"), 60), Some(59));
    assert_eq!(repeated(Rejection::WrongSecret, Some("edge"), 61), None);
    // A clock that jumps back silences no rejection.
    assert_eq!(repeated(Rejection::WrongSecret, Some("edge"), -3600), Some(1));
}

#[test]
fn every_stranger_gets_the_same_error() {
    let all = [
        Rejection::FromBrowser,
        Rejection::UnknownServer,
        Rejection::OtherFamily,
        Rejection::NoSecret,
        Rejection::WrongSecret,
        Rejection::ThroughProxy,
        Rejection::ForeignNetwork,
    ];
    let sentences: std::collections::BTreeSet<String> =
        all.map(|rejection| rejection.error().to_string()).into();
    assert_eq!(sentences.len(), 1, "{sentences:?}");
}

#[test]
fn text_that_may_be_a_secret_is_not_logged() {
    assert_eq!(shown("nginx_rtmp"), "nginx_rtmp");
    assert_eq!(shown("a\nb"), "a b");
    assert_eq!(shown(&"k".repeat(65)), "(too long)");
}
