//! What is sent, to whom, and what is made of the answers, over sockets of this machine.

mod addresses;
mod answers;
mod certificates;
mod messages;
mod refusals;
mod server;
mod times;
mod urls;

use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ipnet::IpNet;
use stream_domain::events::LogPosition;
use stream_domain::ports::{WebhookAnswer, WebhookMessage, WebhookSender as _};
use stream_domain::webhooks::WebhookSecret;
use stream_domain::{Event, Timestamp};

use crate::WebhookClient;
use crate::client::Options;
use crate::resolver::LookUp;

/// The time for an attempt, where its end is not waited for.
const LONG: Duration = Duration::from_secs(60);

/// The time for an attempt, where its end is waited for after nothing that takes time.
const SHORT: Duration = Duration::from_millis(200);

/// The time for an attempt, where its end is waited for after a few steps on this machine.
const ENOUGH: Duration = Duration::from_secs(2);

/// The secret of Standard Webhooks' own test.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn networks(texts: &[&str]) -> Vec<IpNet> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Finds these addresses for any name: those of the first look first, and those of the last again and again.
fn finds(looks: &[&[&str]]) -> LookUp {
    let looks = looks.iter().map(|ips| ips.iter().map(|ip| ip.parse().unwrap()).collect::<Vec<IpAddr>>());
    let looks: Mutex<Vec<_>> = Mutex::new(looks.rev().collect());
    Arc::new(move |_| {
        let mut looks = looks.lock().unwrap();
        let found = if looks.len() > 1 { looks.pop() } else { looks.last().cloned() };
        Box::pin(async { found.ok_or_else(|| io::Error::other("resolver 10.0.0.53 says NXDOMAIN")) })
    })
}

fn options(allowed: &[&str], looks: &[&[&str]], limit: Duration) -> Options {
    Options { networks: networks(allowed), limit, look_up: finds(looks), extra_roots: Vec::new() }
}

fn client(allowed: &[&str], looks: &[&[&str]], limit: Duration) -> WebhookClient {
    WebhookClient::with(options(allowed, looks, limit)).unwrap()
}

/// A client that may send to this machine, which every name leads to.
fn at_home(limit: Duration) -> WebhookClient {
    client(&["127.0.0.0/8"], &[&["127.0.0.1"]], limit)
}

fn secret(text: &str) -> WebhookSecret {
    WebhookSecret::parse(text).unwrap()
}

fn message(url: &str) -> WebhookMessage {
    let at = |text| Timestamp::parse(text).unwrap();
    let event = Event {
        position: LogPosition(42),
        kind: "stream.live".to_owned(),
        user: None,
        stream: None,
        at: at("2026-01-02T03:04:05.123456Z"),
        data: r#"{"b": 1.50, "a":"\u00e4","b":2}"#.to_owned(),
    };
    WebhookMessage {
        url: url.to_owned(),
        id: "evt_42_1767323045123456".to_owned(),
        at: at("2026-01-02T03:04:09.9Z"),
        event,
        secrets: vec![secret(SECRET)],
    }
}

async fn send(client: &WebhookClient, url: &str) -> WebhookAnswer {
    client.send(&message(url)).await
}

/// Says why nothing came back; nothing must have.
async fn error(client: &WebhookClient, url: &str) -> String {
    let answer = send(client, url).await;
    assert_eq!(answer.status, None, "{url}: {answer:?}");
    assert_eq!(answer.body, "");
    answer.error.unwrap()
}
