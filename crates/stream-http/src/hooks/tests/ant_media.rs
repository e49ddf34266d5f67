//! Ant Media: JSON questions, and events as JSON or a form.

use super::recorded::ANT_PUBLISH;
use super::*;

const REPORT: &str = "PublishRequest live/key1 key - session key1 boot - number - by rtmp from -";

fn ant(body: &str) -> String {
    heard(Family::AntMedia, body)
}

fn with(from: &str, to: &str) -> String {
    assert!(ANT_PUBLISH.contains(from), "{from}");
    ANT_PUBLISH.replace(from, to)
}

#[test]
fn a_question_is_understood() {
    assert_eq!(ant(ANT_PUBLISH), REPORT);
    assert_eq!(ant(&with(r#""mode":"publish""#, r#""mode":"play""#)), "ignored");
    assert_eq!(ant(r#"{"appName":"live","streamId":"key1","mode":"publish"}"#), REPORT);
}

#[test]
fn the_key_is_in_the_text_of_a_map_once() {
    let params = |params: &str| ant(&with(r#""{token=abc, x=1}""#, params));
    let report = |key: &str| REPORT.replace("key -", &format!("key {key}"));
    assert_eq!(params(r#""{key=SECRET-1_x}""#), report("SECRET-1_x"));
    assert_eq!(params(r#""{a=1, key=SECRET-1_x, b=2}""#), report("SECRET-1_x"));
    assert_eq!(params(r#""{key=}""#), report(""));
    assert_eq!(params(r#""{key=a, key=b}""#), "malformed_request");
    for none in ["null", r#""""#, r#""{}""#, r#""{token}""#, "7", r#""}{""#] {
        assert_eq!(params(none), REPORT, "{none}");
    }
}

#[test]
fn the_end_arrives_as_json_or_as_a_form() {
    assert_eq!(ant(r#"{"action":"liveStreamEnded","id":"key1","streamName":"n"}"#), "left key1");
    assert_eq!(ant(r#"{"action":"liveStreamEnded","streamId":"key1"}"#), "left key1");
    assert_eq!(ant("id=key1&action=liveStreamEnded&streamName=&category="), "left key1");
    for begun in [r#"{"action":"liveStreamStarted","id":"key1"}"#, "id=key1&action=liveStreamStarted"] {
        assert_eq!(ant(begun), "ignored", "{begun}");
    }
    for wrong in [
        r#"{"action":"liveStreamEnded"}"#,
        "action=liveStreamEnded",
        "id=key1",
        "id=key1&id=victim&action=liveStreamEnded",
        "id=key1&action=liveStreamEnded&action=liveStreamStarted",
    ] {
        assert_eq!(ant(wrong), "malformed_request", "{wrong}");
    }
}

#[test]
fn a_request_that_it_does_not_send_is_refused() {
    for (from, to) in [
        (r#""streamId":"key1","#, ""),
        (r#""streamId":"key1""#, r#""streamId":null"#),
        (r#""streamId":"key1""#, r#""streamId":"key1","streamId":"victim""#),
        (r#""appName":"live""#, r#""appName":7"#),
    ] {
        assert_eq!(ant(&with(from, to)), "malformed_request", "{to}");
    }
    assert_eq!(ant(&with(r#""appName":"live","#, "")), REPORT.replace("live/", "/"));
}
