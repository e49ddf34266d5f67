//! OvenMediaEngine 0.20: its `AdmissionWebhooks`, from its source and its users' reports.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::digest::KeyInit as _;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha1::Sha1;

use crate::http::{Answer, Call, Reply, Request};
use crate::process::Process;
use crate::rules::{
    Control, Draft, Event, Reaction, Redirects, Requests, Rules, SecondPublisher, Verdict, any_name,
};
use crate::text;

/// The `AccessToken` of its API.
const ACCESS_TOKEN: &str = "ome-access-token";

/// It signs its requests, asks twice about one publisher (a defect of 0.20), reports an end even of publishers that it
/// refused, and reports the end of an old connection after it has asked about the new one; a closing may take 500 ms.
/// It detects a dead network only when TCP times out.
pub(crate) const RULES: Rules = Rules {
    name_is_allowed: any_name,
    requests: Requests::Concurrent,
    drafts,
    judge,
    redirects: Redirects::AreAnswers,
    request_timeout: Duration::from_secs(3),
    event_timeout: Duration::from_millis(500),
    retry: None,
    requests_per_publisher: 2,
    pauses_before_denial: &[],
    second_publisher: SecondPublisher::IsRefused,
    begin_after: None,
    end_after: Duration::from_millis(300),
    playlist_kept_for: Duration::ZERO,
    frozen_after: Duration::from_secs(60),
    reports_end_of_refused: true,
    reports_ends_at: &[],
    server_heartbeat: None,
    publisher_heartbeat: None,
    session_id: |number| number.to_string(),
    control: Some(Control { credentials: Some(ACCESS_TOKEN), react: control }),
};

/// 200 with the boolean `allowed` set to true.
fn judge(reply: Option<&Reply>) -> Verdict {
    let Some(reply) = reply else { return Verdict::Deny("the control server did not answer".to_owned()) };
    let answer: Value = serde_json::from_str(&reply.body).unwrap_or_default();
    match answer["allowed"].as_bool() {
        Some(true) if reply.status == 200 => Verdict::Accept,
        Some(false) if reply.status == 200 => {
            Verdict::Deny(answer["reason"].as_str().unwrap_or("denied").to_owned())
        }
        _ => Verdict::Deny(format!("the control server answered {}", reply.status)),
    }
}

fn drafts(_: &Process, event: &Event<'_>) -> Vec<Draft> {
    let (session, status) = match event {
        Event::PublishRequest(session) => (session, "opening"),
        Event::End(session) => (session, "closing"),
        Event::Begin(_) | Event::Heartbeat(_) | Event::ServerHeartbeat => return Vec::new(),
    };
    let url = format!("rtmp://127.0.0.1:1935/live/{}", session.name_and_query());
    let client = json!({"address": session.from.ip().to_string(), "port": session.from.port()});
    let draft = move |process: &Process| {
        let mut request = json!({"direction": "incoming", "protocol": "rtmp", "status": status, "url": url});
        request["time"] = json!(text::now());
        if status == "closing" {
            request["new_url"] = json!(url);
        }
        admission(process, text::styled(&json!({"client": client, "request": request})))
    };
    vec![Box::new(draft)]
}

fn admission(process: &Process, body: String) -> Request {
    let headers = vec![
        ("Host", process.hook.authority.clone()),
        ("Content-Type", "application/json".to_owned()),
        ("Accept", "application/json".to_owned()),
        ("X-OME-Signature", signature(&process.secret, &body)),
        ("Content-Length", body.len().to_string()),
    ];
    Request { method: "POST", target: process.hook.target(), headers, body }
}

/// HMAC-SHA1 over the exact body, as unpadded base64url.
pub(crate) fn signature(secret: &str, body: &str) -> String {
    let mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    URL_SAFE_NO_PAD.encode(mac.chain_update(body).finalize().into_bytes())
}

fn control(process: &Process, call: &Call) -> Reaction {
    let answer = |status: u16, message: &str| json!({"message": message, "statusCode": status});
    if call.authorization != Some(format!("Basic {}", STANDARD.encode(ACCESS_TOKEN))) {
        return Reaction::json(
            401,
            &answer(401, "[HTTP] Authorization header is required to call API (401)"),
        );
    }
    let missing = Answer::json(404, &answer(404, "[HTTP] Could not find the stream (404)"));
    if let Some(name) = call.path.strip_prefix("/v1/stats/current/vhosts/default/apps/live/streams/") {
        return match process.live().into_iter().find(|session| session.name == name) {
            Some(session) => {
                let mut found = answer(200, "OK");
                found["response"] = json!({"totalBytesIn": session.bytes(), "totalBytesOut": 0});
                Reaction::json(200, &found)
            }
            None => Reaction::Answer(missing),
        };
    }
    let rest = call.path.strip_prefix("/v1/vhosts/default/apps/live/streams");
    match (call.method.as_str(), rest) {
        ("GET", Some("" | "/")) => {
            let mut list = answer(200, "OK");
            list["response"] = process.live().iter().map(|session| session.name.clone()).collect();
            Reaction::json(200, &list)
        }
        ("DELETE", Some(rest)) => {
            let name = rest.strip_prefix('/').map(str::to_owned);
            Reaction::Kick {
                is_meant: Box::new(move |session| name.as_ref() == Some(&session.name)),
                kicked: Answer::json(200, &answer(200, "OK")),
                missing,
            }
        }
        _ => Reaction::Answer(missing),
    }
}
