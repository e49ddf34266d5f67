//! MediaMTX 1.20.1: its requests and its rules, from recorded runs.

use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Answer, Call, Reply, Request, parameter};
use crate::process::Process;
use crate::rules::{
    Control, Draft, Event, Reaction, Redirects, Requests, Rules, SecondPublisher, Signal, Verdict, fixed,
};
use crate::session::Session;
use crate::text::{iso, since_1970, uuid};

/// It asks in its single path manager, so every other call waits; a denial takes effect after a random pause of up to
/// 4 s, here a tenth of that in a fixed order.
/// It asks before it has media (since 1.20.1), which arrive one or two seconds later; only then it lists a publisher,
/// and only then a second publisher replaces the first one (`overridePublisher`). Its begin and end commands are curl
/// with a timeout of 5 s; at SIGTERM it reports ends, and a frozen publisher ends after `readTimeout`.
pub(crate) const RULES: Rules = Rules {
    name_is_allowed,
    requests: Requests::BlockingTheServer { free: "/v3/rtmpconns" },
    drafts,
    judge,
    redirects: Redirects::AreFollowed(follow),
    request_timeout: Duration::from_secs(10),
    event_timeout: Duration::from_secs(5),
    retry: None,
    requests_per_publisher: 1,
    pauses_before_denial: &[
        Duration::from_millis(210),
        Duration::from_millis(0),
        Duration::from_millis(400),
        Duration::from_millis(90),
        Duration::from_millis(320),
    ],
    second_publisher: SecondPublisher::TakesOver,
    begin_after: Some(Duration::from_secs(1)),
    end_after: Duration::ZERO,
    playlist_kept_for: Duration::ZERO,
    frozen_after: Duration::from_secs(10),
    reports_end_of_refused: false,
    reports_ends_at: &[Signal::Term],
    server_heartbeat: None,
    publisher_heartbeat: None,
    session_id: |_| uuid(),
    control: Some(Control { credentials: None, react: control }),
};

fn name_is_allowed(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-/.".contains(&byte))
}

/// Any 2xx.
fn judge(reply: Option<&Reply>) -> Verdict {
    match reply {
        Some(reply) if (200..300).contains(&reply.status) => Verdict::Accept,
        Some(reply) => Verdict::Deny(format!("authentication failed: the hook answered {}", reply.status)),
        None => Verdict::Deny("authentication failed: the hook did not answer".to_owned()),
    }
}

fn drafts(process: &Process, event: &Event<'_>) -> Vec<Draft> {
    let request = match event {
        Event::PublishRequest(session) => question(process, session),
        Event::Begin(session) => command(process, session, "available"),
        Event::End(session) => command(process, session, "unavailable"),
        Event::Heartbeat(_) | Event::ServerHeartbeat => return Vec::new(),
    };
    vec![fixed(request)]
}

/// A request of Go's HTTP client; its JSON escapes `&`, `<` and `>`.
fn question(process: &Process, session: &Session) -> Request {
    let Session { id, name, query, from, .. } = session;
    let value = |name: &str| parameter(query, name).unwrap_or_default();
    let (user, password) = (value("user"), value("pass"));
    let token = [password, value("token"), value("jwt")].into_iter().find(|token| !token.is_empty());
    let body = format!(
        r#"{{"ip":"{}","user":{},"password":{},"token":{},"action":"publish","path":{},"protocol":"rtmp","id":"{id}","query":{},"userAgent":"FMLE/3.0 (compatible; Lavf59.27.100)"}}"#,
        from.ip(),
        json!(user),
        json!(password),
        json!(token.unwrap_or_default()),
        json!(format!("live/{name}")),
        json!(query),
    );
    let body = body.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e");
    let headers = vec![
        ("Host", process.hook.authority.clone()),
        ("User-Agent", "Go-http-client/1.1".to_owned()),
        ("Content-Length", body.len().to_string()),
        ("Content-Type", "application/json".to_owned()),
        ("Accept-Encoding", "gzip".to_owned()),
    ];
    Request { method: "POST", target: process.hook.target(), headers, body }
}

/// 301, 302 and 303 cause a GET, 307 and 308 the same POST.
fn follow(process: &Process, request: &Request, reply: &Reply) -> Option<Request> {
    let location = reply.location.as_deref().filter(|_| (300..400).contains(&reply.status))?;
    let here = format!("http://{}", process.hook.authority);
    let target = match location.strip_prefix(&here).unwrap_or(location) {
        absolute if absolute.starts_with('/') => absolute.to_owned(),
        relative => {
            let (folder, _) = process.hook.path.rsplit_once('/').unwrap_or_default();
            format!("{folder}/{relative}")
        }
    };
    if matches!(reply.status, 307 | 308) {
        return Some(Request { target, ..request.clone() });
    }
    let mut headers = request.headers.clone();
    headers.retain(|(name, _)| !name.starts_with("Content-"));
    Some(Request { method: "GET", target, headers, body: String::new() })
}

/// `runOnAvailable` and `runOnUnavailable` as in the service's documentation.
fn command(process: &Process, session: &Session, event: &str) -> Request {
    let body = format!("event={event}&path=live/{}&id={}", session.name, session.id);
    let headers = vec![
        ("Host", process.hook.authority.clone()),
        ("User-Agent", "curl/7.88.1".to_owned()),
        ("Accept", "*/*".to_owned()),
        ("Content-Length", body.len().to_string()),
        ("Content-Type", "application/x-www-form-urlencoded".to_owned()),
    ];
    Request { method: "POST", target: process.hook.target(), headers, body }
}

fn control(process: &Process, call: &Call) -> Reaction {
    let kicked = call.path.strip_prefix("/v3/rtmpconns/kick/");
    let asked = call.path.strip_prefix("/v3/rtmpconns/get/");
    match (call.method.as_str(), kicked) {
        ("GET", None) if asked.is_some() => {
            match process.live().into_iter().find(|session| asked == Some(&session.id)) {
                Some(session) => Reaction::json(200, &connection(&session)),
                None => Reaction::Answer(not_found()),
            }
        }
        ("GET", None) if call.path == "/v3/paths/list" => Reaction::json(200, &paths(process, call)),
        ("GET", None) if call.path == "/v3/config/global/get" => Reaction::json(200, &global(process)),
        ("POST", Some(id)) => {
            let id = id.to_owned();
            Reaction::Kick {
                is_meant: Box::new(move |session| session.id == id),
                kicked: Answer::json(200, &json!({"status": "ok"})),
                missing: not_found(),
            }
        }
        _ => Reaction::Answer(Answer {
            status: 404,
            content_type: "text/plain",
            body: "404 page not found".to_owned(),
        }),
    }
}

/// The part of the configuration that concerns hooks; the real one has some two hundred settings.
fn global(process: &Process) -> Value {
    json!({
        "logLevel": "info",
        "readTimeout": "10s",
        "authMethod": "http",
        "authHTTPAddress": process.hook.whole(),
        "authHTTPExclude": [{"action": "read", "path": ""}, {"action": "api", "path": ""}],
        "api": true,
        "apiAddress": "127.0.0.1:9997",
    })
}

fn not_found() -> Answer {
    Answer::json(404, &json!({"status": "error", "error": "connection not found"}))
}

fn paths(process: &Process, call: &Call) -> Value {
    let live = process.watchable();
    let per_page = call.number("itemsPerPage", 100).max(1);
    let page = live.iter().skip(call.number("page", 0) * per_page).take(per_page);
    let items: Vec<Value> = page.map(|session| path(session)).collect();
    json!({"itemCount": live.len(), "pageCount": live.len().div_ceil(per_page), "items": items})
}

fn connection(session: &Session) -> Value {
    json!({
        "id": session.id,
        "created": iso(since_1970().saturating_sub(session.since.elapsed())),
        "remoteAddr": session.from.to_string(),
        "state": "publish",
        "path": format!("live/{}", session.name),
        "query": session.query,
        "bytesReceived": session.bytes(),
        "bytesSent": 3_500,
    })
}

fn path(session: &Session) -> Value {
    let age = session.since.elapsed();
    let ready_time = iso(since_1970().saturating_sub(age));
    json!({
        "name": format!("live/{}", session.name),
        "confName": "all_others",
        "source": {"type": "rtmpConn", "id": session.id},
        "ready": true,
        "readyTime": ready_time,
        "available": true,
        "availableTime": ready_time,
        "online": true,
        "onlineTime": ready_time,
        "tracks": ["H264", "MPEG-4 Audio"],
        "bytesReceived": session.bytes(),
        "bytesSent": 0,
        "readers": [{"type": "hlsMuxer", "id": ""}],
    })
}
