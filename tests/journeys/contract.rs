//! Every row of the API contract, over HTTP, on both stores.

use reqwest::Method;
use serde_json::Value;
use stream_tests::{Answer, StoreKind, TestStore, token_of};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

super::on_both_stores! {
    health_reports_that_the_database_is_connected
    a_second_key_is_refused_with_the_active_stream
    key_requests_above_the_limit_get_429
    keys_are_counted_for_all_instances_together
    a_stop_is_followed_by_the_cool_down
    a_stop_returns_the_stream_and_404_without_an_active_one
    the_own_list_has_the_callers_streams_newest_first
    the_public_list_shows_every_active_unexpired_stream
    only_the_lookup_of_a_publishable_key_is_2xx
    every_error_of_every_route_has_the_same_shape
    only_listed_origins_may_send_credentials
    the_base_urls_are_configurable
    keys_of_the_earlier_service_still_work
    lists_can_be_paged
}

fn time_of(value: &Value) -> OffsetDateTime {
    let text = value.as_str().expect("a time is a string");
    assert!(text.ends_with('Z'), "{text}");
    OffsetDateTime::parse(text, &Rfc3339).expect("a time is RFC 3339")
}

/// Checks a stream's every field, and returns its key.
fn key_of_stream(stream: &Value, status: &str) -> String {
    let key = stream["stream_key"].as_str().expect("a stream has a key").to_owned();
    assert!(stream["id"].is_i64(), "{stream}");
    assert_eq!(stream["status"], status);
    assert_eq!(stream["rtmp_url"], format!("rtmp://localhost:1935/live/{key}"));
    assert_eq!(stream["hls_url"], format!("http://localhost:8083/live/{key}/index.m3u8"));
    let life = time_of(&stream["expires_at"]) - time_of(&stream["created_at"]);
    assert_eq!(life, time::Duration::hours(24));
    assert!(time_of(&stream["updated_at"]) >= time_of(&stream["created_at"]));
    key
}

fn keys(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let streams = answer.json["streams"].as_array().expect("a list has streams");
    streams.iter().map(|stream| stream["stream_key"].as_str().expect("a key").to_owned()).collect()
}

async fn health_reports_that_the_database_is_connected(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = store.setup().start().await;
    let health = service.get("/health").await;
    assert_eq!(health.status, 200);
    assert_eq!(health.json["status"], "healthy");
    assert_eq!(health.json["service"], "stream-service");
    assert_eq!(health.json["database"], "connected");
    time_of(&health.json["timestamp"]);
    assert_eq!(service.get("/health/live").await.status, 200);
    assert_eq!(service.get("/health/ready").await.status, 200);
}

async fn a_second_key_is_refused_with_the_active_stream(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = store.setup().start().await;
    let generated = service.generate_key(1).await;
    assert_eq!(generated.status, 201);
    assert!(generated.json["message"].is_string());
    let key = key_of_stream(&generated.json["stream"], "active");
    assert_eq!(key.len(), 43);
    assert!(key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
    assert_eq!(generated.header("cache-control"), Some("no-store"));

    let refused = service.generate_key(1).await;
    assert_eq!((refused.status, refused.code()), (409, "stream_already_active"));
    assert_eq!(refused.json["stream"], generated.json["stream"]);

    let anonymous = service.send(service.request(Method::POST, "/api/streams/generate-key")).await;
    assert_eq!((anonymous.status, anonymous.code()), (401, "missing_token"));
    assert_eq!(store.sql("SELECT count(*) FROM streams"), "1");
}

async fn key_requests_above_the_limit_get_429(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = store.setup().with("GENERATE_KEY_PER_MINUTE", "2").start().await;
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(service.generate_key(1).await.status);
    }
    assert_eq!(statuses, [201, 409, 429]);
    let refused = service.generate_key(1).await;
    assert_eq!(refused.code(), "too_many_requests");
    assert!(refused.header("retry-after").is_some_and(|seconds| seconds.parse::<u32>().is_ok()));
}

/// How many seconds a user has to wait who is refused a key by a limit.
fn wait_of(refused: &Answer) -> u32 {
    assert_eq!((refused.status, refused.code()), (429, "too_many_requests"));
    refused.header("retry-after").and_then(|text| text.parse().ok()).expect("seconds")
}

async fn keys_are_counted_for_all_instances_together(kind: StoreKind) {
    let store = TestStore::new(kind);
    let (one, other) = (store.setup().start().await, store.setup().start().await);
    // One more than a minute has without any setting, by turns.
    for number in 0..60 {
        let service = if number % 2 == 0 { &one } else { &other };
        assert_eq!(service.generate_key(1).await.status, 201, "{number}");
        assert_eq!(service.post_as(1, "/api/streams/stop").await.status, 200);
    }
    for service in [&one, &other] {
        let refused = service.generate_key(1).await;
        let wait = wait_of(&refused);
        assert!((1..=60).contains(&wait), "{wait}");
        assert_eq!(refused.header("ratelimit-policy"), Some(r#""generate-key";q=60;w=60"#));
        assert_eq!(refused.header("ratelimit"), Some(&*format!(r#""generate-key";r=0;t={wait}"#)));
    }
    assert_eq!(one.generate_key(2).await.status, 201, "another user");
    assert_eq!(store.sql("SELECT count(*) FROM streams WHERE user_id = 1"), "60");
}

async fn a_stop_is_followed_by_the_cool_down(kind: StoreKind) {
    let store = TestStore::new(kind);
    let setup = store.setup().with("GENERATE_KEY_COOLDOWN", "86400");
    let (one, other) = (setup.start().await, setup.start().await);
    assert_eq!(one.generate_key(1).await.status, 201);
    assert_eq!(other.generate_key(1).await.status, 409, "what is active is in the way first");
    assert_eq!(one.post_as(1, "/api/streams/stop").await.status, 200);
    for service in [&one, &other] {
        let refused = service.generate_key(1).await;
        let wait = wait_of(&refused);
        assert!((86_000..=86_400).contains(&wait), "{wait}");
        assert_eq!(refused.header("ratelimit"), None);
    }
}

async fn a_stop_returns_the_stream_and_404_without_an_active_one(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = store.setup().start().await;
    let none = service.post_as(1, "/api/streams/stop").await;
    assert_eq!((none.status, none.code()), (404, "no_active_stream"));
    let generated = service.generate_key(1).await;
    let stopped = service.post_as(1, "/api/streams/stop").await;
    assert_eq!(stopped.status, 200);
    assert!(stopped.json["message"].is_string());
    assert_eq!(stopped.json["stream_id"], generated.json["stream"]["id"]);
    assert_eq!(stopped.json["stream_key"], generated.json["stream"]["stream_key"]);
    assert_eq!(service.post_as(1, "/api/streams/stop").await.status, 404);
    let anonymous = service.send(service.request(Method::POST, "/api/streams/stop")).await;
    assert_eq!(anonymous.status, 401);
    // An expired stream is not active, either.
    let key = service.key_of(1).await;
    store.let_expire(&key);
    assert_eq!(service.post_as(1, "/api/streams/stop").await.code(), "no_active_stream");
}

async fn the_own_list_has_the_callers_streams_newest_first(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = store.setup().start().await;
    let first = service.key_of(1).await;
    service.post_as(1, "/api/streams/stop").await;
    let second = service.key_of(1).await;
    service.key_of(2).await;
    let own = service.get_as(1, "/api/streams").await;
    assert_eq!(keys(&own), [second, first]);
    key_of_stream(&own.json["streams"][0], "active");
    key_of_stream(&own.json["streams"][1], "stopped");
    assert_eq!(service.get("/api/streams").await.status, 401);
}

async fn the_public_list_shows_every_active_unexpired_stream(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = store.setup().start().await;
    let mut expected = Vec::new();
    for user in 1..=4 {
        expected.insert(0, service.key_of(user).await);
    }
    service.post_as(2, "/api/streams/stop").await;
    store.let_expire(&expected[0]);
    let expected = [expected[1].clone(), expected[3].clone()];
    let public = service.get("/api/streams/public").await;
    assert_eq!(keys(&public), expected);
    key_of_stream(&public.json["streams"][0], "active");
}

async fn only_the_lookup_of_a_publishable_key_is_2xx(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = store.setup().start().await;
    let key = service.key_of(1).await;
    let found = service.get(&format!("/api/streams/{key}")).await;
    assert_eq!(found.status, 200);
    assert_eq!(key_of_stream(&found.json, "active"), key);
    for unknown in ["unknown", "%00", "a%2Fb", &"x".repeat(300), "not.a.key", "%E2%82%AC"] {
        let answer = service.get(&format!("/api/streams/{unknown}")).await;
        assert_eq!((answer.status, answer.code()), (404, "stream_not_found"), "{unknown}");
    }
    service.post_as(1, "/api/streams/stop").await;
    let stopped = service.get(&format!("/api/streams/{key}")).await;
    assert_eq!((stopped.status, stopped.code()), (410, "stream_stopped"));
    let second = service.key_of(2).await;
    store.let_expire(&second);
    let expired = service.get(&format!("/api/streams/{second}")).await;
    assert_eq!((expired.status, expired.code()), (410, "stream_expired"));
}

async fn every_error_of_every_route_has_the_same_shape(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = store.setup().with("ADMIN_TOKEN", "an-admin-token-of-the-tests").start().await;
    for path in ["/nowhere", "/api", "/api/streams/", "/api/streams/a/b", "/health/", "/api/streams/public/"]
    {
        let answer = service.get(path).await;
        assert_eq!((answer.status, answer.code()), (404, "not_found"), "{path}");
        assert!(answer.header("location").is_none(), "{path}");
    }
    for (method, path) in stream_http::ROUTES {
        let path = path.replace("{stream_key}", "some-key");
        let answer = service.send(service.request(Method::PATCH, &path)).await;
        assert_eq!((answer.status, answer.code()), (405, "method_not_allowed"), "{path}");
        assert!(answer.header("allow").is_some_and(|allow| allow.contains(method)), "{path}");
    }
    let large = service.request(Method::POST, "/api/streams/stop").bearer_auth(token_of(1));
    let large = service.send(large.body(vec![b'x'; 20_000])).await;
    assert_eq!((large.status, large.code()), (413, "body_too_large"));
}

async fn only_listed_origins_may_send_credentials(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = store.setup().with("CORS_ORIGINS", "https://app.example.org").start().await;
    let preflight = |origin: &'static str| {
        let request = service.request(Method::OPTIONS, "/api/streams/generate-key").header("Origin", origin);
        let request = request.header("Access-Control-Request-Method", "POST");
        service.send(request.header("Access-Control-Request-Headers", "authorization"))
    };
    let listed = preflight("https://app.example.org").await;
    assert_eq!(listed.header("access-control-allow-origin"), Some("https://app.example.org"));
    assert_eq!(listed.header("access-control-allow-credentials"), Some("true"));
    // The default list no longer applies.
    let other = preflight("http://localhost:3000").await;
    assert!(other.headers.keys().all(|name| !name.as_str().starts_with("access-control-allow")), "{other:?}");
    let public =
        service.request(Method::GET, "/api/streams/public").header("Origin", "http://anybody.example");
    let public = service.send(public).await;
    assert_eq!(public.header("access-control-allow-origin"), Some("*"));
    assert!(public.header("access-control-allow-credentials").is_none());
}

async fn the_base_urls_are_configurable(kind: StoreKind) {
    let store = TestStore::new(kind);
    let setup = store.setup().with("RTMP_BASE_URL", "rtmps://in.example.org/app/");
    let service = setup.with("HLS_BASE_URL", "https://cdn.example.org/hls").start().await;
    let stream = service.generate_key(1).await.json["stream"].take();
    let key = stream["stream_key"].as_str().expect("a key");
    assert_eq!(stream["rtmp_url"], format!("rtmps://in.example.org/app/{key}"));
    assert_eq!(stream["hls_url"], format!("https://cdn.example.org/hls/{key}/index.m3u8"));
}

async fn keys_of_the_earlier_service_still_work(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = store.setup().start().await;
    let long = "k".repeat(255);
    for (user, key) in [(11, "k"), (12, "old_key-with-20-char"), (13, long.as_str())] {
        let new = service.key_of(user).await;
        store.sql(&format!("UPDATE streams SET stream_key = '{key}' WHERE stream_key = '{new}'"));
        assert_eq!(service.lookup(key).await, 200);
        assert_eq!(service.lookup(&new).await, 404);
        let stopped = service.post_as(user, "/api/streams/stop").await;
        assert_eq!(stopped.json["stream_key"], key);
    }
}

async fn lists_can_be_paged(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = store.setup().start().await;
    for user in 1..=5 {
        service.key_of(user).await;
    }
    let whole = keys(&service.get("/api/streams/public").await);
    let first = service.get("/api/streams/public?limit=2").await;
    let cursor = first.json["next_cursor"].as_str().expect("there is more").to_owned();
    let second = service.get(&format!("/api/streams/public?limit=3&cursor={cursor}")).await;
    assert!(second.json.get("next_cursor").is_none());
    assert_eq!([keys(&first), keys(&second)].concat(), whole);
    let own = service.get_as(1, "/api/streams?limit=1").await;
    assert_eq!((keys(&own).len(), own.json.get("next_cursor")), (1, None));
    let wrong = service.get("/api/streams/public?limit=none").await;
    assert_eq!((wrong.status, wrong.code()), (400, "invalid_limit"));
}
