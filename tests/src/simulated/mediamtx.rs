//! MediaMTX 1.20.1: what it sends was recorded in runs, and so were its rules.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Signal;
use super::engine::Run;
use super::http::{Answer, Call, Reply, Request, parameter};
use super::rules::{Control, Draft, Event, Questions, Redirects, Rules, SecondPublisher, Verdict, fixed};
use super::session::Session;
use super::text::{iso, since_1970, uuid};

/// It asks inside its one path manager, so that everybody waits with it; a denial comes after a random pause of up
/// to 4 s, here a tenth of that, in a fixed order.
/// It asks before it has media (since 1.20.1), which come a second or two later; only then is a publisher listed.
/// Then, too, a second publisher throws the first one out (`overridePublisher`); its begin and end commands are curl, with
/// 5 s; SIGTERM tells ends, and a frozen publisher is gone after `readTimeout`.
pub(super) const RULES: Rules = Rules {
    name_is_allowed,
    questions: Questions::HoldingTheServer { free: "/v3/rtmpconns" },
    drafts,
    judge,
    redirects: Redirects::AreFollowed(follow),
    question_limit: Duration::from_secs(10),
    event_limit: Duration::from_secs(5),
    retry: None,
    times_asked: 1,
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
    playlist_stays: Duration::ZERO,
    frozen_after: Duration::from_secs(10),
    tells_end_of_refused: false,
    tells_ends_at: &[Signal::Term],
    server_beat: None,
    publisher_beat: None,
    session_id: |_| uuid(),
    control: Some(Control { credentials: None, answer: control }),
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

fn drafts(run: &Run, event: &Event<'_>) -> Vec<Draft> {
    let request = match event {
        Event::Ask(session) => question(run, session),
        Event::Begin(session) => command(run, session, "available"),
        Event::End(session) => command(run, session, "unavailable"),
        Event::Beat(_) | Event::ServerBeat => return Vec::new(),
    };
    vec![fixed(request)]
}

/// Go's client; its JSON escapes `&`, `<` and `>`.
fn question(run: &Run, session: &Session) -> Request {
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
        ("Host", run.hook.authority.clone()),
        ("User-Agent", "Go-http-client/1.1".to_owned()),
        ("Content-Length", body.len().to_string()),
        ("Content-Type", "application/json".to_owned()),
        ("Accept-Encoding", "gzip".to_owned()),
    ];
    Request { method: "POST", target: run.hook.target(), headers, body }
}

/// 301, 302 and 303 lead to a GET, 307 and 308 to the same POST.
fn follow(run: &Run, request: &Request, reply: &Reply) -> Option<Request> {
    let location = reply.location.as_deref().filter(|_| (300..400).contains(&reply.status))?;
    let here = format!("http://{}", run.hook.authority);
    let target = match location.strip_prefix(&here).unwrap_or(location) {
        absolute if absolute.starts_with('/') => absolute.to_owned(),
        relative => {
            let (folder, _) = run.hook.path.rsplit_once('/').unwrap_or_default();
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

/// `runOnAvailable` and `runOnUnavailable` as the service's documentation has them.
fn command(run: &Run, session: &Session, event: &str) -> Request {
    let body = format!("event={event}&path=live/{}&id={}", session.name, session.id);
    let headers = vec![
        ("Host", run.hook.authority.clone()),
        ("User-Agent", "curl/7.88.1".to_owned()),
        ("Accept", "*/*".to_owned()),
        ("Content-Length", body.len().to_string()),
        ("Content-Type", "application/x-www-form-urlencoded".to_owned()),
    ];
    Request { method: "POST", target: run.hook.target(), headers, body }
}

fn control(run: &Arc<Run>, call: &Call) -> Answer {
    let kicked = call.path.strip_prefix("/v3/rtmpconns/kick/");
    let asked = call.path.strip_prefix("/v3/rtmpconns/get/");
    match (call.method.as_str(), kicked) {
        ("GET", None) if asked.is_some() => {
            match run.live().into_iter().find(|session| asked == Some(&session.id)) {
                Some(session) => Answer::json(200, &connection(&session)),
                None => Answer::json(404, &json!({"status": "error", "error": "connection not found"})),
            }
        }
        ("GET", None) if call.path == "/v3/paths/list" => Answer::json(200, &paths(run, call)),
        ("POST", Some(id)) if run.cut(|session| session.id == id) => {
            Answer::json(200, &json!({"status": "ok"}))
        }
        ("POST", Some(_)) => Answer::json(404, &json!({"status": "error", "error": "connection not found"})),
        _ => Answer { status: 404, content_type: "text/plain", body: "404 page not found".to_owned() },
    }
}

fn paths(run: &Run, call: &Call) -> Value {
    let live = run.watchable();
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
