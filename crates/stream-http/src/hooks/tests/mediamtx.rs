//! `MediaMTX`: JSON, and forms of its commands.

use super::recorded::MEDIAMTX_PUBLISH;
use super::*;

const ID: &str = "81c749bf-69cf-466b-b15c-bb27b22e6ac9";

fn mediamtx(body: &str) -> String {
    heard(Family::MediaMtx, body)
}

fn with(from: &str, to: &str) -> String {
    assert!(MEDIAMTX_PUBLISH.contains(from), "{from}");
    MEDIAMTX_PUBLISH.replace(from, to)
}

fn report(key: &str) -> String {
    format!("PublishRequest live/key1 key {key} session {ID} boot - number - by rtmp from 127.0.0.1")
}

#[test]
fn the_recorded_question_is_understood() {
    assert_eq!(mediamtx(MEDIAMTX_PUBLISH), report("pw1"));
}

#[test]
fn publishers_are_checked_and_viewers_ignored() {
    for (action, meaning) in [
        ("read", "ignored"),
        ("playback", "ignored"),
        ("api", "privileged"),
        ("metrics", "privileged"),
        ("pprof", "privileged"),
        ("", "privileged"),
        ("PUBLISH", "privileged"),
    ] {
        let body = with(r#""action":"publish""#, &format!(r#""action":"{action}""#));
        assert_eq!(mediamtx(&body), meaning, "{action}");
        // Such questions have no id and no path.
        let bare = format!(
            r#"{{"ip":"127.0.0.1","user":"","password":"","token":"","action":"{action}","path":"","protocol":"","id":null,"query":"","userAgent":""}}"#
        );
        assert_eq!(mediamtx(&bare), meaning, "{action}");
    }
}

#[test]
fn older_versions_send_fewer_fields() {
    let without_agent = with(r#","userAgent":"FMLE/3.0 (compatible; Lavf59.27.100)""#, "");
    assert_eq!(mediamtx(&without_agent), report("pw1"));
    let without_token = without_agent.replace(r#""token":"pw1","#, "");
    assert_eq!(mediamtx(&without_token), report("pw1"));
    let bare = format!(r#"{{"action":"publish","path":"live/key1","id":"{ID}"}}"#);
    let meaning = format!("PublishRequest live/key1 key - session {ID} boot - number - by  from -");
    assert_eq!(mediamtx(&bare), meaning);
    let nulls = format!(
        r#"{{"action":"publish","path":"live/key1","id":"{ID}","query":null,"user":null,"password":null,"token":null}}"#
    );
    assert_eq!(mediamtx(&nulls), meaning);
}

#[test]
fn the_key_is_in_the_query_or_else_a_password_or_a_token() {
    let query = r"user=bob\u0026pass=pw1\u0026token=tk1\u0026x=1";
    assert_eq!(mediamtx(&with(query, "key=SECRET-1_x")), report("SECRET-1_x"));
    assert_eq!(mediamtx(&with(query, "key=")), report(""));
    assert_eq!(mediamtx(&with(query, r"key=a\u0026key=a")), report("a"));
    assert_eq!(mediamtx(&with(query, r"key=a\u0026key=b")), "malformed_request");
    let empty = r#""password":"","token":"tk1""#;
    assert_eq!(mediamtx(&with(r#""password":"pw1","token":"pw1""#, empty)), report("tk1"));
    let none = r#""password":"","token":"""#;
    assert_eq!(mediamtx(&with(r#""password":"pw1","token":"pw1""#, none)), report("-"));
}

#[test]
fn a_path_is_the_application_and_the_name() {
    for (path, meaning) in [
        ("key1", "/key1"),
        ("live/", "live/"),
        ("", "/"),
        ("a/b/key1", "a/b/key1"),
        ("live/key1/", "live/key1/"),
    ] {
        let body = with("live/key1", path);
        assert_eq!(mediamtx(&body), report("pw1").replace("live/key1", meaning), "{path}");
    }
}

#[test]
fn a_request_that_it_does_not_send_is_refused() {
    let id = format!(r#""id":"{ID}""#);
    for (from, to) in [
        (id.as_str(), r#""id":7"#),
        (r#""action":"publish","#, ""),
        (r#""action":"publish""#, r#""action":"publish","action":"read""#),
    ] {
        assert_eq!(mediamtx(&with(from, to)), "malformed_request", "{to}");
    }
}

/// It asks like this for its publish page, for the OPTIONS of WHIP, and in protocols that have no session yet.
#[test]
fn a_question_without_an_id_is_about_the_key_alone() {
    let id = format!(r#","id":"{ID}""#);
    for none in [r#","id":null"#, r#","id":"""#, ""] {
        let heard = mediamtx(&with(&id, none));
        assert_eq!(heard, format!("question: {}", report("pw1").replace(ID, "")), "{none}");
    }
    let contradictory = with(&id, "").replace(r"user=bob\u0026", r"key=a\u0026key=b\u0026");
    assert_eq!(mediamtx(&contradictory), "malformed_request");
}

#[test]
fn its_commands_report_begin_and_end() {
    let available = format!("event=available&path=live/key1&id={ID}");
    let goes_on = format!("Heartbeat live/key1 key - session {ID} boot - number - by rtmp from -");
    assert_eq!(mediamtx(&available), goes_on);
    assert_eq!(mediamtx(&format!("event=available&path=live%2Fkey1&id={ID}")), goes_on);
    assert_eq!(mediamtx(&format!("event=unavailable&path=live/key1&id={ID}")), format!("left {ID}"));
    assert_eq!(mediamtx(&format!("event=unavailable&id={ID}")), format!("left {ID}"));
    for wrong in ["", "&event=unavailable", "&id=other", "&path=live/other"] {
        let body =
            if wrong.is_empty() { format!("path=live/key1&id={ID}") } else { format!("{available}{wrong}") };
        assert_eq!(mediamtx(&body), "malformed_request", "{wrong}");
    }
    assert_eq!(mediamtx(&format!("event=paused&path=live/key1&id={ID}")), "malformed_request");
    assert_eq!(mediamtx("event=unavailable&path=live/key1"), "malformed_request");
}

#[test]
fn an_rtsp_publisher_without_credentials_is_asked_for_them() {
    let rtsp = |protocol: &str, user: &str, password: &str| {
        format!(
            r#"{{"ip":"127.0.0.1","user":"{user}","password":"{password}","token":"","action":"publish","path":"live/key1","protocol":"{protocol}","id":"{ID}","query":"","userAgent":""}}"#
        )
    };
    let asked = NO.replacen("403", "401", 1);
    let answer = |body: &str| answered(Family::MediaMtx, body, &STOPPED);
    assert_eq!(answer(&rtsp("rtsp", "", "")), asked);
    assert_eq!(answer(&rtsp("rtsps", "", "")), asked);
    assert_eq!(
        answer(&format!(r#"{{"action":"publish","protocol":"rtsp","path":"live/x","id":"{ID}"}}"#)),
        asked
    );
    for (protocol, user, password) in
        [("rtsp", "bob", ""), ("rtsp", "", "pw1"), ("rtsp", "bob", "pw1"), ("rtmp", "", ""), ("srt", "", "")]
    {
        assert_eq!(answer(&rtsp(protocol, user, password)), NO, "{protocol} {user} {password}");
    }
    assert_eq!(answer(MEDIAMTX_PUBLISH), NO);
    assert_eq!(answer("event=available&path=live/key1&id=x"), NO);
    assert_eq!(answered(Family::MediaMtx, &rtsp("rtsp", "", ""), &Outcome::Accepted(None)), YES);
}
