//! `ZLMediaKit`: JSON without the name of the event.

use super::recorded::ZLM_PUBLISH;
use super::*;

const REPORT: &str =
    "PublishRequest live/key1 key - session 140186529001776-17 boot - number - by rtmp from 192.0.2.7";

fn zlm(body: &str) -> String {
    heard(Family::ZlMediaKit, body)
}

fn with(from: &str, to: &str) -> String {
    assert!(ZLM_PUBLISH.contains(from), "{from}");
    ZLM_PUBLISH.replace(from, to)
}

#[test]
fn a_question_is_understood_and_so_is_its_repetition() {
    assert_eq!(zlm(ZLM_PUBLISH), REPORT);
    assert_eq!(zlm(&with(r#""hook_index" : 7"#, r#""hook_index" : 8"#)), REPORT);
}

#[test]
fn the_key_is_in_the_query_once() {
    let params = |params: &str| zlm(&with("token=abc", params));
    assert_eq!(params("key=SECRET-1_x"), REPORT.replace("key -", "key SECRET-1_x"));
    assert_eq!(params("?key=a%20b"), REPORT.replace("key -", "key a b"));
    assert_eq!(params(""), REPORT);
    assert_eq!(params("key=a&key=a"), REPORT.replace("key -", "key a"));
    assert_eq!(params("key=a&key=b"), "malformed_request");
}

#[test]
fn another_virtual_host_is_refused_wherever_it_is_named() {
    let foreign = with("__defaultVhost__", "pub.local");
    assert_eq!(zlm(&foreign), "foreign_host");
    assert_eq!(zlm(&with("token=abc", "vhost=pub.local")), "foreign_host");
    assert_eq!(zlm(&with("token=abc", "vhost=__defaultVhost__&vhost=pub.local")), "malformed_request");
    assert_eq!(zlm(&with("token=abc", "vhost=__defaultVhost__")), REPORT);
    assert_eq!(heard_at(Family::ZlMediaKit, &foreign, Some("pub.local")), REPORT);
    assert_eq!(heard_at(Family::ZlMediaKit, ZLM_PUBLISH, Some("pub.local")), "foreign_host");
}

#[test]
fn the_first_output_that_ends_ends_the_name() {
    let changed = |schema: &str, regist: bool| {
        zlm(&format!(
            r#"{{"app":"live","hook_index":9,"mediaServerId":"m","regist":{regist},"schema":"{schema}","stream":"key1","vhost":"__defaultVhost__"}}"#
        ))
    };
    assert_eq!(changed("rtmp", false), "name left key1");
    for (schema, regist) in [("rtmp", true), ("hls", false), ("rtsp", false), ("ts", true), ("fmp4", false)] {
        assert_eq!(changed(schema, regist), "ignored", "{schema} {regist}");
    }
}

#[test]
fn the_end_of_a_name_of_another_host_is_ignored() {
    let changed = |vhost: &str| {
        zlm(&format!(
            r#"{{"app":"live","hook_index":9,"mediaServerId":"m","regist":false,"schema":"rtmp","stream":"key1","vhost":"{vhost}"}}"#
        ))
    };
    assert_eq!(changed("pub.local"), "ignored");
}

#[test]
fn a_flow_report_ends_a_session() {
    let report = |player: bool| {
        zlm(&format!(
            r#"{{"app":"live","duration":6,"hook_index":3,"id":"140186529001776-17","ip":"192.0.2.7","mediaServerId":"m","params":"token=abc","player":{player},"port":40001,"schema":"rtmp","stream":"key1","totalBytes":508631,"vhost":"__defaultVhost__"}}"#
        ))
    };
    assert_eq!(report(false), "left 140186529001776-17");
    assert_eq!(report(true), "ignored");
}

#[test]
fn the_server_reports_heartbeats_and_restarts() {
    let alive = r#"{"data":{"Buffer":12,"TcpServer":4},"hook_index":1,"mediaServerId":"m"}"#;
    assert_eq!(zlm(alive), "heartbeat -");
    let started = r#"{"api.apiDebug":"1","api.secret":"s","general.mediaServerId":"m","hook.enable":"1","hook_index":0,"mediaServerId":"m"}"#;
    assert_eq!(zlm(started), "restarted");
    assert_eq!(zlm(r#"{"mediaServerId":"m","hook_index":2}"#), "ignored");
}

/// Older versions do not send the source of a stream, and admitting it unchecked would be worse than checking a
/// player.
#[test]
fn a_publisher_of_an_older_version_is_understood() {
    let old = with("   \"originType\" : 1,\n   \"originTypeStr\" : \"rtmp_push\",\n", "");
    assert_eq!(zlm(&old), REPORT);
}

#[test]
fn a_request_that_it_does_not_send_is_refused() {
    for (from, to) in [
        (r#""id" : "140186529001776-17""#, r#""id" : 7"#),
        (r#""stream" : "key1""#, r#""stream" : null"#),
        (r#""params" : "token=abc""#, r#""params" : {"token":"abc"}"#),
    ] {
        assert_eq!(zlm(&with(from, to)), "malformed_request", "{to}");
    }
}

#[test]
fn a_publisher_without_an_id_is_refused() {
    assert_eq!(zlm(&with(r#""id" : "140186529001776-17""#, r#""id" : """#)), "malformed_request");
}

/// After another status than 200 it would retry.
#[test]
fn a_no_is_a_200_with_another_code() {
    let no = r#"200 {"code":1,"msg":"The stream was stopped; ask for a new key."}"#;
    assert_eq!(answered(Family::ZlMediaKit, ZLM_PUBLISH, &STOPPED), no);
    assert_eq!(
        answered(Family::ZlMediaKit, "", &Outcome::Refused(Refusal::MalformedRequest)).as_bytes()[..3],
        *b"200"
    );
}
