//! What is sent.

use stream_domain::ports::WebhookSender as _;
use stream_domain::webhooks::WebhookSecret;

use super::{Receiver, client, event, loopback, message, run, secret};
use crate::message::{body_of, signatures};

#[test]
fn the_example_of_the_standard_is_signed_as_it_says() {
    // From the specification of Standard Webhooks and the tests of its libraries.
    let secret = WebhookSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let body = r#"{"test": 2432232314}"#;
    let signed = signatures(&[secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
    assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

#[test]
fn two_secrets_make_two_signatures_the_present_one_first() {
    let sign = |secrets: &[WebhookSecret]| signatures(secrets, "id", 1, "{}");
    let (first, second) = (sign(&[secret(1)]), sign(&[secret(2)]));
    assert_ne!(first, second);
    assert_eq!(sign(&[secret(1), secret(2)]), format!("{first} {second}"));
}

#[test]
fn a_body_has_the_facts_as_they_were_written() {
    let expected = r#"{"type":"stream.live","timestamp":"2026-01-02T03:04:05.678901Z","position":42,"data":{"stream_id" : 7, "playback_id":"abc"}}"#;
    assert_eq!(body_of(&event()).as_deref(), Some(expected));
    let broken = stream_domain::Event { data: "no JSON".to_owned(), ..event() };
    assert_eq!(body_of(&broken), None);
}

#[test]
fn a_message_is_a_post_with_the_headers_of_the_standard() {
    run(async {
        let receiver = Receiver::start("HTTP/1.1 204 No Content\r\n\r\n").await;
        let client = client(loopback(), &[]);
        let message = message(&receiver.url("127.0.0.1"));
        let answer = client.send(&message).await;
        assert_eq!((answer.status, answer.error), (Some(204), None));
        let [request] = &*receiver.requests() else { panic!("one request") };
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("POST /hook HTTP/1.1\r\n"), "{head}");
        let signature = signatures(&message.secrets, &message.id, 1_767_323_050, body);
        for line in [
            "content-type: application/json",
            "webhook-id: evt_42_1767323045678901",
            "webhook-timestamp: 1767323050",
            &format!("webhook-signature: {signature}"),
            concat!("user-agent: stream-server/", env!("CARGO_PKG_VERSION")),
        ] {
            assert!(head.lines().any(|found| found == line), "{line} in {head}");
        }
        assert_eq!(Some(body), body_of(&message.event).as_deref());
    });
}
