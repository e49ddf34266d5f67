//! From a media server's hook to what owners and viewers see.

use insta::assert_snapshot;
use stream_domain::broadcasts::admission::AddressForm;
use stream_domain::{Family, ServerName};
use time::Duration;

use super::{Answer, World};
use crate::{HookSecrets, HookServer, HookServers};

const FORM: &str = "application/x-www-form-urlencoded";

/// What nginx-rtmp posts for this event of a connection, from 192.0.2.`host`.
fn event(call: &str, connection: u32, name: &str, host: u8) -> String {
    format!(
        "app=live&flashver=FMLE/3.0%20(compatible%3B%20Lavf59.27&swfurl=&tcurl=rtmp://127.0.0.1:1935/live&pageurl=\
         &addr=192.0.2.{host}&clientid={connection}&call={call}&name={name}&type=live"
    )
}

impl World {
    fn nginx(&self, body: &str) -> Answer {
        self.hook("/hooks/nginx-rtmp/edge", FORM, body)
    }

    fn stream(&self, user: u32) -> serde_json::Value {
        self.get_as(&format!("user-{user}"), "/api/streams").json()["streams"][0].clone()
    }
}

fn edge(family: Family, secrets: &[&str]) -> HookServers {
    let secrets = HookSecrets::new(secrets.iter().map(|&secret| secret.to_owned()).collect());
    [(ServerName::parse("edge").unwrap(), HookServer { family, secrets, host: None })].into()
}

#[test]
fn a_stream_is_live_from_its_publishers_hook_to_its_end() {
    let world = World::new();
    let key = world.key_of(1);
    world.key_of(2);
    assert_eq!(world.stream(1)["live"], false);
    let answer = world.nginx(&event("publish", 7, &key, 1));
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"code":0}"#));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let stream = world.stream(1);
    assert_eq!((&stream["live"], &stream["live_since"]), (&true.into(), &stream["created_at"]));
    assert_eq!(world.get(&format!("/api/streams/{key}")).json()["live"], true);
    assert_eq!(world.get("/api/streams/public").json()["streams"].as_array().unwrap().len(), 2);
    let live = world.get("/api/streams/public?live=true").json();
    assert_eq!(live["streams"].as_array().unwrap().len(), 1);
    assert_eq!(live["streams"][0]["stream_key"], key.as_str());

    world.clock.advance(Duration::seconds(11));
    assert_eq!(world.nginx(&event("update_publish", 7, &key, 1)).status, 200);
    world.clock.advance(Duration::seconds(11));
    assert_eq!(world.stream(1)["live"], true);
    assert_eq!(world.nginx(&event("publish_done", 8, &key, 1)).status, 200);
    assert_eq!(world.stream(1)["live"], true, "another connection's end");
    assert_eq!(world.nginx(&event("publish_done", 7, &key, 1)).status, 200);
    assert_eq!((&world.stream(1)["live"], &world.stream(1)["live_since"]), (&false.into(), &().into()));
    assert_eq!(world.stream(1)["status"], "active", "the key may publish again");
}

#[test]
fn a_session_without_heartbeats_is_not_live_after_its_lease() {
    let world = World::new();
    let key = world.key_of(1);
    world.nginx(&event("publish", 7, &key, 1));
    world.clock.advance(Duration::seconds(12));
    assert_eq!(world.stream(1)["live"], false);
    let sessions = world.get_as("user-1", "/api/streams/1/sessions").json();
    assert_eq!(sessions["sessions"][0]["end_reason"], "lost");
}

#[test]
fn the_owner_sees_sessions_and_attempts_and_nobody_else_does() {
    let world = World::new();
    let key = world.key_of(1);
    world.nginx(&event("publish", 7, &key, 1));
    let refused = world.nginx(&event("publish", 8, &key, 2));
    assert_eq!((refused.status, refused.code().as_str()), (403, "publish_refused"));
    assert_eq!(refused.json()["reason"], "already_live");
    world.nginx(&event("publish_done", 7, &key, 1));
    let pretty = |answer: Answer| serde_json::to_string_pretty(&answer.json()).unwrap();
    assert_snapshot!(pretty(world.get_as("user-1", "/api/streams/1/sessions")), @r#"
    {
      "sessions": [
        {
          "address": "192.0.2.1",
          "end_reason": "left",
          "ended_at": "2026-01-02T03:04:05.678901Z",
          "epoch": 1,
          "id": 1,
          "last_seen_at": "2026-01-02T03:04:05.678901Z",
          "live_since": "2026-01-02T03:04:05.678901Z",
          "protocol": "rtmp",
          "server": "edge",
          "started_at": "2026-01-02T03:04:05.678901Z"
        }
      ]
    }
    "#);
    assert_snapshot!(pretty(world.get_as("user-1", "/api/streams/attempts")), @r#"
    {
      "attempts": [
        {
          "address": "192.0.2.2",
          "first_at": "2026-01-02T03:04:05.678901Z",
          "last_at": "2026-01-02T03:04:05.678901Z",
          "message": "Another encoder is live with this key.",
          "reason": "already_live",
          "server": "edge",
          "stream_id": 1
        }
      ]
    }
    "#);
    assert_eq!(world.get_as("user-2", "/api/streams/attempts").body, r#"{"attempts":[]}"#);
    for path in ["/api/streams/1/sessions", "/api/streams/2/sessions", "/api/streams/x/sessions"] {
        let answer = world.get_as("user-2", path);
        assert_eq!((answer.status, answer.code().as_str()), (404, "stream_not_found"), "{path}");
    }
    for path in ["/api/streams/1/sessions", "/api/streams/attempts"] {
        assert_eq!(world.get(path).code(), "missing_token");
    }
}

#[test]
fn a_stopped_publisher_may_neither_go_on_nor_come_back() {
    let world = World::new();
    let key = world.key_of(1);
    world.nginx(&event("publish", 7, &key, 1));
    world.post_as("user-1", "/api/streams/stop");
    assert_eq!(world.stream(1)["live"], false);
    for (call, connection) in [("update_publish", 7), ("publish", 8)] {
        let answer = world.nginx(&event(call, connection, &key, 1));
        assert_eq!((answer.status, answer.json()["reason"].as_str()), (403, Some("stopped")), "{call}");
    }
    let attempts = world.get_as("user-1", "/api/streams/attempts").json();
    assert_eq!(attempts["attempts"].as_array().unwrap().len(), 1, "an update is no attempt");
}

#[test]
fn with_playback_addresses_nothing_public_holds_the_key() {
    for form in [AddressForm::Playback, AddressForm::Rename] {
        let world = World::on_air(form, HookServers::new());
        let key = world.key_of(1);
        let stream = world.stream(1);
        let id = stream["playback_id"].as_str().unwrap().to_owned();
        let base = "rtmp://localhost:1935/live";
        let (published, name) = match form {
            AddressForm::Playback => (format!("{base}/{id}?key={key}"), format!("{id}&key={key}")),
            _ => (format!("{base}/{key}"), key.clone()),
        };
        assert_eq!(
            (&stream["stream_key"], &stream["rtmp_url"]),
            (&key.as_str().into(), &published.clone().into())
        );
        let ingest = &stream["ingest"];
        let fields = [&ingest["server"], &ingest["stream_key"]].map(|field| field.as_str().unwrap());
        assert_eq!((fields[0], fields.join("/")), (base, published));
        let hls_url = format!("http://localhost:8083/live/{id}/index.m3u8");
        assert_eq!(stream["hls_url"], hls_url.as_str());
        let answer = world.nginx(
            &event("publish", 7, "X", 1).replace("name=X&type=live", &format!("type=live&name={name}")),
        );
        let renamed = (form == AddressForm::Rename).then_some(id.as_str());
        assert_eq!(answer.status, if renamed.is_some() { 302 } else { 200 }, "{answer:?}");
        assert_eq!(answer.header("location"), renamed);
        assert_eq!(world.stream(1)["live"], true);

        let listed = world.get("/api/streams/public?live=true");
        let looked_up = world.get(&format!("/api/streams/public/{id}"));
        for public in [&listed, &looked_up, &world.get("/api/streams/public")] {
            assert!(!public.body.contains(&key), "{public:?}");
        }
        let mut public = looked_up.json();
        // Lists leave descriptions out.
        assert_eq!(public.as_object_mut().unwrap().remove("description"), Some(serde_json::Value::Null));
        assert_eq!(listed.json()["streams"][0], public);
        assert_eq!(
            (&public["stream_key"], &public["playback_id"]),
            (&id.as_str().into(), &id.as_str().into())
        );
        assert_eq!((&public["hls_url"], &public["live"]), (&hls_url.as_str().into(), &true.into()));
        assert_eq!(public["rtmp_url"], format!("{base}/{id}"));
        assert_eq!(public["ingest"], serde_json::json!({ "server": base, "stream_key": id }));
        assert_eq!(looked_up.header("access-control-allow-origin"), None);

        // The public name admits nobody, in any form.
        assert_eq!(world.get(&format!("/api/streams/{id}")).code(), "stream_not_found");
        let bare = world.nginx(&event("publish", 8, &id, 2)).json();
        let reason = if form == AddressForm::Playback { "no_key" } else { "unknown_key" };
        assert_eq!(bare["reason"], reason);
        world.post_as("user-1", "/api/streams/stop");
        assert_eq!(world.get(&format!("/api/streams/public/{id}")).code(), "stream_stopped");
    }
}

#[test]
fn with_playback_addresses_the_key_must_belong_to_the_name() {
    let world = World::on_air(AddressForm::Playback, HookServers::new());
    let (key, other) = (world.key_of(1), world.key_of(2));
    let id = world.stream(1)["playback_id"].as_str().unwrap().to_owned();
    for (name, reason) in [
        (key.clone(), "no_key"),
        (format!("{key}&key={key}"), "wrong_playback_id"),
        (format!("{id}&key={other}"), "wrong_playback_id"),
        (format!("{id}&key="), "malformed_key"),
        (format!("{id}&key=unknown"), "unknown_key"),
        (format!("{id}&key={key}&key={other}"), "malformed_request"),
    ] {
        let answer = world.nginx(&event("publish", 7, &name, 1));
        assert_eq!((answer.status, answer.json()["reason"].as_str()), (403, Some(reason)), "{name}");
    }
    // A field that occurs again with the same value is one field.
    assert_eq!(world.nginx(&event("publish", 7, &format!("{id}&key={key}&key={key}"), 1)).status, 200);
    assert_eq!(world.nginx(&event("publish", 7, &format!("{id}&key={key}"), 1)).status, 200);
}

#[test]
fn an_unknown_playback_id_is_404() {
    let world = World::new();
    world.key_of(1);
    for id in ["0123456789abcdef0123456789abcdef", "not.an.id", "ended-1"] {
        let answer = world.get(&format!("/api/streams/public/{id}"));
        assert_eq!((answer.status, answer.code().as_str()), (404, "stream_not_found"), "{id}");
    }
    assert_eq!(world.get("/api/streams/public?live=maybe").code(), "invalid_live");
    assert_eq!(world.get("/api/streams/public?live=false").json()["streams"].as_array().unwrap().len(), 1);
}

#[test]
fn a_hook_sends_its_servers_secret_in_the_query_or_the_path() {
    let world = World::on_air(AddressForm::Key, edge(Family::NginxRtmp, &["old", "new"]));
    let key = world.key_of(1);
    let body = event("publish", 7, &key, 1);
    for path in [
        "/hooks/nginx-rtmp/edge",
        "/hooks/nginx-rtmp/edge?secret=",
        "/hooks/nginx-rtmp/edge?secret=wrong",
        "/hooks/nginx-rtmp/edge?secret=wrong&secret=new",
        "/hooks/nginx-rtmp/edge/wrong",
        "/hooks/srs/edge?secret=new",
    ] {
        let answer = world.hook(path, FORM, &body);
        assert_eq!((answer.status, answer.code().as_str()), (403, "hook_refused"), "{path}");
    }
    assert_eq!(world.stream(1)["live"], false);
    // The body is the publisher's.
    let forged = format!("{body}&secret=new");
    assert_eq!(world.hook("/hooks/nginx-rtmp/edge", FORM, &forged).code(), "hook_refused");
    for path in [
        "/hooks/nginx-rtmp/edge?secret=old",
        "/hooks/nginx-rtmp/edge?secret=new",
        "/hooks/nginx-rtmp/edge/new",
    ] {
        assert_eq!(world.hook(path, FORM, &body).status, 200, "{path}");
    }
}

#[test]
fn a_hook_without_a_secret_must_not_come_through_a_proxy() {
    let world = World::new();
    let body = event("publish", 7, &world.key_of(1), 1);
    for header in ["X-Forwarded-For: 203.0.113.9", "Forwarded: for=203.0.113.9", "Via: 1.1 proxy"] {
        let mut client = world.connect();
        let length = body.len();
        let head = format!(
            "POST /hooks/nginx-rtmp/edge HTTP/1.1\r\nHost: t\r\n{header}\r\nContent-Length: {length}\r\n\r\n"
        );
        client.write(format!("{head}{body}").as_bytes());
        assert_eq!(client.read(true).code(), "hook_refused", "{header}");
    }
    assert_eq!(world.nginx(&body).status, 200);
}

#[test]
fn unknown_families_and_names_are_404() {
    let world = World::new();
    for path in ["/hooks/wowza/edge", "/hooks/node-media-server-2/edge", "/hooks/srs/ed%20ge", "/hooks/srs"] {
        let answer = world.hook(path, FORM, "");
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{path}");
    }
}

#[test]
fn no_publisher_is_admitted_while_the_store_is_unavailable() {
    let world = World::new();
    let key = world.key_of(1);
    world.store.go_away();
    let answer = world.nginx(&event("publish", 7, &key, 1));
    assert_eq!((answer.status, answer.json()["reason"].as_str()), (403, Some("store_unavailable")));
    assert_eq!(world.nginx(&event("publish_done", 7, &key, 1)).status, 200, "nothing was asked");
}

#[test]
fn an_admission_that_takes_longer_than_a_second_is_refused() {
    let world = World::new();
    let key = world.key_of(1);
    world.store.hold_admissions();
    let answer = world.nginx(&event("publish", 7, &key, 1));
    assert_eq!((answer.status, answer.json()["reason"].as_str()), (403, Some("too_late")));
    // An admission that completes after all is withdrawn, since its server got a no.
    world.store.release_admissions();
    let reason = || {
        let sessions = world.get_as("user-1", "/api/streams/1/sessions").json();
        sessions["sessions"][0]["end_reason"].as_str().map(str::to_owned)
    };
    let gives_up = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while reason().as_deref() != Some("answered_too_late") {
        assert!(std::time::Instant::now() < gives_up, "{:?}", reason());
        std::thread::yield_now();
    }
    assert_eq!(world.stream(1)["live"], false);
}

#[test]
fn a_takeover_that_took_too_long_leaves_the_first_publisher_live() {
    let world = World::new();
    let key = world.key_of(1);
    assert_eq!(world.nginx(&event("publish", 7, &key, 1)).status, 200);
    world.store.hold_admissions();
    let answer = world.nginx(&event("publish", 8, &key, 1));
    assert_eq!((answer.status, answer.json()["reason"].as_str()), (403, Some("too_late")));
    world.store.release_admissions();
    let ends = || {
        let sessions = world.get_as("user-1", "/api/streams/1/sessions").json();
        let sessions = sessions["sessions"].as_array().cloned().unwrap_or_default();
        sessions.iter().map(|one| one["end_reason"].as_str().map(str::to_owned)).collect::<Vec<_>>()
    };
    let undone = [Some("answered_too_late".to_owned()), None];
    let gives_up = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while ends() != undone {
        assert!(std::time::Instant::now() < gives_up, "{:?}", ends());
        std::thread::yield_now();
    }
    assert_eq!(world.stream(1)["live"], true);
}
