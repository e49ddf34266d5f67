//! Ant Media Server: JSON that asks about a publisher, and events as JSON or as a form.

use serde::Deserialize;
use serde_json::Value;
use stream_domain::Family;
use stream_domain::broadcasts::PublisherReport;
use stream_domain::broadcasts::admission::{Refusal, Trigger};
use stream_domain::broadcasts::session::PublishName;
use utoipa::ToSchema;

use super::dialect::Dialect;
use super::fields::{self, Fields};
use stream_domain::broadcasts::HookEvent;

/// Ant Media Server: a question about a publisher, or an event, which has an `action`.
#[derive(Deserialize, ToSchema)]
#[schema(as = AntMediaHook)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AntMediaHook {
    /// The application.
    app_name: Option<String>,
    /// The name that is published, which is the session too.
    stream_id: Option<String>,
    /// `play` is accepted; everything else asks.
    mode: Option<String>,
    /// The publisher's query, as the text of a Java map: `{a=1, b=2}`.
    query_params: Option<Value>,
    /// `liveStreamEnded` ends the session, other actions are accepted; questions have none.
    action: Option<String>,
    /// The stream's name in events.
    id: Option<String>,
}

/// Ant Media Server.
#[derive(Debug)]
pub(super) struct AntMedia;

impl Dialect for AntMedia {
    fn parse(&self, body: &[u8], _host: Option<&str>) -> Result<HookEvent, Refusal> {
        if body.trim_ascii_start().first() != Some(&b'{') {
            let text = std::str::from_utf8(body).map_err(|_| Refusal::MalformedRequest)?;
            let form = Fields::parse(text);
            return event(form.required("action")?, form.one("id")?);
        }
        let question: AntMediaHook = fields::json(body)?;
        if let Some(action) = &question.action {
            return event(action, question.id.as_deref().or(question.stream_id.as_deref()));
        }
        if question.mode.as_deref() == Some("play") {
            return Ok(HookEvent::Ignored);
        }
        let stream = question.stream_id.ok_or(Refusal::MalformedRequest)?;
        let report = PublisherReport {
            trigger: Trigger::PublishRequest,
            // It has no session id but the stream's own name.
            session: stream.clone(),
            boot_id: None,
            connection_number: None,
            application: question.app_name.unwrap_or_default(),
            name: PublishName::new(stream),
            key: None,
            protocol: "rtmp".to_owned(),
            address: None,
            family: Family::AntMedia,
        };
        Ok(fields::publisher(report, parameters(question.query_params.as_ref()).key()))
    }
}

fn event(action: &str, stream: Option<&str>) -> Result<HookEvent, Refusal> {
    match (action, stream) {
        ("liveStreamEnded", Some(stream)) => Ok(HookEvent::Left { session: stream.to_owned(), name: None }),
        ("liveStreamEnded", None) => Err(Refusal::MalformedRequest),
        _ => Ok(HookEvent::Ignored),
    }
}

/// The query, which comes as the text of a Java map: `{a=1, b=2}`.
fn parameters(value: Option<&Value>) -> Fields {
    let text = value.and_then(Value::as_str).unwrap_or_default().trim();
    let inner = text.trim_start_matches('{').trim_end_matches('}');
    let pairs = inner.split(',').filter_map(|pair| pair.trim().split_once('='));
    Fields::from_pairs(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}
