//! `ZLMediaKit`: JSON without the name of the event, which its fields reveal; a no is a 200 with another code than 0.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use stream_domain::Family;
use stream_domain::broadcasts::PublisherReport;
use stream_domain::broadcasts::admission::{Refusal, Trigger};
use stream_domain::broadcasts::session::PublishName;
use utoipa::ToSchema;

use super::answer::Answer;
use super::dialect::Dialect;
use super::fields::{self, Fields};
use super::outcome::Outcome;
use crate::error::sentence_of;
use stream_domain::broadcasts::HookEvent;

/// The virtual host of a publisher that names none.
const DEFAULT_HOST: &str = "__defaultVhost__";

/// `ZLMediaKit`: an event without its name, which its fields reveal.
///
/// `originType` marks a publisher; `data` without `stream` is a heartbeat; `api.…` or `general.…` are the settings that a
/// server posts at its start.
#[derive(Deserialize, Default, ToSchema)]
#[schema(as = ZlMediaKitHook)]
#[serde(default)]
pub(crate) struct ZlMediaKitHook {
    /// The virtual host.
    vhost: String,
    /// The application.
    app: String,
    /// The name that is published.
    stream: String,
    /// The publisher's protocol.
    schema: String,
    /// The publisher's query.
    params: String,
    /// The publisher's IP address.
    ip: String,
    /// The session.
    id: String,
    /// Only `on_stream_changed` has it: `false` when an output ends.
    regist: Option<bool>,
    /// Only `on_flow_report` has it: `false` when a publisher has left.
    player: Option<bool>,
}

/// `ZLMediaKit`.
#[derive(Debug)]
pub(super) struct ZlMediaKit;

impl Dialect for ZlMediaKit {
    fn parse(&self, body: &[u8], host: Option<&str>) -> Result<HookEvent, Refusal> {
        let members: Map<String, Value> = fields::json(body)?;
        // The settings, which a server posts at its start.
        if members.keys().any(|name| name.starts_with("api.") || name.starts_with("general.")) {
            return Ok(HookEvent::Restarted);
        }
        // The source of a stream, which some older versions do not send.
        let is_publisher = members.contains_key("originType");
        let is_keepalive = members.contains_key("data") && !members.contains_key("stream");
        let event: ZlMediaKitHook =
            serde_json::from_value(Value::Object(members)).map_err(|_| Refusal::MalformedRequest)?;
        if is_keepalive {
            return Ok(HookEvent::Heartbeat { boot_id: None });
        }
        let host = host.unwrap_or(DEFAULT_HOST);
        match (event.regist, event.player) {
            // It comes once for each output, of which the first is the publisher's own.
            (Some(false), _) if event.schema == "rtmp" && event.vhost == host => {
                return Ok(HookEvent::NameLeft { name: event.stream });
            }
            (Some(_), _) | (_, Some(true)) => return Ok(HookEvent::Ignored),
            (_, Some(false)) => return Ok(HookEvent::Left { session: event.id, name: None }),
            _ if event.id.is_empty() && is_publisher => return Err(Refusal::MalformedRequest),
            _ if event.id.is_empty() => return Ok(HookEvent::Ignored),
            _ => {}
        }
        let params = Fields::parse(&event.params);
        let named = params.one("vhost");
        let is_foreign =
            event.vhost != host || named.is_ok_and(|named| named.is_some_and(|named| named != host));
        let report = PublisherReport {
            trigger: Trigger::PublishRequest,
            session: event.id,
            boot_id: None,
            connection_number: None,
            application: event.app,
            name: PublishName::new(event.stream),
            key: None,
            protocol: event.schema,
            address: fields::address(&event.ip),
            family: Family::ZlMediaKit,
        };
        Ok(match fields::publisher(report, params.key()) {
            HookEvent::Publisher(report) | HookEvent::Refused { report, .. } if is_foreign => {
                HookEvent::Refused { report, refusal: Refusal::ForeignHost }
            }
            HookEvent::Publisher(report) if named.is_err() => {
                HookEvent::Refused { report, refusal: Refusal::MalformedRequest }
            }
            event => event,
        })
    }

    /// After another status than 200 it would retry, three seconds later.
    fn render(&self, _body: &[u8], outcome: &Outcome) -> Answer {
        match outcome {
            Outcome::Refused(refusal) => {
                Answer::json(200, json!({ "code": 1, "msg": sentence_of(*refusal) }))
            }
            Outcome::Accepted(_) | Outcome::Noted => Answer::accepted(),
        }
    }
}
