//! nginx-rtmp: forms.

use super::recorded::{NGINX_COMMON, NGINX_POLLUTED, NGINX_PUBLISH};
use super::*;

fn nginx(body: &str) -> String {
    heard(Family::NginxRtmp, body)
}

fn event(rest: &str) -> String {
    nginx(&format!("{NGINX_COMMON}&{rest}"))
}

#[test]
fn the_recorded_question_is_understood() {
    assert_eq!(NGINX_PUBLISH.len(), 184, "as its Content-Length said");
    let report = "PublishRequest live/key1 key - session 1 boot - number 1 by rtmp from 127.0.0.1";
    assert_eq!(nginx(NGINX_PUBLISH), report);
}

#[test]
fn every_event_is_understood() {
    let report =
        |trigger: &str| format!("{trigger} live/key1 key - session 1 boot - number 1 by rtmp from 127.0.0.1");
    for (rest, meaning) in [
        ("call=publish&name=key1&type=live", report("PublishRequest")),
        // After the control interface's `redirect` the type is empty.
        ("call=publish&name=key1&type=", report("PublishRequest")),
        ("call=update_publish&time=30&timestamp=29987&name=key1", report("Heartbeat")),
        ("call=publish_done&name=key1", "left 1 of key1".to_owned()),
        ("call=done&name=key1", "left 1 of key1".to_owned()),
        ("call=play&name=key1&start=4294966296&duration=0&reset=0", "ignored".to_owned()),
        ("call=update_play&time=30&timestamp=29987&name=key1", "ignored".to_owned()),
        ("call=play_done&name=key1", "ignored".to_owned()),
        ("call=record_done&recorder=all&name=key1&path=/rec/key1.flv", "ignored".to_owned()),
    ] {
        assert_eq!(event(rest), meaning, "{rest}");
    }
    let connect = "app=live&flashver=LNX&swfurl=&tcurl=rtmp://h/live&pageurl=&addr=127.0.0.1&epoch=1795329255&call=connect";
    assert_eq!(nginx(connect), "ignored");
}

/// nginx itself sends `app` a second time there.
#[test]
fn a_disconnect_ends_what_the_connection_published() {
    assert_eq!(event("call=disconnect&app=live"), "left 1");
    // It is followed by the query of the publisher's application.
    assert_eq!(event("call=disconnect&app=live&x=1"), "left 1");
    for forged in ["&app=live", "&clientid=7", "&call=publish&name=key1", "&addr=10.9.8.7"] {
        assert_eq!(event(&format!("call=disconnect&app=live{forged}")), "malformed_request", "{forged}");
    }
    assert_eq!(event("call=disconnect&app=other"), "malformed_request");
}

#[test]
fn the_recorded_injection_is_refused() {
    assert_eq!(nginx(NGINX_POLLUTED), "malformed_request");
    // The same args come with every later event of that connection.
    for call in ["publish_done", "update_publish", "record_done", "done"] {
        let rest = format!("call={call}&name=polluted&name=victim&call=publish_done&addr=10.9.8.7");
        assert_eq!(event(&rest), "malformed_request", "{call}");
    }
    // Even if both are the same, or the field's name is escaped.
    for more in ["name=key1", "n%61me=victim", "psk=1&psk=2", "clientid=1"] {
        assert_eq!(event(&format!("call=publish&name=key1&type=live&{more}")), "malformed_request", "{more}");
    }
}

#[test]
fn the_key_is_in_the_query_once() {
    let named = |rest: &str| event(&format!("call=publish&name=id1&type=live{rest}"));
    let report = |key: &str| {
        format!("PublishRequest live/id1 key {key} session 1 boot - number 1 by rtmp from 127.0.0.1")
    };
    assert_eq!(named("&key=SECRET-1_x"), report("SECRET-1_x"));
    assert_eq!(named("&key=a%2Bb+c"), report("a+b c"));
    assert_eq!(named("&key="), report(""));
    assert_eq!(named("&key"), report(""));
    assert_eq!(named("&KEY=a"), report("-"));
    // OvenMediaEngine is not the only one that sends a query twice.
    assert_eq!(named("&key=a&key=a"), report("a"));
    assert_eq!(named("&key=a&key=b"), "malformed_request");
    assert_eq!(named("&key=a&x=1&k%65y=b"), "malformed_request");
}

/// Encoders with one field for the server put it there; nginx has no field of its own for it.
#[test]
fn the_key_may_be_in_the_query_of_the_application() {
    let asked = |tcurl: &str, rest: &str| {
        let common = NGINX_COMMON.replace("tcurl=rtmp://127.0.0.1:21935/live", &format!("tcurl={tcurl}"));
        assert_ne!(common, NGINX_COMMON);
        nginx(&format!("{common}&call=publish&name=id1&type=live{rest}"))
    };
    let report = |key: &str| {
        format!("PublishRequest live/id1 key {key} session 1 boot - number 1 by rtmp from 127.0.0.1")
    };
    for tcurl in ["rtmp://h/live?key=S-1", "rtmp://h/live%3Fkey=S-1", "rtmp://h/live?x=1%26key=S-1"] {
        assert_eq!(asked(tcurl, ""), report("S-1"), "{tcurl}");
        assert_eq!(asked(tcurl, "&key=S-1"), report("S-1"), "{tcurl}");
        assert_eq!(asked(tcurl, "&key="), report("S-1"), "{tcurl}");
        assert_eq!(asked(tcurl, "&key=T-2"), "malformed_request", "{tcurl}");
    }
    assert_eq!(asked("rtmp://h/live?key=a%26key=b", ""), "malformed_request");
    assert_eq!(asked("rtmp://h/live?x=1", ""), report("-"));
}

#[test]
fn an_empty_name_is_left_to_the_domain() {
    // Wirecast publishes one when it stops; the connection's session must end by it.
    let report = "PublishRequest live/ key - session 1 boot - number 1 by rtmp from 127.0.0.1";
    assert_eq!(event("call=publish&name=&type=live"), report);
}

#[test]
fn an_event_that_lacks_a_field_is_refused() {
    let whole = "app=live&addr=127.0.0.1&clientid=1&call=publish&name=key1&type=live";
    for missing in ["app=live&", "clientid=1&", "call=publish&", "&name=key1"] {
        assert_eq!(nginx(&whole.replace(missing, "")), "malformed_request", "{missing}");
    }
    for id in ["", "x", "1.5", "9223372036854775808", "1%00"] {
        let body = whole.replace("clientid=1", &format!("clientid={id}"));
        assert_eq!(nginx(&body), "malformed_request", "{id}");
    }
}

#[test]
fn a_malformed_address_is_left_out() {
    for (addr, address) in
        [("2001:db8::7", "2001:db8::7"), ("::ffff:192.0.2.7", "192.0.2.7"), ("unix:", "-"), ("", "-")]
    {
        let body = NGINX_PUBLISH.replace("addr=127.0.0.1", &format!("addr={addr}"));
        assert!(nginx(&body).ends_with(&format!("from {address}")), "{addr}");
    }
}

#[test]
fn a_new_name_is_a_302_with_nothing_but_the_name() {
    let answer = answered(Family::NginxRtmp, NGINX_PUBLISH, &renamed());
    assert_eq!(answer, r#"302 to 0123456789abcdef0123456789abcdef {"code":0}"#);
}
