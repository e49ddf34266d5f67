//! node-media-server 4: JSON that is labelled `text/plain`; whatever is not exactly 200 ends the session.

use serde::Deserialize;
use serde_json::{Map, Value};
use stream_domain::Family;
use stream_domain::admission::{Refusal, Trigger};
use stream_domain::broadcasts::PublisherReport;
use stream_domain::session::PublishName;

use super::Told;
use super::fields::{self, Fields};

#[derive(Deserialize)]
struct Event {
    action: String,
    id: String,
    #[serde(default)]
    ip: String,
    #[serde(default)]
    app: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    query: Map<String, Value>,
    #[serde(default)]
    protocol: String,
}

pub(super) fn parse(body: &[u8]) -> Result<Told, Refusal> {
    let event: Event = fields::json(body)?;
    match event.action.as_str() {
        // The two come in either order.
        "prePublish" | "postPublish" => {}
        // A second publisher of a live name is refused by the server itself and ends like a player.
        "donePublish" | "donePlay" => return Ok(Told::Left(event.id, None)),
        _ => return Ok(Told::Unconcerned),
    }
    if event.id.is_empty() {
        return Err(Refusal::MalformedRequest);
    }
    let key = match event.query.get("key") {
        None => Fields::from_pairs(Vec::new()),
        Some(Value::String(key)) => Fields::of_key([key.as_str()]),
        // A field that stands there twice becomes a list.
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
    Ok(fields::told(report, key.key()))
}
