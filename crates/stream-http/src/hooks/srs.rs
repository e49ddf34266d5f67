//! SRS and Oryx: JSON with an `action`, and heartbeats without one.

use serde::Deserialize;
use stream_domain::Family;
use stream_domain::broadcasts::PublisherReport;
use stream_domain::broadcasts::admission::{Refusal, Trigger};
use stream_domain::broadcasts::session::PublishName;
use utoipa::ToSchema;

use super::dialect::Dialect;
use super::fields::{self, Fields};
use stream_domain::broadcasts::HookEvent;

/// The virtual host of a publisher that names none.
const DEFAULT_HOST: &str = "__defaultVhost__";

/// SRS: a hook, which has an `action`, or a heartbeat, which has none.
#[derive(Deserialize, ToSchema)]
#[schema(as = SrsHook)]
pub(crate) struct SrsHook {
    /// `on_publish` asks, `on_hls` is a heartbeat of a publisher, `on_unpublish` and `on_close` end it; others are accepted.
    action: Option<String>,
    /// The boot id of the server in hooks.
    service_id: Option<String>,
    /// The boot id of the server in heartbeats.
    service: Option<String>,
    /// The session.
    #[serde(default)]
    client_id: String,
    /// The publisher's IP address.
    #[serde(default)]
    ip: String,
    /// The virtual host that SRS found.
    #[serde(default)]
    vhost: String,
    /// The application.
    #[serde(default)]
    app: String,
    /// The name that is published.
    #[serde(default)]
    stream: String,
    /// The publisher's query, with its `?`; the key is its field `key` where addresses hide it.
    #[serde(default)]
    param: String,
    /// The URL that the publisher connected to.
    #[serde(rename = "tcUrl")]
    tc_url: Option<String>,
}

/// SRS, and Oryx around it.
#[derive(Debug)]
pub(super) struct Srs;

impl Dialect for Srs {
    fn parse(&self, body: &[u8], host: Option<&str>) -> Result<HookEvent, Refusal> {
        let event: SrsHook = fields::json(body)?;
        let trigger = match event.action.as_deref() {
            Some("on_publish") => Trigger::PublishRequest,
            // Comes with each segment, and so is a heartbeat of the publisher.
            Some("on_hls") => Trigger::Heartbeat,
            Some("on_unpublish" | "on_close") => {
                return Ok(HookEvent::Left { session: event.client_id, name: None });
            }
            Some(_) => return Ok(HookEvent::Ignored),
            None if event.service.is_some() => return Ok(HookEvent::Heartbeat { boot_id: event.service }),
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
        // A publisher chooses the virtual host, and one without hooks would admit it unasked.
        // What counts is the host that SRS found: the publisher may have written one that SRS does not have.
        Ok(match (event.vhost == host.unwrap_or(DEFAULT_HOST), fields::publisher(report, key)) {
            (false, HookEvent::Publisher(report) | HookEvent::Refused { report, .. }) => {
                HookEvent::Refused { report, refusal: Refusal::ForeignHost }
            }
            (_, event) => event,
        })
    }
}

/// The protocol of the publisher: only RTMP has a URL of its own, and WHIP none at all.
fn protocol(tc_url: Option<&str>) -> &'static str {
    match tc_url {
        Some(url) if url.starts_with("srt://") => "srt",
        Some(url) if url.is_empty() || url.starts_with("webrtc://") => "webrtc",
        _ => "rtmp",
    }
}
