//! Ant Media Server: `webhookAuthenticateURL` and `listenerHookURL`, from its source; both are one URL here.

use std::time::Duration;

use serde_json::json;

use crate::http::{Reply, Request, parameter};
use crate::process::Process;
use crate::rules::{Draft, Event, Redirects, Requests, Rules, SecondPublisher, Verdict, any_name, fixed};
use crate::session::Session;
use crate::text::since_1970;

/// It sends one publish request at a time and waits 5 s for the response, 2 s for that to a report; exactly 200 accepts.
/// It retries nothing (`webhookRetryCount` 0), and there is no control interface here.
pub(crate) const RULES: Rules = Rules {
    name_is_allowed: any_name,
    requests: Requests::OneByOne,
    drafts,
    judge,
    redirects: Redirects::AreAnswers,
    request_timeout: Duration::from_secs(5),
    event_timeout: Duration::from_secs(2),
    retry: None,
    requests_per_publisher: 1,
    pauses_before_denial: &[],
    second_publisher: SecondPublisher::IsRefused,
    begin_after: Some(Duration::from_millis(10)),
    end_after: Duration::ZERO,
    playlist_kept_for: Duration::ZERO,
    frozen_after: Duration::from_secs(60),
    reports_end_of_refused: false,
    reports_ends_at: &[],
    server_heartbeat: None,
    publisher_heartbeat: None,
    session_id: |number| number.to_string(),
    control: None,
};

fn judge(reply: Option<&Reply>) -> Verdict {
    match reply {
        Some(reply) if reply.status == 200 => Verdict::Accept,
        Some(reply) => Verdict::Deny(format!("response from webhook is: {}", reply.status)),
        None => Verdict::Deny("couldn't connect to the webhook".to_owned()),
    }
}

fn drafts(process: &Process, event: &Event<'_>) -> Vec<Draft> {
    let body = match event {
        Event::PublishRequest(session) => question(session),
        Event::Begin(session) => report(session, "liveStreamStarted"),
        Event::End(session) => report(session, "liveStreamEnded"),
        Event::Heartbeat(_) | Event::ServerHeartbeat => return Vec::new(),
    };
    let headers = vec![
        ("Content-Type", "application/json".to_owned()),
        ("Content-Length", body.len().to_string()),
        ("Host", process.hook.authority.clone()),
        ("Connection", "Keep-Alive".to_owned()),
        ("User-Agent", "Apache-HttpClient/4.5.14 (Java/17.0.13)".to_owned()),
        ("Accept-Encoding", "gzip,deflate".to_owned()),
    ];
    vec![fixed(Request { method: "POST", target: process.hook.target(), headers, body })]
}

/// `queryParams` is the text of a Java map; absent parameters are omitted.
fn question(session: &Session) -> String {
    let Session { name, query, .. } = session;
    let mut body =
        format!(r#"{{"appName":"live","name":{},"streamId":{},"mode":"live""#, json!(name), json!(name));
    for field in ["token", "subscriberId", "subscriberCode"] {
        if let Some(value) = parameter(query, field) {
            body.push_str(&format!(",\"{field}\":{}", json!(value)));
        }
    }
    let map = query.split('&').filter(|pair| !pair.is_empty()).collect::<Vec<_>>().join(", ");
    body.push_str(&format!(",\"queryParams\":{}}}", json!(format!("{{{map}}}"))));
    body
}

fn report(session: &Session, action: &str) -> String {
    let milliseconds = since_1970().as_millis();
    format!(r#"{{"action":"{action}","id":{},"timestamp":"{milliseconds}"}}"#, json!(session.name))
}
