//! Ant Media Server: JSON that asks about a publisher, and events as JSON or as a form.

use serde::Deserialize;
use serde_json::Value;
use stream_domain::Family;
use stream_domain::broadcasts::PublisherReport;
use stream_domain::broadcasts::admission::{Refusal, Trigger};
use stream_domain::broadcasts::session::PublishName;

use super::dialect::Dialect;
use super::fields::{self, Fields};
use stream_domain::broadcasts::HookEvent;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    app_name: Option<String>,
    stream_id: Option<String>,
    mode: Option<String>,
    query_params: Option<Value>,
    /// Events have an action, and questions have none.
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
        let question: Question = fields::json(body)?;
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
