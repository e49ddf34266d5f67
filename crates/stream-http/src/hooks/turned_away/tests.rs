//! What is told, and how often.

use super::*;

fn second(number: i64) -> Timestamp {
    Timestamp::from_unix_micros(1_767_323_045_000_000 + number * 1_000_000).unwrap()
}

fn name(text: &str) -> Option<ServerName> {
    ServerName::parse(text).ok()
}

#[test]
fn more_of_the_same_is_counted_for_a_minute() {
    let turned_away = TurnedAway::default();
    let news = |why, server: Option<&str>, at| turned_away.is_news(why, server.and_then(name), second(at));
    assert_eq!(news(Why::WrongSecret, Some("edge"), 0), Some(0));
    for at in 1..60 {
        assert_eq!(news(Why::WrongSecret, Some("edge"), at), None);
    }
    assert_eq!(news(Why::WrongSecret, Some("edge-2"), 1), Some(0), "another server");
    assert_eq!(news(Why::NoSecret, Some("edge"), 1), Some(0), "another reason");
    assert_eq!(news(Why::WrongSecret, None, 1), Some(0), "a stranger");
    assert_eq!(news(Why::WrongSecret, Some("edge"), 60), Some(59));
    assert_eq!(news(Why::WrongSecret, Some("edge"), 61), None);
    // A clock that jumps back silences nobody.
    assert_eq!(news(Why::WrongSecret, Some("edge"), -3600), Some(1));
}

#[test]
fn strangers_are_told_the_same_whatever_is_wrong() {
    let all = [
        Why::FromBrowser,
        Why::UnknownServer,
        Why::OtherFamily,
        Why::NoSecret,
        Why::WrongSecret,
        Why::ThroughProxy,
        Why::ForeignNetwork,
    ];
    let sentences: std::collections::BTreeSet<String> = all.map(|why| why.error().to_string()).into();
    assert_eq!(sentences.len(), 1, "{sentences:?}");
}

#[test]
fn what_may_be_a_secret_is_not_shown() {
    assert_eq!(shown("nginx_rtmp"), "nginx_rtmp");
    assert_eq!(shown("a\nb"), "a b");
    assert_eq!(shown(&"k".repeat(65)), "(too long)");
}
