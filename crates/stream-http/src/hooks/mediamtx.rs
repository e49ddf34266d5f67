//! `MediaMTX`: JSON that asks whether somebody may do something, and forms that its begin and end commands post.

use serde::Deserialize;
use stream_domain::Family;
use stream_domain::admission::{Refusal, Trigger};
use stream_domain::broadcasts::PublisherReport;
use stream_domain::session::PublishName;

use super::fields::{self, Fields};
use super::{Answer, Outcome, Told};

/// Fields that older versions do not send are optional.
#[derive(Deserialize)]
struct Question {
    action: String,
    path: Option<String>,
    #[serde(default)]
    protocol: String,
    id: Option<String>,
    query: Option<String>,
    user: Option<String>,
    password: Option<String>,
    token: Option<String>,
    #[serde(default)]
    ip: String,
}

pub(super) fn parse(body: &[u8]) -> Result<Told, Refusal> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return parse_command(body);
    }
    let question: Question = fields::json(body)?;
    match question.action.as_str() {
        "publish" => {}
        "read" | "playback" => return Ok(Told::Unconcerned),
        // The control interface, metrics and profiles are not for whoever asks.
        _ => return Ok(Told::Foreign),
    }
    let path = question.path.unwrap_or_default();
    let key = match Fields::parse(question.query.as_deref().unwrap_or_default()).key() {
        // Protocols without a query show the key as a password.
        Ok(None) => {
            let shown = [question.password, question.token].into_iter().flatten();
            Ok(shown.into_iter().find(|text| !text.is_empty()))
        }
        key => key,
    };
    // Its publish page, and the OPTIONS that some encoders send before they publish, are no stay yet.
    let session = question.id.filter(|id| !id.is_empty());
    let is_stay = session.is_some();
    let session = session.unwrap_or_default();
    let report = report(Trigger::PublishRequest, session, &path, None, question.protocol, &question.ip);
    let told = fields::told(report, key);
    Ok(if is_stay { told } else { told.into_question() })
}

/// `event=available&path=live/…&id=…`, or `unavailable`; the session is one that has asked before.
fn parse_command(body: &[u8]) -> Result<Told, Refusal> {
    let text = std::str::from_utf8(body).map_err(|_| Refusal::MalformedRequest)?;
    let form = Fields::parse(text);
    let session = form.required("id")?.to_owned();
    match form.required("event")? {
        "unavailable" => Ok(Told::Left(session, None)),
        "available" => {
            let path = form.required("path")?;
            Ok(Told::Publisher(report(Trigger::Heartbeat, session, path, None, "rtmp".to_owned(), "")))
        }
        _ => Err(Refusal::MalformedRequest),
    }
}

/// A path is the application and the name, joined.
fn report(
    trigger: Trigger,
    session: String,
    path: &str,
    key: Option<String>,
    protocol: String,
    ip: &str,
) -> PublisherReport {
    let (application, name) = path.rsplit_once('/').unwrap_or(("", path));
    PublisherReport {
        trigger,
        session,
        boot_id: None,
        connection_number: None,
        application: application.to_owned(),
        name: PublishName::new(name),
        key,
        protocol,
        address: fields::address(ip),
        family: Family::MediaMtx,
    }
}

/// RTSP clients show their credentials only after they were asked for them by a 401.
pub(super) fn render(body: &[u8], outcome: &Outcome) -> Answer {
    let answer = Answer::of(outcome);
    let Outcome::Refused(_) = outcome else {
        return answer;
    };
    let is_bare_rtsp = fields::json(body).is_ok_and(|question: Question| {
        let is_empty = |text: &Option<String>| text.as_deref().is_none_or(str::is_empty);
        question.protocol.starts_with("rtsp") && is_empty(&question.user) && is_empty(&question.password)
    });
    if is_bare_rtsp { Answer { status: 401, ..answer } } else { answer }
}
