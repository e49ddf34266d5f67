//! Hooks as they arrive in real set-ups: from nginx with badly pasted keys, from web pages, and from unknown senders.

use reqwest::Method;
use serde_json::Value;
use stream_tests::{
    MediaPorts, NginxRtmp, Service, ServiceBuilder, StoreKind, TestStore, encoder, eventually,
};

const SECRET: &str = "a-secret-of-hooks-1";

async fn started(settings: &[(&str, &str)]) -> (TestStore, Service) {
    let store = TestStore::new(StoreKind::Sqlite);
    let with = |setup: ServiceBuilder, (name, value): &(&str, &str)| setup.with(name, value);
    let service = settings.iter().fold(store.setup(), with).start().await;
    (store, service)
}

/// The lines of the log with this message, as JSON.
fn lines(service: &Service, message: &str) -> Vec<Value> {
    let log = service.program.errors();
    let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["message"] == message || line["fields"]["message"] == message).collect()
}

/// A field of a line, in either format of the log.
fn field<'a>(line: &'a Value, name: &str) -> &'a Value {
    line.get(name).unwrap_or(&line["fields"][name])
}

async fn hook(service: &Service, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> u16 {
    let request = service.request(method, path).header("X-Request-Id", "hook-1").body(body.to_owned());
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    service.send(request).await.status
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reason_of_a_refused_hook_is_only_in_the_log() {
    let servers = format!("edge=nginx-rtmp;secret={SECRET} cam=mediamtx;secret={SECRET}");
    let (_store, service) = started(&[("MEDIA_SERVERS", &servers)]).await;
    let path = |path: &str| path.replace("SECRET", SECRET);
    let cases = [
        (Method::POST, "/hooks/nginx-rtmp/edge?secret=typo", &[][..], 403, "wrong_secret"),
        (Method::POST, "/hooks/nginx-rtmp/edge", &[], 403, "no_secret"),
        (Method::POST, "/hooks/srs/edge?secret=SECRET", &[], 403, "other_family"),
        (Method::POST, "/hooks/nginx-rtmp/egde?secret=SECRET", &[], 403, "unknown_server"),
        // The server's name is missing.
        (Method::POST, "/hooks/nginx-rtmp/SECRET", &[], 403, "unknown_server"),
        (Method::POST, "/hooks/nginx_rtmp/edge?secret=SECRET", &[], 404, "unknown_family"),
        (Method::PUT, "/hooks/nginx-rtmp/edge?secret=SECRET", &[], 405, "wrong_method"),
        (
            Method::POST,
            "/hooks/nginx-rtmp/edge?secret=SECRET",
            &[("Origin", "https://evil.example")],
            403,
            "from_browser",
        ),
        (Method::GET, "/hooks/nginx-rtmp/edge?secret=SECRET", &[], 204, ""),
    ];
    for (method, address, headers, status, reason) in cases {
        let before = lines(&service, "refused a hook").len();
        assert_eq!(hook(&service, method, &path(address), headers, "call=play").await, status, "{address}");
        if reason.is_empty() {
            continue;
        }
        eventually("the line", || async { lines(&service, "refused a hook").len() > before }).await;
        let line = lines(&service, "refused a hook").pop().expect("it is there");
        assert_eq!(field(&line, "reason"), reason, "{address}: {line}");
        assert_eq!(field(&line, "peer"), "127.0.0.1", "{line}");
        assert_eq!(field(&line, "request_id"), "hook-1", "{line}");
        assert!(field(&line, "server").is_string() && field(&line, "family").is_string(), "{line}");
        assert!(!line.to_string().contains(SECRET), "{line}");
    }
    // MediaMTX asks who may use its API; that is not MediaMTX refusing the service.
    let api = r#"{"action":"api","ip":"127.0.0.1","user":"","password":"","path":"","protocol":"","id":null,"query":""}"#;
    assert_eq!(hook(&service, Method::POST, &path("/hooks/mediamtx/cam?secret=SECRET"), &[], api).await, 403);
    eventually("the line", || async {
        let lines = lines(&service, "refused a hook");
        lines.iter().any(|line| field(line, "reason") == "no_publisher" && field(line, "server") == "cam")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_refusals_of_hooks_cause_one_warning() {
    let servers = format!("edge=nginx-rtmp;secret={SECRET}");
    let (_store, service) = started(&[("MEDIA_SERVERS", &servers)]).await;
    for number in 0..30 {
        let path = format!("/hooks/nginx-rtmp/name-{number}?secret=typo");
        assert_eq!(hook(&service, Method::POST, &path, &[], "").await, 403);
    }
    eventually("the lines", || async { lines(&service, "refused a hook").len() == 30 }).await;
    let warnings = lines(&service, "refused a hook");
    let warnings = warnings.iter().filter(|line| line["level"] == "WARN").count();
    assert_eq!(warnings, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn log_lines_of_publishers_name_the_stream_the_server_and_the_request() {
    let servers = format!("edge=nginx-rtmp;secret={SECRET}");
    let (_store, service) = started(&[("MEDIA_SERVERS", &servers)]).await;
    let key = service.key_of(1).await;
    let path = format!("/hooks/nginx-rtmp/edge?secret={SECRET}");
    let publish = |connection: u8, host: u8| {
        format!("app=live&addr=192.0.2.{host}&clientid={connection}&call=publish&name={key}&type=live")
    };
    assert_eq!(hook(&service, Method::POST, &path, &[], &publish(1, 1)).await, 200);
    assert_eq!(hook(&service, Method::POST, &path, &[], &publish(2, 2)).await, 403);
    assert_eq!(hook(&service, Method::POST, &path, &[], "call=publish&clientid=x").await, 403);
    assert_eq!(hook(&service, Method::POST, &path, &[], "\u{1}").await, 403);
    eventually("the lines", || async { lines(&service, "refused a publisher").len() == 3 }).await;
    let admitted = lines(&service, "admitted a publisher").pop().expect("it is there");
    assert_eq!((field(&admitted, "session"), field(&admitted, "stream_id")), (&1.into(), &1.into()));
    assert_eq!(field(&admitted, "address"), "192.0.2.1");
    let refused = lines(&service, "refused a publisher");
    let of = |reason: &str| refused.iter().find(|line| field(line, "reason") == reason).expect("it is there");
    assert_eq!(field(of("already_live"), "stream_id"), 1);
    for line in [&admitted, of("already_live"), of("malformed_request")] {
        assert_eq!((field(line, "server"), field(line, "family")), (&"edge".into(), &"nginx-rtmp".into()));
        assert_eq!((field(line, "peer"), field(line, "request_id")), (&"127.0.0.1".into(), &"hook-1".into()));
    }
}

/// With the requests of a real nginx, and the playlists that its viewers get.
#[tokio::test(flavor = "multi_thread")]
async fn a_badly_pasted_key_is_live_at_nginx_or_is_in_its_owners_attempts() {
    let ports = MediaPorts::free();
    let (rtmp_base, hls_base) = ports.bases();
    let control = format!("edge=nginx-rtmp;secret={SECRET};control=http://127.0.0.1:{}", ports.control);
    let (_store, service) = started(&[
        ("MEDIA_SERVERS", &control),
        ("ADDRESSES", "playback"),
        ("RTMP_BASE_URL", &rtmp_base),
        ("HLS_BASE_URL", &hls_base),
    ])
    .await;
    // Playlists remain after a publisher has left, here as briefly as possible.
    let settings = [("ADDRESSES", "playback"), ("KEEP", "3")];
    let nginx = NginxRtmp::start(ports, &service.url(""), ("edge", SECRET), &settings).await;
    let stream = service.generate_key(1).await.json["stream"].take();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let (key, id) = (text(&stream["stream_key"]), text(&stream["playback_id"]));
    let (hls_url, pasted) = (text(&stream["hls_url"]), text(&stream["ingest"]["stream_key"]));
    let server = text(&stream["ingest"]["server"]);
    let behind_application = format!("live?key={key}");
    for (application, name) in [
        ("live", pasted.clone()),
        (behind_application.as_str(), id.clone()),
        ("live", format!("{pasted}/")),
        ("live", format!(" {pasted}\n").trim_start().to_owned()),
        ("live/", format!("/{pasted}")),
        ("live", format!("{id}/?key=\"{key}\"")),
    ] {
        let options = ["-rtmp_app", application, "-rtmp_playpath", &name];
        let encoder = encoder::publish_with(&options, &server, nginx.folder());
        eventually("the picture", || async { encoder::plays(&hls_url) }).await;
        drop(encoder);
        eventually("the end", || async {
            service.get_as(1, "/api/streams").await.json["streams"][0]["live"] == false
                && !nginx.playlist(&id).await
        })
        .await;
    }
    for (name, reason) in [
        (key.clone(), "key_in_wrong_field"),
        (format!("{id} ?key={key}"), "malformed_key"),
        (format!("{server}/{pasted}"), "malformed_key"),
        (id.clone(), "no_key"),
    ] {
        let options = ["-rtmp_app", "live", "-rtmp_playpath", &name];
        let mut encoder = encoder::publish_with(&options, &server, nginx.folder());
        assert!(!encoder.wait().await.success(), "{reason}");
        let attempts = service.get_as(1, "/api/streams/attempts").await.json;
        let attempts = attempts["attempts"].as_array().expect("a list");
        assert!(attempts.iter().any(|attempt| attempt["reason"] == reason), "{reason}: {attempts:?}");
    }
}
