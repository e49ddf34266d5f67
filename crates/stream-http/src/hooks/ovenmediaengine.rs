//! `OvenMediaEngine`: signed admission webhooks, which are always answered by 200.
//!
//! It has no session ids: the client's address and port, and the name that it publishes, make one.

use serde::Deserialize;
use serde_json::json;
use stream_domain::Family;
use stream_domain::broadcasts::PublisherReport;
use stream_domain::broadcasts::admission::{Refusal, Trigger};
use stream_domain::broadcasts::session::PublishName;
use utoipa::ToSchema;

use super::answer::Answer;
use super::dialect::Dialect;
use super::fields::{self, Fields};
use super::outcome::Outcome;
use super::rejections::Rejection;
use super::request::HookRequest;
use super::server::HookSecrets;
use crate::error::sentence_of;
use stream_domain::broadcasts::HookEvent;

/// `OvenMediaEngine`: an admission webhook.
#[derive(Deserialize, ToSchema)]
#[schema(as = OvenMediaEngineHook)]
pub(crate) struct OvenMediaEngineHook {
    #[schema(inline)]
    client: Client,
    #[schema(inline)]
    request: Request,
}

/// Who publishes or watches.
#[derive(Deserialize, ToSchema)]
struct Client {
    /// The IP address of the connection.
    address: String,
    /// The port of the connection.
    #[schema(maximum = 65_535)]
    port: u16,
    /// The IP address behind a proxy.
    real_ip: Option<String>,
}

/// What is done.
#[derive(Deserialize, ToSchema)]
struct Request {
    /// `incoming` publishes; everything else is accepted.
    direction: String,
    /// The publisher's protocol.
    protocol: String,
    /// `opening` asks, `closing` ends the session; everything else is accepted.
    status: String,
    /// Where the client publishes to, such as `rtmp://host:1935/live/name?query`.
    url: String,
}

/// `OvenMediaEngine`.
#[derive(Debug)]
pub(super) struct OvenMediaEngine;

impl Dialect for OvenMediaEngine {
    fn authenticate(&self, request: &HookRequest<'_>, secrets: &HookSecrets) -> Result<(), Rejection> {
        let signature = request.headers.get("X-OME-Signature").and_then(|value| value.to_str().ok());
        let signature = signature.ok_or(Rejection::NoSecret)?;
        if secrets.verify_signature(request.body, signature) { Ok(()) } else { Err(Rejection::WrongSecret) }
    }

    fn parse(&self, body: &[u8], _host: Option<&str>) -> Result<HookEvent, Refusal> {
        let OvenMediaEngineHook { client, request } = fields::json(body)?;
        if request.direction != "incoming" {
            return Ok(HookEvent::Ignored);
        }
        let (application, name, query) = split(&request.url).ok_or(Refusal::MalformedRequest)?;
        let session = format!("{}:{}/{application}/{name}", client.address, client.port);
        match request.status.as_str() {
            "opening" => {}
            "closing" => return Ok(HookEvent::Left { session, name: None }),
            _ => return Ok(HookEvent::Ignored),
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
        Ok(fields::publisher(report, Fields::parse(query).key()))
    }

    fn render(&self, _body: &[u8], outcome: &Outcome) -> Answer {
        let body = match outcome {
            Outcome::Accepted(_) => json!({ "allowed": true }),
            Outcome::Refused(refusal) => json!({ "allowed": false, "reason": sentence_of(*refusal) }),
            Outcome::Noted => json!({}),
        };
        Answer::json(200, body)
    }
}

/// The application, the name and the query of `rtmp://host:1935/live/name?query`.
fn split(url: &str) -> Option<(&str, &str, &str)> {
    let (_, rest) = url.split_once("://")?;
    let (address, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (_, path) = address.split_once('/')?;
    // The query of an application holds the name as well: `/live?key=…/name`.
    let without_name = (!query.is_empty()).then_some(("", path));
    let (application, name) = path.rsplit_once('/').or(without_name)?;
    Some((application, name, query))
}
