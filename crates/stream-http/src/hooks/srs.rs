//! SRS and Oryx: JSON with an `action`; heartbeats have none.

use serde::Deserialize;
use stream_domain::Family;
use stream_domain::admission::{Refusal, Trigger};
use stream_domain::broadcasts::PublisherReport;
use stream_domain::session::PublishName;

use super::Told;
use super::fields::{self, Fields};

/// The virtual host of whoever names none.
const DEFAULT_HOST: &str = "__defaultVhost__";

#[derive(Deserialize)]
struct Event {
    action: Option<String>,
    /// The run of the server in hooks.
    service_id: Option<String>,
    /// The run of the server in heartbeats.
    service: Option<String>,
    #[serde(default)]
    client_id: String,
    #[serde(default)]
    ip: String,
    #[serde(default)]
    vhost: String,
    #[serde(default)]
    app: String,
    #[serde(default)]
    stream: String,
    #[serde(default)]
    param: String,
    /// The address that the publisher connected to.
    #[serde(rename = "tcUrl")]
    tc_url: Option<String>,
}

pub(super) fn parse(body: &[u8], host: Option<&str>) -> Result<Told, Refusal> {
    let event: Event = fields::json(body)?;
    let trigger = match event.action.as_deref() {
        Some("on_publish") => Trigger::PublishRequest,
        // Comes with each segment, and so tells that the publisher goes on.
        Some("on_hls") => Trigger::Heartbeat,
        Some("on_unpublish" | "on_close") => return Ok(Told::Left(event.client_id, None)),
        Some(_) => return Ok(Told::Unconcerned),
        None if event.service.is_some() => return Ok(Told::Alive(event.service)),
        None => return Err(Refusal::MalformedRequest),
    };
    if event.client_id.is_empty() {
        return Err(Refusal::MalformedRequest);
    }
    let tc_url = event.tc_url.as_deref().unwrap_or_default();
    let key = fields::key_of([&Fields::parse(&event.param), &fields::query_of(tc_url)]);
    let report = PublisherReport {
        trigger,
        session: event.client_id,
        boot_id: event.service_id,
        connection_number: None,
        application: event.app,
        name: PublishName::new(event.stream),
        key: None,
        protocol: protocol(event.tc_url.as_deref()).to_owned(),
        address: fields::address(&event.ip),
        family: Family::Srs,
    };
    // A publisher picks the virtual host by itself, and one without hooks would let it in unasked.
    // Which one it is, SRS says: what the publisher wrote may name one that SRS does not have.
    match (event.vhost == host.unwrap_or(DEFAULT_HOST), fields::told(report, key)) {
        (false, Told::Publisher(report) | Told::Refused(report, _)) => {
            Ok(Told::Refused(report, Refusal::ForeignHost))
        }
        (_, told) => Ok(told),
    }
}

/// The protocol by which SRS was reached: only RTMP has an address of its own, and WHIP none at all.
fn protocol(tc_url: Option<&str>) -> &'static str {
    match tc_url {
        Some(url) if url.starts_with("srt://") => "srt",
        Some(url) if url.is_empty() || url.starts_with("webrtc://") => "webrtc",
        _ => "rtmp",
    }
}
