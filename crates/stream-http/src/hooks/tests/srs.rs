//! SRS and Oryx: JSON.

use super::recorded::SRS_PUBLISH;
use super::*;

const REPORT: &str =
    "PublishRequest live/key1 key - session p3jz9dxq boot 43693023 number - by rtmp from 127.0.0.1";

fn srs(body: &str) -> String {
    heard(Family::Srs, body)
}

/// The recorded question with something else in it.
fn with(from: &str, to: &str) -> String {
    assert!(SRS_PUBLISH.contains(from), "{from}");
    SRS_PUBLISH.replace(from, to)
}

#[test]
fn the_recorded_question_is_understood() {
    assert_eq!(srs(SRS_PUBLISH), REPORT);
    assert_eq!(srs(&with("?token=abc&x=a%20b", "")), REPORT);
    assert_eq!(srs(&format!(" \n{SRS_PUBLISH}\n")), REPORT);
}

#[test]
fn every_event_is_understood() {
    let event = |action: &str, more: &str| {
        srs(&with("on_publish", action).replace(r#","stream_id""#, &format!(r#"{more},"stream_id""#)))
    };
    let file = r#","cwd":"/srs","file":"./objs/key1.mp4""#;
    let segment = r#","duration":4.01,"cwd":"/srs","file":"./objs/live/key1-0.ts","url":"live/key1-0.ts","m3u8":"./objs/live/key1.m3u8","m3u8_url":"live/key1.m3u8","seq_no":0"#;
    for (action, more, meaning) in [
        ("on_unpublish", "", "left p3jz9dxq".to_owned()),
        ("on_close", r#","send_bytes":3509,"recv_bytes":4160"#, "left p3jz9dxq".to_owned()),
        ("on_hls", segment, REPORT.replace("PublishRequest", "Heartbeat")),
        ("on_connect", "", "ignored".to_owned()),
        ("on_play", r#","pageUrl":"http://h/""#, "ignored".to_owned()),
        ("on_stop", "", "ignored".to_owned()),
        ("on_dvr", file, "ignored".to_owned()),
        ("on_forward", "", "ignored".to_owned()),
    ] {
        assert_eq!(event(action, more), meaning, "{action}");
    }
}

#[test]
fn a_heartbeat_has_the_boot_id() {
    let heartbeat = r#"{"device_id":"edge-1","ip":"192.0.2.1","server":"vid-17n2703","service":"43693023","pid":"77","summaries":{"ok":true}}"#;
    assert_eq!(srs(heartbeat), "heartbeat 43693023");
    assert_eq!(srs(r#"{"device_id":"edge-1","ip":"192.0.2.1"}"#), "malformed_request");
}

#[test]
fn the_key_is_in_the_query_once() {
    let param = |param: &str| srs(&with("?token=abc&x=a%20b", param));
    let report = |key: &str| REPORT.replace("key -", &format!("key {key}"));
    assert_eq!(param("?key=SECRET-1_x"), report("SECRET-1_x"));
    assert_eq!(param("key=SECRET-1_x"), report("SECRET-1_x"));
    assert_eq!(param("?x=1&key=a%20b"), report("a b"));
    assert_eq!(param("?key="), report(""));
    assert_eq!(param("?key=a&key=a"), report("a"));
    assert_eq!(param("?key=a&key=b"), "malformed_request");
    assert_eq!(param("?key=a&k%65y=b"), "malformed_request");
    assert_eq!(param("??key=a"), report("-"));
}

/// The publisher may name a host that SRS does not have; then it is the default one.
#[test]
fn the_virtual_host_is_the_one_that_srs_found() {
    let foreign = with("__defaultVhost__", "pub.local");
    assert_eq!(srs(&foreign), "foreign_host");
    assert_eq!(srs(&with(r#""vhost":"__defaultVhost__","#, "")), "foreign_host");
    for param in ["?vhost=my.domain", "?x=1&vhost=127.0.0.1", "?vhost=", "?vhost=a&vhost=b"] {
        assert_eq!(srs(&with("?token=abc&x=a%20b", param)), REPORT, "{param}");
        assert_eq!(srs(&foreign.replace("?token=abc&x=a%20b", param)), "foreign_host", "{param}");
    }
    // The host of the settings is not foreign, and every other one is.
    assert_eq!(heard_at(Family::Srs, &foreign, Some("pub.local")), REPORT);
    assert_eq!(heard_at(Family::Srs, SRS_PUBLISH, Some("pub.local")), "foreign_host");
    // A publisher may leave from any host: the end names its own session only.
    assert_eq!(srs(&foreign.replace("on_publish", "on_unpublish")), "left p3jz9dxq");
}

#[test]
fn the_key_may_be_in_the_query_of_the_application() {
    let asked = |tc_url: &str| srs(&with("rtmp://127.0.0.1:51935/live", tc_url));
    assert_eq!(asked("rtmp://h/live?key=S-1"), REPORT.replace("key -", "key S-1"));
    assert_eq!(asked("rtmp://h/live?key=S-1&key=T-2"), "malformed_request");
    assert_eq!(asked("rtmp://h/live?x=1"), REPORT);
}

/// Its hooks have no field for it, but only RTMP has a URL to connect to.
#[test]
fn the_protocol_follows_from_the_url() {
    let by = |protocol: &str| REPORT.replace("by rtmp", &format!("by {protocol}"));
    let tc_url = r#""tcUrl":"rtmp://127.0.0.1:51935/live""#;
    for (to, protocol) in [
        (r#""tcUrl":"srt://127.0.0.1:10080/live""#, "srt"),
        (r#""tcUrl":"""#, "webrtc"),
        (r#""tcUrl":"webrtc://127.0.0.1/live""#, "webrtc"),
        (r#""tcUrl":"rtmps://127.0.0.1/live""#, "rtmp"),
        (r#""tcUrl":null"#, "rtmp"),
        (r#""more":1"#, "rtmp"),
    ] {
        assert_eq!(srs(&with(tc_url, to)), by(protocol), "{to}");
    }
}

#[test]
fn a_request_that_it_does_not_send_is_refused() {
    for (from, to) in [
        (r#""client_id":"p3jz9dxq""#, r#""client_id":"""#),
        (r#""client_id":"p3jz9dxq","#, ""),
        (r#""client_id":"p3jz9dxq""#, r#""client_id":7"#),
        (r#""action":"on_publish","#, ""),
        (r#""stream":"key1""#, r#""stream":null"#),
        (r#""stream":"key1""#, r#""stream":"key1","stream":"victim""#),
    ] {
        assert_eq!(srs(&with(from, to)), "malformed_request", "{to}");
    }
}

#[test]
fn an_empty_name_is_left_to_the_domain() {
    assert_eq!(srs(&with(r#""stream":"key1""#, r#""stream":"""#)), REPORT.replace("key1", ""));
}
