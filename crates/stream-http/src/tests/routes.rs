//! The responses of each route, as docs/http-api.md describes them.

use insta::assert_snapshot;
use stream_domain::lifecycle::LIFETIME;
use time::Duration;

use super::World;

/// The JSON with the random key and playback id replaced, for a snapshot.
fn pretty(answer: &super::Answer, key: &str) -> String {
    let json = answer.json();
    let stream = json.get("stream").unwrap_or(&json);
    let playback_id = stream["playback_id"].as_str().unwrap_or("\0");
    let text = serde_json::to_string_pretty(&json).unwrap();
    format!("{}\n{}", answer.status, text.replace(key, "KEY").replace(playback_id, "PLAYBACK"))
}

#[test]
fn a_generated_key_comes_with_its_stream() {
    let world = World::new();
    let answer = world.post_as("user-1", "/api/streams/generate-key");
    let key = answer.json()["stream"]["stream_key"].as_str().unwrap().to_owned();
    assert_eq!(key.len(), 43);
    assert_snapshot!(pretty(&answer, &key), @r#"
    201
    {
      "message": "Stream key generated; it is valid for 24 hours.",
      "stream": {
        "created_at": "2026-01-02T03:04:05.678901Z",
        "expires_at": "2026-01-03T03:04:05.678901Z",
        "hls_url": "http://localhost:8083/live/KEY/index.m3u8",
        "id": 1,
        "ingest": {
          "alternatives": [],
          "server": "rtmp://localhost:1935/live",
          "stream_key": "KEY"
        },
        "live": false,
        "live_since": null,
        "playback_id": "PLAYBACK",
        "rtmp_url": "rtmp://localhost:1935/live/KEY",
        "status": "active",
        "stream_key": "KEY",
        "updated_at": "2026-01-02T03:04:05.678901Z"
      }
    }
    "#);
}

#[test]
fn a_second_key_is_refused_with_the_active_stream() {
    let world = World::new();
    let key = world.key_of(1);
    let answer = world.post_as("user-1", "/api/streams/generate-key");
    assert_snapshot!(pretty(&answer, &key), @r#"
    409
    {
      "code": "stream_already_active",
      "error": "You already have an active stream; stop it to get a new key.",
      "stream": {
        "created_at": "2026-01-02T03:04:05.678901Z",
        "expires_at": "2026-01-03T03:04:05.678901Z",
        "hls_url": "http://localhost:8083/live/KEY/index.m3u8",
        "id": 1,
        "ingest": {
          "alternatives": [],
          "server": "rtmp://localhost:1935/live",
          "stream_key": "KEY"
        },
        "live": false,
        "live_since": null,
        "playback_id": "PLAYBACK",
        "rtmp_url": "rtmp://localhost:1935/live/KEY",
        "status": "active",
        "stream_key": "KEY",
        "updated_at": "2026-01-02T03:04:05.678901Z"
      }
    }
    "#);
}

#[test]
fn stopping_names_the_stream_that_was_stopped() {
    let world = World::new();
    let key = world.key_of(1);
    let answer = world.post_as("user-1", "/api/streams/stop");
    assert_snapshot!(pretty(&answer, &key), @r#"
    200
    {
      "message": "Stream stopped.",
      "stream_id": 1,
      "stream_key": "KEY"
    }
    "#);
    let again = world.post_as("user-1", "/api/streams/stop");
    assert_eq!((again.status, again.code().as_str()), (404, "no_active_stream"));
}

#[test]
fn the_own_list_shows_every_state_newest_first() {
    let world = World::new();
    let expired = world.key_of(1);
    world.clock.advance(LIFETIME);
    let stopped = world.key_of(1);
    world.post_as("user-1", "/api/streams/stop");
    world.clock.advance(Duration::SECOND);
    let active = world.key_of(1);
    world.key_of(2);
    let json = world.get_as("user-1", "/api/streams").json();
    let list: Vec<_> = json["streams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| (s["stream_key"].as_str().unwrap(), s["status"].as_str().unwrap()))
        .collect();
    assert_eq!(
        list,
        [(active.as_str(), "active"), (stopped.as_str(), "stopped"), (expired.as_str(), "expired")]
    );
    assert!(json.get("next_cursor").is_none());
}

#[test]
fn a_stale_active_stream_is_shown_as_expired_before_any_sweep() {
    let world = World::new();
    world.key_of(1);
    world.clock.advance(LIFETIME);
    assert_eq!(world.get_as("user-1", "/api/streams").json()["streams"][0]["status"], "expired");
}

#[test]
fn the_public_list_needs_no_token_and_shows_what_may_publish() {
    let world = World::new();
    world.key_of(1);
    world.clock.advance(Duration::HOUR);
    let second = world.key_of(2);
    world.key_of(3);
    world.post_as("user-3", "/api/streams/stop");
    world.clock.advance(LIFETIME - Duration::HOUR);
    let json = world.get("/api/streams/public").json();
    let keys: Vec<_> =
        json["streams"].as_array().unwrap().iter().map(|s| s["stream_key"].as_str().unwrap()).collect();
    assert_eq!(keys, [second]);
}

#[test]
fn an_empty_list_is_a_list() {
    let world = World::new();
    assert_eq!(world.get("/api/streams/public").body, r#"{"streams":[]}"#);
    assert_eq!(world.get_as("user-1", "/api/streams").body, r#"{"streams":[]}"#);
}

#[test]
fn a_key_is_looked_up_flat_and_only_while_it_may_publish() {
    let world = World::new();
    let key = world.key_of(1);
    let answer = world.get(&format!("/api/streams/{key}"));
    assert_snapshot!(pretty(&answer, &key), @r#"
    200
    {
      "created_at": "2026-01-02T03:04:05.678901Z",
      "expires_at": "2026-01-03T03:04:05.678901Z",
      "hls_url": "http://localhost:8083/live/KEY/index.m3u8",
      "id": 1,
      "ingest": {
        "alternatives": [],
        "server": "rtmp://localhost:1935/live",
        "stream_key": "KEY"
      },
      "live": false,
      "live_since": null,
      "playback_id": "PLAYBACK",
      "rtmp_url": "rtmp://localhost:1935/live/KEY",
      "status": "active",
      "stream_key": "KEY",
      "updated_at": "2026-01-02T03:04:05.678901Z"
    }
    "#);
    world.clock.advance(LIFETIME - Duration::MICROSECOND);
    assert_eq!(world.get(&format!("/api/streams/{key}")).status, 200);
    world.clock.advance(Duration::MICROSECOND);
    let late = world.get(&format!("/api/streams/{key}"));
    assert_eq!((late.status, late.code().as_str()), (410, "stream_expired"));
}

#[test]
fn a_stopped_key_is_gone() {
    let world = World::new();
    let key = world.key_of(1);
    world.post_as("user-1", "/api/streams/stop");
    let answer = world.get(&format!("/api/streams/{key}"));
    assert_eq!((answer.status, answer.code().as_str()), (410, "stream_stopped"));
}

#[test]
fn health_shows_whether_the_store_is_available() {
    let world = World::new();
    assert_snapshot!(pretty(&world.get("/health"), "\0"), @r#"
    200
    {
      "database": "connected",
      "service": "stream-service",
      "status": "healthy",
      "timestamp": "2026-01-02T03:04:05.678901Z",
      "users_table": "not_used"
    }
    "#);
    world.store.go_away();
    assert_snapshot!(pretty(&world.get("/health"), "\0"), @r#"
    503
    {
      "code": "store_unavailable",
      "database": "disconnected",
      "error": "The database cannot be reached; the log has the cause.",
      "reason": "database_unreachable",
      "service": "stream-service",
      "status": "unhealthy",
      "timestamp": "2026-01-02T03:04:05.678901Z"
    }
    "#);
    assert_eq!(world.get("/health/live").body, r#"{"status":"alive"}"#);
    let ready = world.get("/health/ready");
    assert_eq!((ready.status, ready.code().as_str()), (503, "not_ready"));
    world.store.come_back();
    assert_eq!(world.get("/health/ready").body, r#"{"status":"ready"}"#);
}
