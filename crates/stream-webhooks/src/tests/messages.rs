//! What is sent.

use super::server::Server;
use super::{LONG, SECRET, at_home, error, message, secret, send};
use crate::message::body;
use crate::signature::signatures;
use stream_domain::ports::WebhookSender as _;

/// What Standard Webhooks publishes with its reference implementations.
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn sign(secrets: &[&str]) -> String {
    let secrets: Vec<_> = secrets.iter().map(|text| secret(text)).collect();
    signatures(&secrets, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#)
}

#[test]
fn a_signature_is_the_one_that_standard_webhooks_publishes() {
    assert_eq!(sign(&[SECRET]), SIGNATURE);
}

#[test]
fn two_secrets_give_two_signatures_with_one_space_between_them() {
    let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    assert_eq!(sign(&[SECRET, other]), format!("{SIGNATURE} {}", sign(&[other])));
    assert_ne!(sign(&[other]), SIGNATURE);
}

#[tokio::test]
async fn a_message_is_a_signed_post_with_the_event_as_json() {
    let server = Server::answering("HTTP/1.1 204 No Content\r\n\r\n");
    let url = format!("http://Hooks.Example:{}/in/%C3%A4?token=a%20b", server.port);
    let answer = send(&at_home(LONG), &url).await;
    assert_eq!((answer.status, answer.error, &*answer.body), (Some(204), None, ""));
    let json = concat!(
        r#"{"type":"stream.live","timestamp":"2026-01-02T03:04:05.123456Z","position":42,"#,
        r#""data":{"b": 1.50, "a":"\u00e4","b":2}}"#
    );
    let signed = signatures(&[secret(SECRET)], "evt_42_1767323045123456", 1_767_323_049, json);
    let expected = [
        "POST /in/%C3%A4?token=a%20b HTTP/1.1",
        &format!("host: hooks.example:{}", server.port),
        concat!("user-agent: stream-server/", env!("CARGO_PKG_VERSION")),
        "content-type: application/json",
        "webhook-id: evt_42_1767323045123456",
        "webhook-timestamp: 1767323049",
        &format!("webhook-signature: {signed}"),
        &format!("content-length: {}", json.len()),
        "",
        json,
    ];
    assert_eq!(server.requests(), [expected.join("\r\n")]);
}

#[test]
fn an_events_time_is_as_in_the_api() {
    let mut event = message("").event;
    event.at = stream_domain::Timestamp::parse("2026-01-02T04:04:05.5+01:00").unwrap();
    assert!(body(&event).unwrap().contains(r#""timestamp":"2026-01-02T03:04:05.5Z""#));
}

#[tokio::test]
async fn an_event_whose_facts_are_no_json_is_not_sent() {
    let server = Server::answering("HTTP/1.1 200 OK\r\n\r\n");
    for facts in ["", "{", r#"{"a":1},"forged":{}"#] {
        let mut message = message(&server.url());
        message.event.data = facts.to_owned();
        let answer = at_home(LONG).send(&message).await;
        assert_eq!(answer.error.as_deref(), Some("the event has facts that are no JSON"), "{facts}");
        assert_eq!(answer.status, None);
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn an_id_that_would_make_headers_is_not_sent() {
    let server = Server::answering("HTTP/1.1 200 OK\r\n\r\n");
    let mut message = message(&server.url());
    message.id = "evt_1\r\nx-forged: 1".to_owned();
    let answer = at_home(LONG).send(&message).await;
    assert_eq!(answer.error.as_deref(), Some("the message has no form that can be sent"));
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn each_attempt_has_a_connection_of_its_own() {
    let server = Server::answering("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    let client = at_home(LONG);
    for _ in 0..3 {
        assert_eq!(send(&client, &server.url()).await.body, "ok");
    }
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn what_keeps_an_answer_away_is_said_in_a_few_words() {
    let client = at_home(LONG);
    let closing = Server::answering("");
    assert_eq!(error(&client, &closing.url()).await, "the connection was closed");
    let cut = Server::answering("HTTP/1.1 200 OK\r\nx: ");
    assert_eq!(error(&client, &cut.url()).await, "the connection was closed");
    let gibberish = Server::answering("220 smtp.example ESMTP\r\n");
    let no_http = "the answer is no HTTP, or its headers are too large";
    assert_eq!(error(&client, &gibberish.url()).await, no_http);
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    assert_eq!(error(&client, &format!("http://127.0.0.1:{port}/")).await, "connection refused");
}
