//! node-media-server 4: JSON that is labelled `text/plain`; any status but 200 ends the session.

use actix_web::http::header::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, Value};
use stream_domain::Family;
use stream_domain::broadcasts::PublisherReport;
use stream_domain::broadcasts::admission::{Refusal, Trigger};
use stream_domain::broadcasts::session::PublishName;
use utoipa::ToSchema;

use super::dialect::{Dialect, has_browser_headers};
use super::fields::{self, Fields};
use stream_domain::broadcasts::HookEvent;

/// node-media-server 4: an event, labelled `text/plain`.
#[derive(Deserialize, ToSchema)]
#[schema(as = NodeMediaServerHook)]
pub(crate) struct NodeMediaServerHook {
    /// `prePublish` and `postPublish` ask, `donePublish` and `donePlay` end the session; others are accepted.
    action: String,
    /// The session.
    id: String,
    /// The publisher's IP address and port.
    #[serde(default)]
    ip: String,
    /// The application.
    #[serde(default)]
    app: String,
    /// The name that is published.
    #[serde(default)]
    name: String,
    /// The publisher's query: each field is text, or a list of texts where it occurs twice.
    #[schema(value_type = Object)]
    #[serde(default)]
    query: Map<String, Value>,
    /// The publisher's protocol.
    #[serde(default)]
    protocol: String,
}

/// node-media-server 4; version 2 has a gate instead of hooks.
#[derive(Debug)]
pub(super) struct NodeMediaServer;

impl Dialect for NodeMediaServer {
    /// Node's `fetch` sends one of the headers that browsers send, with one value.
    fn is_from_browser(&self, headers: &HeaderMap) -> bool {
        has_browser_headers(headers) || headers.get("Sec-Fetch-Mode").is_some_and(|mode| mode != "cors")
    }

    fn parse(&self, body: &[u8], _host: Option<&str>) -> Result<HookEvent, Refusal> {
        let event: NodeMediaServerHook = fields::json(body)?;
        match event.action.as_str() {
            // The two come in either order.
            "prePublish" | "postPublish" => {}
            // A second publisher of a live name is refused by the server itself and ends like a player.
            "donePublish" | "donePlay" => return Ok(HookEvent::Left { session: event.id, name: None }),
            _ => return Ok(HookEvent::Ignored),
        }
        if event.id.is_empty() {
            return Err(Refusal::MalformedRequest);
        }
        let key = match event.query.get("key") {
            None => Fields::from_pairs(Vec::new()),
            Some(Value::String(key)) => Fields::of_key([key.as_str()]),
            // A field that occurs twice becomes a list.
            Some(Value::Array(keys)) if !keys.is_empty() && keys.iter().all(Value::is_string) => {
                Fields::of_key(keys.iter().filter_map(Value::as_str))
            }
            Some(_) => return Err(Refusal::MalformedRequest),
        };
        let report = PublisherReport {
            trigger: Trigger::PublishRequest,
            session: event.id,
            boot_id: None,
            connection_number: None,
            application: event.app,
            name: PublishName::new(event.name),
            key: None,
            protocol: event.protocol,
            address: fields::address(&event.ip),
            family: Family::NodeMediaServer4,
        };
        Ok(fields::publisher(report, key.key()))
    }
}
