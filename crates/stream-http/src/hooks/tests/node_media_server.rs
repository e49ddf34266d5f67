//! node-media-server 4: JSON.

use super::recorded::NMS_PRE_PUBLISH;
use super::*;

const REPORT: &str =
    "PublishRequest live/key1 key - session mwrgonfm8u5qaauj boot - number - by rtmp from 127.0.0.1";

fn nms(body: &str) -> String {
    heard(Family::NodeMediaServer4, body)
}

fn with(from: &str, to: &str) -> String {
    assert!(NMS_PRE_PUBLISH.contains(from), "{from}");
    NMS_PRE_PUBLISH.replace(from, to)
}

#[test]
fn the_recorded_question_is_understood() {
    assert_eq!(nms(NMS_PRE_PUBLISH), REPORT);
}

#[test]
fn every_event_is_understood() {
    for (action, meaning) in [
        ("postPublish", REPORT),
        ("donePublish", "left mwrgonfm8u5qaauj"),
        // A second publisher of a live name ends like this.
        ("donePlay", "left mwrgonfm8u5qaauj"),
        ("prePlay", "ignored"),
        ("postPlay", "ignored"),
        ("postRecord", "ignored"),
        ("doneRecord", "ignored"),
    ] {
        assert_eq!(nms(&with("prePublish", action)), meaning, "{action}");
    }
}

#[test]
fn only_the_key_is_read_from_the_query() {
    let query = |query: &str| nms(&with(r#"{"tok":"5","name":"evil"}"#, query));
    assert_eq!(query(r#"{"key":"SECRET-1_x","name":"evil"}"#), REPORT.replace("key -", "key SECRET-1_x"));
    assert_eq!(query(r#"{"key":["S-1","S-1"]}"#), REPORT.replace("key -", "key S-1"));
    assert_eq!(query(r#"{"key":""}"#), REPORT.replace("key -", "key "));
    assert_eq!(query(r#"{"app":"x","id":"y","action":"donePublish","ip":"10.9.8.7"}"#), REPORT);
    assert_eq!(query("{}"), REPORT);
    for odd in [
        r#"{"key":["a","b"]}"#,
        r#"{"key":[]}"#,
        r#"{"key":[7]}"#,
        r#"{"key":null}"#,
        r#"{"key":7}"#,
        r#"{"key":{"a":"b"}}"#,
    ] {
        assert_eq!(query(odd), "malformed_request", "{odd}");
    }
}

#[test]
fn names_that_the_server_refuses_arrive_empty_and_are_left_to_the_domain() {
    let empty = with(r#""app":"live","name":"key1""#, r#""app":"","name":"""#);
    assert_eq!(nms(&empty), REPORT.replace("live/key1", "/"));
    let names_missing = with(r#""app":"live","name":"key1","#, "");
    assert_eq!(nms(&names_missing), REPORT.replace("live/key1", "/"));
}

#[test]
fn a_request_that_it_does_not_send_is_refused() {
    for (from, to) in [
        (r#""id":"mwrgonfm8u5qaauj","#, ""),
        (r#""id":"mwrgonfm8u5qaauj""#, r#""id":7"#),
        (r#","action":"prePublish""#, ""),
        (r#""name":"key1""#, r#""name":"key1","name":"victim""#),
        (r#""query":{"tok":"5","name":"evil"}"#, r#""query":"tok=5""#),
    ] {
        assert_eq!(nms(&with(from, to)), "malformed_request", "{to}");
    }
}

#[test]
fn an_empty_id_is_no_session() {
    for action in ["prePublish", "postPublish"] {
        let body = with(r#""id":"mwrgonfm8u5qaauj""#, r#""id":"""#).replace("prePublish", action);
        assert_eq!(nms(&body), "malformed_request", "{action}");
    }
}

#[test]
fn an_address_may_be_of_version_4_or_6_with_a_port() {
    for (ip, address) in [
        ("[2001:db8::7]:35194", "2001:db8::7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("undefined:undefined", "-"),
    ] {
        let heard = nms(&with("127.0.0.1:35194", ip));
        assert!(heard.ends_with(&format!("from {address}")), "{ip}: {heard}");
    }
}

/// Node writes an address of version 6 and its port with nothing between them but a colon.
#[test]
fn an_address_of_version_6_with_a_bare_port_is_left_out() {
    let heard = nms(&with("127.0.0.1:35194", "::ffff:192.0.2.7:35194"));
    assert!(heard.ends_with("from 192.0.2.7") || heard.ends_with("from -"), "{heard}");
    let heard = nms(&with("127.0.0.1:35194", "2001:db8::7:35194"));
    assert!(!heard.ends_with("from 2001:db8::7:35194"), "{heard}");
}
