//! SRS 6.0.157: its requests and its rules, from recorded runs.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::http::{Answer, Call, Reply, Request};
use crate::process::Process;
use crate::rules::{
    Control, Draft, Event, Reaction, Redirects, Requests, Rules, SecondPublisher, Signal, Verdict, any_name,
    fixed,
};
use crate::session::Session;
use crate::text::{letters, mix, since_1970, unique};

/// The credentials of its API: `http_api { auth { username; password } }`.
const CREDENTIALS: &str = "ops:pw";

/// It waits 30 s for a response, asks once, refuses a second publisher after having asked about it, without any
/// event, and reports no ends at SIGTERM; a frozen publisher ends after 11 s.
/// The playlist of an ended stream is removed after `hls_dispose`, from 6.0.173 on.
/// The real intervals are settings; the recorded run had 9 s for heartbeats and 2 s for segments.
pub(crate) const RULES: Rules = Rules {
    name_is_allowed: any_name,
    requests: Requests::Concurrent,
    drafts,
    judge,
    redirects: Redirects::AreAnswers,
    request_timeout: Duration::from_secs(30),
    event_timeout: Duration::from_secs(30),
    retry: None,
    requests_per_publisher: 1,
    pauses_before_denial: &[],
    second_publisher: SecondPublisher::IsRefused,
    begin_after: None,
    end_after: Duration::ZERO,
    playlist_kept_for: Duration::from_secs(2),
    frozen_after: Duration::from_secs(11),
    reports_end_of_refused: false,
    reports_ends_at: &[Signal::Quit],
    server_heartbeat: Some(Duration::from_secs(2)),
    publisher_heartbeat: Some(Duration::from_secs(2)),
    session_id: |_| letters(unique(), 8),
    control: Some(Control { credentials: Some(CREDENTIALS), react: control }),
};

/// 200 or 201 with exactly `0`, or with an object whose `code` is the number 0.
fn judge(reply: Option<&Reply>) -> Verdict {
    let Some(reply) = reply else { return Verdict::Deny("the hook did not answer".to_owned()) };
    let object: Option<Value> = serde_json::from_str(&reply.body).ok();
    let is_zero = reply.body == "0" || object.is_some_and(|object| object["code"].as_i64() == Some(0));
    if matches!(reply.status, 200 | 201) && is_zero {
        Verdict::Accept
    } else {
        Verdict::Deny(format!("the hook answered {}", reply.status))
    }
}

fn drafts(process: &Process, event: &Event<'_>) -> Vec<Draft> {
    let (target, body) = match event {
        Event::PublishRequest(session) => {
            (process.hook.target(), publisher_event(process, session, "on_publish", ""))
        }
        Event::End(session) => (process.hook.target(), publisher_event(process, session, "on_unpublish", "")),
        Event::Heartbeat(session) => {
            let segment = segment(session);
            (process.hook.target(), publisher_event(process, session, "on_hls", &segment))
        }
        // The query of the heartbeat's URL is dropped.
        Event::ServerHeartbeat => (process.hook.path.clone(), heartbeat(process)),
        Event::Begin(_) => return Vec::new(),
    };
    let headers = vec![
        ("Connection", "Keep-Alive".to_owned()),
        ("Content-Length", body.len().to_string()),
        ("Content-Type", "application/json".to_owned()),
        ("Host", process.hook.authority.clone()),
        ("User-Agent", "SRS/6.0.157(Hang)".to_owned()),
    ];
    vec![fixed(Request { method: "POST", target, headers, body })]
}

/// The fields are in the recorded order.
fn publisher_event(process: &Process, session: &Session, action: &str, extra: &str) -> String {
    let Session { id, name, query, from, .. } = session;
    let param = if query.is_empty() { String::new() } else { format!("?{query}") };
    format!(
        r#"{{"server_id":"{}","service_id":"{}","action":"{action}","client_id":"{id}","ip":"{}","vhost":"__defaultVhost__","app":"live","tcUrl":"rtmp://127.0.0.1:1935/live","stream":{},"param":{},{extra}"stream_url":{},"stream_id":"{}"}}"#,
        server_id(process),
        service_id(process),
        from.ip(),
        json!(name),
        json!(param),
        json!(format!("/live/{name}")),
        stream_id(name),
    )
}

fn segment(session: &Session) -> String {
    let (name, number) = (&session.name, session.since.elapsed().as_secs() / 2);
    format!(
        r#""duration":2.00,"cwd":"/usr/local/srs",{}"seq_no":{number},"#,
        [
            ("file", format!("./html/live/{name}-{number}.ts")),
            ("url", format!("live/{name}-{number}.ts")),
            ("m3u8", format!("./html/live/{name}.m3u8")),
            ("m3u8_url", format!("live/{name}.m3u8")),
        ]
        .map(|(field, text)| format!("\"{field}\":{},", json!(text)))
        .concat()
    )
}

fn heartbeat(process: &Process) -> String {
    format!(
        r#"{{"device_id":"srs-lab","ip":"127.0.0.1","server":"{}","service":"{}","pid":"{}","summaries":{{"ok":true,"self":{{"version":"6.0.157","pid":{3},"ppid":1,"srs_uptime":{4}}}}}}}"#,
        server_id(process),
        service_id(process),
        pid(process),
        pid(process),
        process.since.elapsed().as_secs()
    )
}

/// The server's id, which remains the same over restarts.
fn server_id(process: &Process) -> String {
    let seed = process.hook.path.bytes().fold(0, |seed, byte| mix(seed ^ u64::from(byte)));
    format!("vid-{}", letters(seed, 7))
}

/// The boot id, which is new at each start.
fn service_id(process: &Process) -> String {
    letters(process.number, 8)
}

fn pid(process: &Process) -> u64 {
    1000 + process.number % 30_000
}

/// The id of a stream, which depends on the name, not on the session.
fn stream_id(name: &str) -> String {
    let seed = name.bytes().fold(1, |seed, byte| mix(seed ^ u64::from(byte)));
    format!("vid-{}", letters(seed, 7))
}

fn control(process: &Process, call: &Call) -> Reaction {
    if call.authorization != Some(format!("Basic {}", STANDARD.encode(CREDENTIALS))) {
        return Reaction::json(401, &json!({"code": 401}));
    }
    let answer = |code: u32| json!({"code": code, "server": server_id(process), "service": service_id(process), "pid": pid(process).to_string()});
    match (call.method.as_str(), call.path.trim_end_matches('/')) {
        ("GET", "/api/v1/streams") => {
            let mut list = answer(0);
            let streams = streams(process).into_iter().skip(call.number("start", 0));
            list["streams"] = streams.take(call.number("count", 10)).collect();
            Reaction::json(200, &list)
        }
        ("GET", "/api/v1/clients") => {
            let mut list = answer(0);
            let clients = clients(process).into_iter().skip(call.number("start", 0));
            list["clients"] = clients.take(call.number("count", 10)).collect();
            Reaction::json(200, &list)
        }
        ("DELETE", path) if path.starts_with("/api/v1/clients/") => {
            let id = path.trim_start_matches("/api/v1/clients/").to_owned();
            Reaction::Kick {
                is_meant: Box::new(move |session| session.id == id),
                kicked: Answer::json(200, &answer(0)),
                missing: Answer::json(200, &json!({"code": 2049})),
            }
        }
        _ => Reaction::json(404, &json!({"code": 404})),
    }
}

/// The byte counter, which is updated every three seconds.
fn sampled(session: &Session) -> u64 {
    session.bytes() / 375_000 * 375_000
}

/// The clients; a publisher is listed from its publish request on.
fn clients(process: &Process) -> Vec<Value> {
    let all = process.live().into_iter().chain(process.asking());
    let client = |session: Arc<Session>| {
        json!({
            "id": session.id,
            "vhost": "vid-default",
            "stream": stream_id(&session.name),
            "ip": session.from.ip().to_string(),
            "pageUrl": "",
            "swfUrl": "",
            "tcUrl": "rtmp://127.0.0.1:1935/live",
            "url": format!("/live/{}", session.name),
            "name": session.name,
            "type": "fmle-publish",
            "publish": true,
            "alive": session.since.elapsed().as_secs_f64(),
            "send_bytes": 3_633,
            "recv_bytes": sampled(&session),
            "kbps": {"recv_30s": 0, "send_30s": 0},
        })
    };
    let mut clients: Vec<Value> = all.map(client).collect();
    // They are sorted by id.
    clients.sort_by(|a, b| a["id"].as_str().cmp(&b["id"].as_str()));
    clients
}

/// The streams; ended names for which viewers wait remain in the list as inactive.
fn streams(process: &Process) -> Vec<Value> {
    let active = process.live().into_iter().map(|session| {
        let publish = json!({"active": true, "cid": session.id});
        (session.name.clone(), session.since.elapsed(), sampled(&session), publish)
    });
    let inactive = process.ended_names().into_iter();
    let inactive = inactive.map(|name| (name, Duration::ZERO, 0, json!({"active": false})));
    let entry = |(name, age, bytes, publish): (String, Duration, u64, Value)| {
        let is_active = publish["active"] == true;
        json!({
            "id": stream_id(&name),
            "name": name,
            "vhost": "vid-default",
            "app": "live",
            "tcUrl": "rtmp://127.0.0.1:1935/live",
            "url": format!("/live/{name}"),
            "live_ms": since_1970().saturating_sub(age).as_millis() as u64,
            "clients": 1,
            "frames": age.as_secs() * 30,
            "send_bytes": 4500,
            "recv_bytes": bytes,
            "kbps": {"recv_30s": 1000, "send_30s": 0},
            "publish": publish,
            "video": is_active.then(|| json!({"codec": "H264", "profile": "High", "level": "3.1", "width": 1280, "height": 720})),
            "audio": is_active.then(|| json!({"codec": "AAC", "sample_rate": 44100, "channel": 2, "profile": "LC"})),
        })
    };
    active.chain(inactive).map(entry).collect()
}
