//! `OvenMediaEngine`: admission webhooks, whose answer is a 200 in any case.
//!
//! It has no session ids: a stay is told by the client's address and port and by what it publishes.

use serde::Deserialize;
use serde_json::json;
use stream_domain::Family;
use stream_domain::admission::{Refusal, Trigger};
use stream_domain::broadcasts::PublisherReport;
use stream_domain::session::PublishName;

use super::fields::{self, Fields};
use super::{Answer, Outcome, Told, sentence};

#[derive(Deserialize)]
struct Hook {
    client: Client,
    request: Request,
}

#[derive(Deserialize)]
struct Client {
    address: String,
    port: u16,
    real_ip: Option<String>,
}

#[derive(Deserialize)]
struct Request {
    direction: String,
    protocol: String,
    status: String,
    url: String,
}

pub(super) fn parse(body: &[u8]) -> Result<Told, Refusal> {
    let Hook { client, request } = fields::json(body)?;
    if request.direction != "incoming" {
        return Ok(Told::Unconcerned);
    }
    let (application, name, query) = split(&request.url).ok_or(Refusal::MalformedRequest)?;
    let session = format!("{}:{}/{application}/{name}", client.address, client.port);
    match request.status.as_str() {
        "opening" => {}
        "closing" => return Ok(Told::Left(session, None)),
        _ => return Ok(Told::Unconcerned),
    }
    let report = PublisherReport {
        trigger: Trigger::PublishRequest,
        session,
        boot_id: None,
        connection_number: None,
        application: application.to_owned(),
        name: PublishName::new(name),
        key: None,
        protocol: request.protocol.to_ascii_lowercase(),
        address: fields::address(client.real_ip.as_deref().unwrap_or(&client.address)),
        family: Family::OvenMediaEngine,
    };
    Ok(fields::told(report, Fields::parse(query).key()))
}

/// The application, the name and the query of `rtmp://host:1935/live/name?query`.
fn split(url: &str) -> Option<(&str, &str, &str)> {
    let (_, rest) = url.split_once("://")?;
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (_, path) = address.split_once('/')?;
    // Behind the `?` of an application stands the name as well: `/live?key=…/name`.
    let without_name = (!query.is_empty()).then_some(("", path));
    let (application, name) = path.rsplit_once('/').or(without_name)?;
    Some((application, name, query))
}

pub(super) fn render(outcome: &Outcome) -> Answer {
    let body = match outcome {
        Outcome::Accepted(_) => json!({ "allowed": true }),
        Outcome::Refused(refusal) => json!({ "allowed": false, "reason": sentence(*refusal) }),
        Outcome::Noted => json!({}),
    };
    Answer::json(200, body)
}
