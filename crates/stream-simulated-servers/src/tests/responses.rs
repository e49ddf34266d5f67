//! The effects of responses, timeouts and redirects.

use std::time::Duration;

use super::stub::{Hook, Response};
use super::{ALL, LOCALHOST, milliseconds, server, with_short_pauses};
use crate::http::Reply;
use crate::rules::{Rules, Verdict};
use crate::{Encoder, Family};

async fn attempt(rules: Rules, hook: &Hook) -> bool {
    let server = server(rules, hook).await;
    server.publish("key1", "", LOCALHOST).settled().await
}

fn verdict(family: Family, status: u16, body: &str) -> Verdict {
    (family.rules().judge)(Some(&Reply { status, location: None, body: body.to_owned() }))
}

fn accepts(family: Family, status: u16, body: &str) -> bool {
    verdict(family, status, body) == Verdict::Accept
}

#[test]
fn srs_accepts_only_zero() {
    for (status, body) in [(200, "0"), (201, "0"), (200, r#"{"code":0}"#), (200, "{\"code\":0,\"a\":1}\n")] {
        assert!(accepts(Family::Srs, status, body), "{status} {body}");
    }
    let denials = [
        (200, "0\n"),
        (200, r#"{"code":"0"}"#),
        (200, ""),
        (200, "1"),
        (200, r#"{"code":1}"#),
        (202, "0"),
        (204, ""),
        (302, "0"),
        (403, "0"),
    ];
    for (status, body) in denials {
        assert!(!accepts(Family::Srs, status, body), "{status} {body}");
    }
}

#[test]
fn mediamtx_accepts_any_2xx_and_ant_media_exactly_200() {
    for (status, mediamtx, ant) in
        [(200, true, true), (204, true, false), (226, true, false), (403, false, false)]
    {
        assert_eq!(accepts(Family::MediaMtx, status, ""), mediamtx, "{status}");
        assert_eq!(accepts(Family::AntMedia, status, ""), ant, "{status}");
    }
}

#[test]
fn oven_media_engine_accepts_only_200_with_allowed_true() {
    assert!(accepts(Family::OvenMediaEngine, 200, r#"{"allowed":true}"#));
    for (status, body) in
        [(200, "{}"), (200, r#"{"allowed":"true"}"#), (201, r#"{"allowed":true}"#), (403, "")]
    {
        assert!(!accepts(Family::OvenMediaEngine, status, body), "{status} {body}");
    }
    let denial = verdict(Family::OvenMediaEngine, 200, r#"{"allowed":false,"reason":"expired"}"#);
    assert_eq!(denial, Verdict::Deny("expired".to_owned()));
}

#[test]
fn zlmediakit_treats_a_response_without_an_integer_code_as_a_fault() {
    assert!(accepts(Family::ZlMediaKit, 200, r#"{"code":0}"#));
    assert_eq!(verdict(Family::ZlMediaKit, 200, r#"{"code":1,"msg":"no"}"#), Verdict::Deny("no".to_owned()));
    for (status, body) in [(403, r#"{"code":0}"#), (200, "0"), (200, r#"{"code":"0"}"#), (200, "")] {
        assert!(matches!(verdict(Family::ZlMediaKit, status, body), Verdict::Fault(_)), "{status} {body}");
    }
}

#[tokio::test]
async fn every_family_treats_an_unreachable_hook_as_a_denial() {
    for family in ALL {
        assert!(!attempt(with_short_pauses(family), &Hook::down().await).await, "{family:?}");
    }
}

#[tokio::test]
async fn every_family_waits_for_a_slow_response_until_its_timeout() {
    for family in ALL {
        let rules = with_short_pauses(family);
        let slow = Hook::start(|_| Response::accept().after(100)).await;
        assert!(attempt(rules, &slow).await, "{family:?}");
        let rules = Rules { request_timeout: milliseconds(100), ..rules };
        let too_slow = Hook::start(|_| Response::accept().after(1000)).await;
        assert!(!attempt(rules, &too_slow).await, "{family:?}");
    }
}

#[tokio::test]
async fn only_mediamtx_follows_redirects_and_uses_the_second_response() {
    for family in ALL {
        let hook = Hook::start(|seen| match seen.first_line.contains("pub99") {
            true => Response::accept(),
            false => Response { headers: "Location: pub99\r\n", ..Response::new(302, r#"{"code":0}"#) },
        })
        .await;
        assert_eq!(attempt(with_short_pauses(family), &hook).await, family == Family::MediaMtx, "{family:?}");
    }
    let hook = Hook::start(|seen| match seen.first_line.contains("/again") {
        true => Response::new(403, ""),
        false => Response { headers: "Location: /again\r\n", ..Response::new(307, "") },
    })
    .await;
    assert!(!attempt(with_short_pauses(Family::MediaMtx), &hook).await);
    let lines: Vec<_> = hook.seen().iter().map(|seen| seen.first_line.clone()).collect();
    assert_eq!(lines, ["POST /hooks/any/edge-1?secret=s3cr3t HTTP/1.1", "POST /again HTTP/1.1"]);
    assert_eq!(hook.seen()[0].body, hook.seen()[1].body);
}

#[tokio::test]
async fn mediamtx_follows_a_relative_302_with_a_get() {
    let hook = Hook::start(|seen| match seen.first_line.starts_with("GET") {
        true => Response::accept(),
        false => Response { headers: "Location: pub99\r\n", ..Response::new(302, "") },
    })
    .await;
    assert!(attempt(with_short_pauses(Family::MediaMtx), &hook).await);
    assert_eq!(hook.seen()[1].first_line, "GET /hooks/any/pub99 HTTP/1.1");
}

#[tokio::test]
async fn zlmediakit_retries_a_fault_with_a_new_index_but_not_a_refusal() {
    let hook = Hook::start(|_| Response::new(403, r#"{"code":1}"#)).await;
    assert!(!attempt(with_short_pauses(Family::ZlMediaKit), &hook).await);
    {
        let seen = hook.seen();
        assert_eq!(seen.len(), 2);
        assert!(seen[1].at - seen[0].at >= milliseconds(100));
        let (mut first, mut second) = (seen[0].json(), seen[1].json());
        assert_eq!((&first["hook_index"], &second["hook_index"]), (&0.into(), &1.into()));
        for body in [&mut first, &mut second] {
            body["hook_index"] = 0.into();
        }
        assert_eq!(first, second);
    }
    let hook = Hook::start(|_| Response::new(200, r#"{"code":1,"msg":"no"}"#)).await;
    let server = server(with_short_pauses(Family::ZlMediaKit), &hook).await;
    let encoder = server.publish("key1", "", LOCALHOST);
    encoder.settled().await;
    assert_eq!((encoder.refused(), hook.seen().len()), (Some("no".to_owned()), 1));
    assert_eq!(Family::ZlMediaKit.rules().retry, Some(milliseconds(3000)));
}

#[tokio::test]
async fn oven_media_engine_asks_twice_about_one_publisher() {
    let hook = Hook::accepting().await;
    assert!(attempt(with_short_pauses(Family::OvenMediaEngine), &hook).await);
    assert_eq!(hook.events()[..2], ["opening", "opening"]);
    let (first, second) = (hook.seen()[0].json(), hook.seen()[1].json());
    assert_eq!((&first["client"], &first["request"]["url"]), (&second["client"], &second["request"]["url"]));
}

#[tokio::test]
async fn mediamtx_pauses_before_a_denial_in_a_fixed_order() {
    let hook = Hook::start(|_| Response::new(403, "")).await;
    const PAUSES: [Duration; 2] = [milliseconds(200), milliseconds(0)];
    let rules = Rules { pauses_before_denial: &PAUSES, ..with_short_pauses(Family::MediaMtx) };
    let server = server(rules, &hook).await;
    for (turn, pause) in PAUSES.into_iter().chain(PAUSES).enumerate() {
        let encoder: Encoder = server.publish("key1", "", LOCALHOST);
        encoder.settled().await;
        let waited = hook.seen()[turn].at.elapsed();
        assert!(waited >= pause && waited < pause + milliseconds(180), "{turn}: {waited:?}");
    }
}

#[tokio::test]
async fn mediamtx_refuses_names_with_special_characters_without_asking() {
    let hook = Hook::accepting().await;
    let server = server(with_short_pauses(Family::MediaMtx), &hook).await;
    assert!(!server.publish("key~1", "", LOCALHOST).settled().await);
    assert!(hook.seen().is_empty());
}
