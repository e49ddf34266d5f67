//! `OvenMediaEngine`: JSON, which is always answered by 200.

use super::recorded::OME_OPENING;
use super::*;

fn ome(body: &str) -> String {
    heard(Family::OvenMediaEngine, body)
}

fn with(from: &str, to: &str) -> String {
    assert!(OME_OPENING.contains(from), "{from}");
    OME_OPENING.replace(from, to)
}

const REPORT: &str =
    "PublishRequest live/K123 key - session 192.0.2.7:40001/live/K123 boot - number - by rtmp from 192.0.2.7";

#[test]
fn the_recorded_question_is_understood() {
    assert_eq!(ome(OME_OPENING), REPORT);
    // It prints its JSON pretty.
    let pretty: serde_json::Value = serde_json::from_str(OME_OPENING).unwrap();
    assert_eq!(ome(&serde_json::to_string_pretty(&pretty).unwrap()), REPORT);
}

#[test]
fn a_closing_names_the_session_that_it_ends() {
    let closing = with("opening", "closing")
        .replace(r#""url""#, r#""new_url":"rtmp://ingest.example:1935/live/K123","url""#);
    assert_eq!(ome(&closing), "left 192.0.2.7:40001/live/K123");
    // The closing of a publisher that was denied names only itself: the same stream, from another port.
    let denied = closing.replace("40001", "40002");
    assert_eq!(ome(&denied), "left 192.0.2.7:40002/live/K123");
    // With the key in the query, or without.
    assert_eq!(ome(&closing.replace("/K123\"", "/K123?key=S\"")), "left 192.0.2.7:40001/live/K123");
    assert_eq!(answered(Family::OvenMediaEngine, &closing, &Outcome::Noted), "200 {}");
}

#[test]
fn players_are_ignored() {
    for status in ["opening", "closing"] {
        let outgoing = with("incoming", "outgoing").replace("opening", status);
        assert_eq!(ome(&outgoing), "ignored", "{status}");
    }
    assert_eq!(ome(&with("opening", "pausing")), "ignored");
}

#[test]
fn the_application_the_name_and_the_key_are_in_the_url() {
    let url = "rtmp://ingest.example:1935/live/K123";
    for (to, meaning) in [
        ("rtmp://h/live/K123?key=S", "PublishRequest live/K123 key S session 192.0.2.7:40001/live/K123"),
        (
            "srt://h:9999/live/K123?x=1&key=a%20b",
            "PublishRequest live/K123 key a b session 192.0.2.7:40001/live/K123",
        ),
        ("rtmp://h:1935/a/b/K123", "PublishRequest a/b/K123 key - session 192.0.2.7:40001/a/b/K123"),
        ("rtmp://[2001:db8::1]:1935/live/", "PublishRequest live/ key - session 192.0.2.7:40001/live/"),
        // Version 0.20 asks a second time like this.
        (
            "rtmp://h/live/K123?key=S&key=S",
            "PublishRequest live/K123 key S session 192.0.2.7:40001/live/K123",
        ),
        ("rtmp://h/live/K123?key=S&key=T", "malformed_request"),
        ("rtmp://h/live?key=S/K123", "PublishRequest /live key S/K123 session 192.0.2.7:40001//live"),
        ("rtmp://h/K123", "malformed_request"),
        ("rtmp://h", "malformed_request"),
        ("K123", "malformed_request"),
        ("", "malformed_request"),
    ] {
        let heard = ome(&with(url, to));
        assert!(heard.starts_with(meaning), "{to}: {heard}");
    }
}

#[test]
fn the_address_is_that_of_the_client_itself() {
    let client = r#""address":"192.0.2.7","port":40001"#;
    for (to, address) in [
        (r#""address":"10.0.0.1","port":1,"real_ip":"203.0.113.9","user_agent":"OBS""#, "203.0.113.9"),
        (r#""address":"10.0.0.1","port":1,"real_ip":null"#, "10.0.0.1"),
        (r#""address":"2001:db8::7","port":1"#, "2001:db8::7"),
        (r#""address":"","port":1"#, "-"),
    ] {
        let heard = ome(&with(client, to));
        assert!(heard.ends_with(&format!("by rtmp from {address}")), "{to}: {heard}");
    }
    assert!(ome(&with(r#""protocol":"rtmp""#, r#""protocol":"WebRTC""#)).contains("by webrtc"));
}

#[test]
fn a_request_that_it_does_not_send_is_refused() {
    for (from, to) in [
        (r#""port":40001"#, r#""port":70000"#),
        (r#""port":40001"#, r#""port":"40001""#),
        (r#""direction":"incoming","#, ""),
        (r#""client""#, r#""clients""#),
        (r#""status":"opening","#, ""),
        (r#""url""#, r#""url":"rtmp://h/live/victim","url""#),
    ] {
        assert_eq!(ome(&with(from, to)), "malformed_request", "{to}");
    }
}

#[test]
fn its_answers_are_200_with_exact_bytes() {
    let answer = |outcome: &Outcome| answered(Family::OvenMediaEngine, OME_OPENING, outcome);
    assert_eq!(answer(&Outcome::Accepted(None)), r#"200 {"allowed":true}"#);
    assert_eq!(answer(&renamed()), r#"200 {"allowed":true}"#);
    let no = r#"200 {"allowed":false,"reason":"The stream was stopped; ask for a new key."}"#;
    assert_eq!(answer(&STOPPED), no);
}
