//! `MediaMTX`: JSON that asks whether a client may do something, and forms that its commands post at begin and end.

use serde::Deserialize;
use stream_domain::Family;
use stream_domain::broadcasts::PublisherReport;
use stream_domain::broadcasts::admission::{Refusal, Trigger};
use stream_domain::broadcasts::session::PublishName;
use utoipa::ToSchema;

use super::answer::Answer;
use super::dialect::Dialect;
use super::fields::{self, Fields};
use super::outcome::Outcome;
use stream_domain::broadcasts::HookEvent;

/// `MediaMTX`: a request for permission; fields that older versions do not send are optional.
#[derive(Deserialize, ToSchema)]
#[schema(as = MediaMtxHook)]
pub(crate) struct MediaMtxHook {
    /// `publish` asks; `read` and `playback` are accepted, everything else is refused.
    action: String,
    /// The application and the name that is published, joined by a slash.
    path: Option<String>,
    /// The publisher's protocol.
    #[serde(default)]
    protocol: String,
    /// The session; a request without it is answered and begins none.
    id: Option<String>,
    /// The publisher's query.
    query: Option<String>,
    /// The user name of the publisher's credentials.
    user: Option<String>,
    /// The key, from protocols without a query.
    password: Option<String>,
    /// The key, from protocols without a query.
    token: Option<String>,
    /// The publisher's IP address.
    #[serde(default)]
    ip: String,
}

/// `MediaMTX`.
#[derive(Debug)]
pub(super) struct MediaMtx;

impl Dialect for MediaMtx {
    fn parse(&self, body: &[u8], _host: Option<&str>) -> Result<HookEvent, Refusal> {
        if body.trim_ascii_start().first() != Some(&b'{') {
            return parse_command(body);
        }
        let question: MediaMtxHook = fields::json(body)?;
        match question.action.as_str() {
            "publish" => {}
            "read" | "playback" => return Ok(HookEvent::Ignored),
            // The control interface, metrics and profiles are not for everybody.
            _ => return Ok(HookEvent::Privileged),
        }
        let path = question.path.unwrap_or_default();
        let key = match Fields::parse(question.query.as_deref().unwrap_or_default()).key() {
            // Protocols without a query send the key as a password.
            Ok(None) => {
                let mut credentials = [question.password, question.token].into_iter().flatten();
                Ok(credentials.find(|text| !text.is_empty()))
            }
            key => key,
        };
        // Its publish page, and the OPTIONS that some encoders send before they publish, begin no session yet.
        let session = question.id.filter(|id| !id.is_empty());
        let has_session = session.is_some();
        let mut report = report(Trigger::PublishRequest, session.unwrap_or_default(), &path);
        report.protocol = question.protocol;
        report.address = fields::address(&question.ip);
        let event = fields::publisher(report, key);
        Ok(if has_session { event } else { event.into_question() })
    }

    /// RTSP clients send their credentials only after a 401.
    fn render(&self, body: &[u8], outcome: &Outcome) -> Answer {
        let answer = Answer::of(outcome);
        let Outcome::Refused(_) = outcome else {
            return answer;
        };
        let is_bare_rtsp = fields::json(body).is_ok_and(|question: MediaMtxHook| {
            let is_empty = |text: &Option<String>| text.as_deref().is_none_or(str::is_empty);
            question.protocol.starts_with("rtsp") && is_empty(&question.user) && is_empty(&question.password)
        });
        if is_bare_rtsp { Answer { status: 401, ..answer } } else { answer }
    }
}

/// `event=available&path=live/…&id=…`, or `unavailable`; the session is one that was admitted before.
fn parse_command(body: &[u8]) -> Result<HookEvent, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::MalformedRequest)?;
    let form = Fields::parse(text);
    let session = form.required("id")?.to_owned();
    match form.required("event")? {
        "unavailable" => Ok(HookEvent::Left { session, name: None }),
        "available" => {
            let path = form.required("path")?;
            Ok(HookEvent::Publisher(report(Trigger::Heartbeat, session, path)))
        }
        _ => Err(Refusal::MalformedRequest),
    }
}

/// A report without a key; a path is the application and the name, joined.
fn report(trigger: Trigger, session: String, path: &str) -> PublisherReport {
    let (application, name) = path.rsplit_once('/').unwrap_or(("", path));
    PublisherReport {
        trigger,
        session,
        boot_id: None,
        connection_number: None,
        application: application.to_owned(),
        name: PublishName::new(name),
        key: None,
        protocol: "rtmp".to_owned(),
        address: None,
        family: Family::MediaMtx,
    }
}
