//! ZLMediaKit: its web hooks and its HTTP API, from its source.

use std::time::Duration;

use serde_json::{Value, json};

use crate::http::{Answer, Call, Reply, Request};
use crate::process::{Counter, Process};
use crate::rules::{
    Control, Draft, Event, Reaction, Redirects, Requests, Rules, SecondPublisher, Verdict, any_name,
};
use crate::session::Session;
use crate::text::{since_1970, styled};

/// The secret of its API.
const API_SECRET: &str = "035c73f7-bb6b-4889-a715-d9eb2d1925cc";

/// The response of `kick_session` for an unknown connection: `OtherFailed`, although `NotFound` is -500.
const OTHER_FAILED: i32 = -1;

/// The schemas that it creates for one publisher, each with its own events.
const SCHEMAS: [&str; 5] = ["fmp4", "hls", "rtmp", "rtsp", "ts"];

/// It retries every failed exchange once, after 3 s and with a new `hook_index`, reports of ends as well as publish
/// requests; a response with a non-zero `code` is final.
/// It refuses a second publisher after having asked, and reports no ends when it stops itself.
/// The real interval of `on_server_keepalive` is 10 s by default.
pub(crate) const RULES: Rules = Rules {
    name_is_allowed: any_name,
    requests: Requests::Concurrent,
    drafts,
    judge,
    redirects: Redirects::AreAnswers,
    request_timeout: Duration::from_secs(10),
    event_timeout: Duration::from_secs(10),
    retry: Some(Duration::from_secs(3)),
    requests_per_publisher: 1,
    pauses_before_denial: &[],
    second_publisher: SecondPublisher::IsRefused,
    begin_after: Some(Duration::from_millis(100)),
    end_after: Duration::ZERO,
    playlist_kept_for: Duration::ZERO,
    frozen_after: Duration::from_secs(15),
    reports_end_of_refused: false,
    reports_ends_at: &[],
    server_heartbeat: Some(Duration::from_secs(2)),
    publisher_heartbeat: None,
    session_id: |number| format!("{}-{}", number + 1, 30 + number),
    control: Some(Control { credentials: Some(API_SECRET), react: control }),
};

/// 200 with an integer `code`, which must be 0.
fn judge(reply: Option<&Reply>) -> Verdict {
    let Some(reply) = reply else { return Verdict::Fault("[network err]".to_owned()) };
    if reply.status != 200 {
        return Verdict::Fault(format!("[bad http status code]:{}", reply.status));
    }
    let answer: Value = serde_json::from_str(&reply.body).unwrap_or_default();
    match answer["code"].as_i64() {
        None => Verdict::Fault("[json code]:code not int".to_owned()),
        Some(0) => Verdict::Accept,
        Some(_) => Verdict::Deny(answer["msg"].as_str().unwrap_or_default().to_owned()),
    }
}

fn drafts(_: &Process, event: &Event<'_>) -> Vec<Draft> {
    let bodies = match event {
        Event::PublishRequest(session) => {
            let mut body = connection(session);
            body["originType"] = json!(1);
            body["originTypeStr"] = json!("rtmp_push");
            vec![body]
        }
        Event::Begin(session) => SCHEMAS
            .map(|schema| {
                let mut body = source(session, schema);
                body["regist"] = json!(true);
                body
            })
            .to_vec(),
        Event::End(session) => {
            let mut flow = connection(session);
            flow["duration"] = json!(session.since.elapsed().as_secs());
            flow["player"] = json!(false);
            flow["totalBytes"] = json!(bytes_of(session));
            let gone = SCHEMAS.map(|schema| {
                let mut body = tuple(session);
                body["schema"] = json!(schema);
                body["regist"] = json!(false);
                body
            });
            gone.into_iter().chain([flow]).collect()
        }
        Event::ServerHeartbeat => vec![json!({"data": {
            "Buffer": 2, "BufferRaw": 1, "Frame": 0, "MediaSource": 0, "MultiMediaSourceMuxer": 0,
            "RtmpPacket": 0, "RtpPacket": 0, "Socket": 62, "TcpClient": 0, "TcpServer": 41, "TcpSession": 1,
        }})],
        Event::Heartbeat(_) => Vec::new(),
    };
    bodies.into_iter().map(draft).collect()
}

/// Headers are sorted case-insensitively; counter and server are added at each try.
fn draft(body: Value) -> Draft {
    Box::new(move |process| {
        let mut stamped = body.clone();
        stamped["mediaServerId"] = json!("your_server_id");
        stamped["hook_index"] = json!(process.count(Counter::Requests));
        let body = styled(&stamped) + "\n";
        let mut headers = vec![
            ("Accept", "*/*".to_owned()),
            ("Accept-Language", "zh-CN,zh;q=0.8".to_owned()),
            ("Connection", "keep-alive".to_owned()),
            ("Content-Length", body.len().to_string()),
            ("Content-Type", "application/json".to_owned()),
            ("Host", process.hook.authority.clone()),
            ("User-Agent", "ZLMediaKit(git hash:unknown,branch:master)".to_owned()),
        ];
        if let Some(vhost) = stamped["vhost"].as_str() {
            headers.push(("X-VHOST", vhost.to_owned()));
        }
        Request { method: "POST", target: process.hook.target(), headers, body }
    })
}

fn tuple(session: &Session) -> Value {
    json!({
        "app": "live",
        "params": session.query,
        "stream": session.name,
        "vhost": "__defaultVhost__",
    })
}

fn connection(session: &Session) -> Value {
    let mut body = tuple(session);
    body["id"] = json!(session.id);
    body["ip"] = json!(session.from.ip().to_string());
    body["port"] = json!(session.from.port());
    body["protocol"] = json!("rtmp");
    body["schema"] = json!("rtmp");
    body
}

/// A media source, as in the API's list and in the report of its begin.
fn source(session: &Session, schema: &str) -> Value {
    let mut body = tuple(session);
    let age = session.since.elapsed();
    let members = json!({
        "aliveSecond": age.as_secs(),
        "bytesSpeed": 125_000,
        "createStamp": since_1970().saturating_sub(age).as_secs(),
        "isRecordingHLS": false,
        "isRecordingMP4": false,
        "originSock": {
            "identifier": session.id,
            "local_ip": "127.0.0.1",
            "local_port": 1935,
            "peer_ip": session.from.ip().to_string(),
            "peer_port": session.from.port(),
        },
        "originType": 1,
        "originTypeStr": "rtmp_push",
        "originUrl": format!("rtmp://__defaultVhost__/live/{}", session.name),
        "readerCount": 0,
        "schema": schema,
        "totalBytes": bytes_of(session),
        "totalReaderCount": 0,
        "tracks": [
            {"codec_id": 0, "codec_id_name": "H264", "codec_type": 0, "ready": true, "height": 720, "width": 1280},
            {"codec_id": 2, "codec_id_name": "mpeg4-generic", "codec_type": 1, "ready": true, "channels": 2},
        ],
    });
    if let (Some(body), Value::Object(members)) = (body.as_object_mut(), members) {
        body.extend(members);
    }
    body
}

/// Above `flowThreshold`, below which no `on_flow_report` is sent.
fn bytes_of(session: &Session) -> u64 {
    1_100_000 + session.bytes()
}

/// Every response has status 200.
fn control(process: &Process, call: &Call) -> Reaction {
    if call.parameter("secret") != Some(API_SECRET) {
        return Reaction::json(200, &json!({"code": -100, "msg": "Incorrect secret"}));
    }
    match call.path.as_str() {
        "/index/api/getMediaList" => Reaction::json(200, &media_list(process, call.parameter("schema"))),
        "/index/api/getServerConfig" => Reaction::json(200, &server_config(process)),
        "/index/api/kick_session" => {
            let id = call.parameter("id").map(str::to_owned);
            Reaction::Kick {
                is_meant: Box::new(move |session| id.as_ref() == Some(&session.id)),
                kicked: Answer::json(200, &json!({"code": 0, "msg": "success"})),
                missing: Answer::json(200, &json!({"code": OTHER_FAILED, "msg": "can not find the target"})),
            }
        }
        _ => Reaction::Answer(Answer {
            status: 404,
            content_type: "text/html",
            body: "<html><body>404</body></html>".to_owned(),
        }),
    }
}

/// Every setting is a text; the real list has some two hundred.
fn server_config(process: &Process) -> Value {
    let hook = process.hook.whole();
    json!({"code": 0, "data": [{
        "api.secret": API_SECRET,
        "hook.alive_interval": "4.0",
        "hook.enable": "1",
        "hook.on_flow_report": hook,
        "hook.on_publish": hook,
        "hook.on_server_keepalive": hook,
        "hook.on_server_started": "",
        "hook.on_stream_changed": hook,
    }]})
}

/// Without an entry, the list has no `data`.
fn media_list(process: &Process, schema: Option<&str>) -> Value {
    let schemas = SCHEMAS.into_iter().filter(|made| schema.is_none_or(|schema| schema == *made));
    let live = process.live();
    let list: Vec<Value> =
        schemas.flat_map(|schema| live.iter().map(move |session| source(session, schema))).collect();
    if list.is_empty() { json!({"code": 0}) } else { json!({"code": 0, "data": list}) }
}
