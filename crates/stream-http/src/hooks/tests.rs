//! Dialects, held to the recorded bytes.

mod ant_media;
mod mediamtx;
mod nginx_rtmp;
mod node_media_server;
mod ovenmediaengine;
mod recorded;
mod robustness;
mod srs;
mod zlmediakit;

use actix_web::body::MessageBody as _;
use stream_domain::PlaybackId;
use stream_domain::broadcasts::PublisherReport;
use stream_domain::broadcasts::admission::Refusal;

use super::answer::Answer;
use super::*;
use crate::error::sentence_of;

fn parse(family: Family, body: &[u8], host: Option<&str>) -> Result<HookEvent, Refusal> {
    dialect_of(family).parse(body, host)
}

fn render(family: Family, body: &[u8], outcome: &Outcome) -> Answer {
    dialect_of(family).render(body, outcome)
}

/// What is understood of a request, in one line.
fn heard(family: Family, body: &str) -> String {
    heard_at(family, body, None)
}

/// The same, of a server whose streams are published to this virtual host.
fn heard_at(family: Family, body: &str, host: Option<&str>) -> String {
    match parse(family, body.as_bytes(), host) {
        Ok(HookEvent::Publisher(report)) => said(&report),
        Ok(HookEvent::Question(report)) => format!("question: {}", said(&report)),
        Ok(HookEvent::Refused { report, refusal }) => {
            // The report of a refused publisher still reveals whose key it may be.
            assert!(!report.session.is_empty() || report.key.is_some());
            refusal.as_str().to_owned()
        }
        Ok(HookEvent::Left { session, name: None }) => format!("left {session}"),
        Ok(HookEvent::Left { session, name: Some(name) }) => format!("left {session} of {name}"),
        Ok(HookEvent::NameLeft { name }) => format!("name left {name}"),
        Ok(HookEvent::Heartbeat { boot_id }) => format!("heartbeat {}", boot_id.as_deref().unwrap_or("-")),
        Ok(HookEvent::Restarted) => "restarted".to_owned(),
        Ok(HookEvent::Ignored) => "ignored".to_owned(),
        Ok(HookEvent::Privileged) => "privileged".to_owned(),
        Err(refusal) => refusal.as_str().to_owned(),
    }
}

fn said(report: &PublisherReport) -> String {
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    format!(
        "{:?} {}/{} key {} session {} boot {} number {} by {} from {}",
        report.trigger,
        report.application,
        report.name.expose(),
        or_none(report.key.clone()),
        report.session,
        or_none(report.boot_id.clone()),
        or_none(report.connection_number.map(|connection_number| connection_number.to_string())),
        report.protocol,
        or_none(report.address.map(|address| address.to_string())),
    )
}

/// The status, the `Location` if there is one, and the body, as they leave.
fn answered(family: Family, body: &str, outcome: &Outcome) -> String {
    let response = render(family, body.as_bytes(), outcome).into_response();
    let status = response.status().as_u16();
    assert_eq!(response.headers().get("content-type").unwrap(), "application/json");
    let location = response.headers().get("location");
    let location = location.map(|name| format!(" to {}", name.to_str().unwrap())).unwrap_or_default();
    let body = response.into_body().try_into_bytes().unwrap();
    format!("{status}{location} {}", std::str::from_utf8(&body).unwrap())
}

const YES: &str = r#"200 {"code":0}"#;
const NO: &str = r#"403 {"code":"publish_refused","error":"The stream was stopped; ask for a new key.","reason":"stopped"}"#;
const STOPPED: Outcome = Outcome::Refused(Refusal::Stopped);

fn renamed() -> Outcome {
    Outcome::Accepted(Some(PlaybackId::parse("0123456789abcdef0123456789abcdef").unwrap()))
}

#[test]
fn one_yes_suits_nearly_every_family() {
    for family in Family::ALL.into_iter().filter(|family| *family != Family::OvenMediaEngine) {
        for outcome in [Outcome::Accepted(None), Outcome::Noted] {
            assert_eq!(answered(family, "", &outcome), YES, "{family:?}");
        }
    }
}

#[test]
fn a_no_is_403_with_its_reason_unless_the_family_would_retry() {
    for family in Family::ALL {
        let no = match family {
            Family::OvenMediaEngine | Family::ZlMediaKit => continue,
            _ => answered(family, "", &STOPPED),
        };
        assert_eq!(no, NO, "{family:?}");
    }
}

#[test]
fn only_nginx_is_redirected() {
    for family in Family::ALL.into_iter().filter(|family| !family.capabilities().renames) {
        let answer = answered(family, "", &renamed());
        assert!(answer.starts_with("200 {"), "{family:?}: {answer}");
    }
}

#[test]
fn every_refusal_has_a_sentence_in_every_family() {
    for refusal in Refusal::ALL {
        let sentence = sentence_of(refusal);
        assert!(sentence.starts_with(char::is_uppercase) && sentence.ends_with('.'), "{sentence}");
        for family in Family::ALL {
            let answer = answered(family, "", &Outcome::Refused(refusal));
            assert!(answer.contains(&sentence), "{family:?}: {answer}");
            let is_yes = answer.contains(r#""code":0"#) || answer.contains(r#""allowed":true"#);
            assert!(!is_yes && !answer.contains("302"), "{family:?}: {answer}");
        }
    }
}

#[test]
fn bodies_that_no_server_sends_are_refused() {
    for family in Family::ALL {
        for body in ["", " ", "null", "[]", "0", "{", "{}x", "\u{feff}{}", "a=b", "=&=&&", "\0"] {
            let heard = heard(family, body);
            assert_eq!(heard, "malformed_request", "{family:?} {body:?}");
        }
        for body in
            [&b"\xff\xfe"[..], b"call=publish&clientid=1&app=live&name=\xe9", b"{\"action\":\"\xff\"}"]
        {
            let refusal = parse(family, body, None).unwrap_err();
            assert_eq!(refusal, Refusal::MalformedRequest, "{family:?} {body:?}");
        }
    }
}

#[test]
fn an_address_may_have_a_port_and_be_of_version_4_or_6() {
    for (text, address) in [
        ("127.0.0.1", Some("127.0.0.1")),
        ("127.0.0.1:35194", Some("127.0.0.1")),
        ("2001:db8::7", Some("2001:db8::7")),
        ("[2001:db8::7]:35194", Some("2001:db8::7")),
        ("::ffff:192.0.2.7", Some("192.0.2.7")),
        ("[::ffff:192.0.2.7]:1", Some("192.0.2.7")),
        ("", None),
        ("localhost", None),
        ("127.0.0.1:", None),
        ("127.0.0.1:99999", None),
        ("unix:", None),
        (" 127.0.0.1", None),
    ] {
        assert_eq!(fields::address(text).map(|ip| ip.to_string()).as_deref(), address, "{text}");
    }
}

#[test]
fn escapes_are_decoded_and_malformed_ones_stay() {
    for (text, value) in [
        ("a%20b", "a b"),
        ("a+b", "a b"),
        ("%2Flive%2fx", "/live/x"),
        ("%26name%3Dvictim", "&name=victim"),
        ("%C3%A9", "é"),
        ("%E9", "\u{fffd}"),
        ("%zz", "%zz"),
        ("100%", "100%"),
        ("%2", "%2"),
        ("%%41", "%A"),
        ("%é1", "%é1"),
        ("%+f", "% f"),
        ("%-1", "%-1"),
        ("%25%32%30", "%20"),
    ] {
        let form = fields::Fields::parse(&format!("x={text}"));
        assert_eq!(form.one("x"), Ok(Some(value)), "{text}");
    }
}

#[test]
fn an_escaped_field_name_is_decoded() {
    let form = fields::Fields::parse("?key=a&k%65y=b&&x&=y");
    assert_eq!(form.one("key"), Err(Refusal::MalformedRequest));
    let form = fields::Fields::parse("?key=a&k%65y=a&x&=y");
    assert_eq!((form.one("key"), form.once("key")), (Ok(Some("a")), Err(Refusal::MalformedRequest)));
    assert_eq!((form.one("x"), form.one(""), form.one("z")), (Ok(Some("")), Ok(Some("y")), Ok(None)));
}
