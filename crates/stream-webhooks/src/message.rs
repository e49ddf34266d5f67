//! A message as it is sent: its headers and its JSON.

use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{Method, Request};
use http_body_util::Full;
use hyper::body::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;
use stream_domain::Event;
use stream_domain::ports::WebhookMessage;
use time::format_description::well_known::Rfc3339;
use url::Position;

use crate::signature::signatures;
use crate::target::Target;

const AGENT: &str = concat!("stream-server/", env!("CARGO_PKG_VERSION"));

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: String,
    position: i64,
    data: &'a RawValue,
}

/// The request for a message; an error says why there is none.
pub(crate) fn request(message: &WebhookMessage, target: &Target) -> Result<Request<Full<Bytes>>, String> {
    let body = body(&message.event)?;
    let timestamp = message.at.unix_seconds();
    let request = Request::builder()
        .method(Method::POST)
        .uri(&target.url[Position::BeforePath..Position::AfterQuery])
        .header(HOST, &target.url[Position::BeforeHost..Position::AfterPort])
        .header(USER_AGENT, AGENT)
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", &message.id)
        .header("webhook-timestamp", timestamp)
        .header("webhook-signature", signatures(&message.secrets, &message.id, timestamp, &body));
    request.body(Full::from(body)).map_err(|_| "the message has no form that can be sent".to_owned())
}

/// An event as JSON; its facts stay as they are, byte for byte.
pub(crate) fn body(event: &Event) -> Result<String, String> {
    let data = serde_json::from_str(&event.data).map_err(|_| "the event has facts that are no JSON")?;
    let timestamp = event.at.to_utc().format(&Rfc3339).map_err(|_| "the event has a time that is no date")?;
    let body = Body { kind: &event.kind, timestamp, position: event.position.0, data };
    serde_json::to_string(&body).map_err(|_| "the event has no form in JSON".to_owned())
}
