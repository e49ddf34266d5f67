//! `ZLMediaKit`: JSON without a word for what it is, so its fields tell; a no is a 200 with another code than 0.

use serde::Deserialize;
use serde_json::{Map, Value, json};
use stream_domain::Family;
use stream_domain::admission::{Refusal, Trigger};
use stream_domain::broadcasts::PublisherReport;
use stream_domain::session::PublishName;

use super::fields::{self, Fields};
use super::{Answer, Outcome, Told, sentence};

/// The virtual host of whoever names none.
const DEFAULT_HOST: &str = "__defaultVhost__";

#[derive(Deserialize, Default)]
#[serde(default)]
struct Event {
    vhost: String,
    app: String,
    stream: String,
    schema: String,
    params: String,
    ip: String,
    id: String,
    /// Only `on_stream_changed` has it.
    regist: Option<bool>,
    /// Only `on_flow_report` has it.
    player: Option<bool>,
}

pub(super) fn parse(body: &[u8], host: Option<&str>) -> Result<Told, Refusal> {
    let members: Map<String, Value> = fields::json(body)?;
    // The list of settings that a server posts at its start.
    if members.keys().any(|name| name.starts_with("api.") || name.starts_with("general.")) {
        return Ok(Told::Restarted);
    }
    // What a stream is made from; some older versions do not say.
    let is_publisher = members.contains_key("originType");
    let is_keepalive = members.contains_key("data") && !members.contains_key("stream");
    let event: Event =
        serde_json::from_value(Value::Object(members)).map_err(|_| Refusal::MalformedRequest)?;
    if is_keepalive {
        return Ok(Told::Alive(None));
    }
    let host = host.unwrap_or(DEFAULT_HOST);
    match (event.regist, event.player) {
        // It comes once an output, of which the first is the publisher's own.
        (Some(false), _) if event.schema == "rtmp" && event.vhost == host => {
            return Ok(Told::NameLeft(event.stream));
        }
        (Some(_), _) | (_, Some(true)) => return Ok(Told::Unconcerned),
        (_, Some(false)) => return Ok(Told::Left(event.id, None)),
        _ if event.id.is_empty() && is_publisher => return Err(Refusal::MalformedRequest),
        _ if event.id.is_empty() => return Ok(Told::Unconcerned),
        _ => {}
    }
    let params = Fields::parse(&event.params);
    let named = params.one("vhost");
    let is_foreign = event.vhost != host || named.is_ok_and(|named| named.is_some_and(|named| named != host));
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
    match fields::told(report, params.key()) {
        Told::Publisher(report) | Told::Refused(report, _) if is_foreign => {
            Ok(Told::Refused(report, Refusal::ForeignHost))
        }
        Told::Publisher(report) if named.is_err() => Ok(Told::Refused(report, Refusal::MalformedRequest)),
        told => Ok(told),
    }
}

/// Another status than 200 would make it ask again, three seconds later.
pub(super) fn render(outcome: &Outcome) -> Answer {
    match outcome {
        Outcome::Refused(refusal) => Answer::json(200, json!({ "code": 1, "msg": sentence(*refusal) })),
        Outcome::Accepted(_) | Outcome::Noted => Answer::accepted(),
    }
}
