//! What operators see and order, by a token of their own.

use serde_json::{Value, json};
use stream_domain::ServerName;
use stream_domain::ports::Kicks as _;

use super::{Answer, OPERATOR, World};
use crate::{AdminToken, ROUTES};

/// The routes of operators, with numbers in the place of parameters.
fn routes() -> Vec<(&'static str, String)> {
    let own = ROUTES.iter().filter(|(_, path)| path.starts_with("/api/admin/"));
    own.map(|(method, path)| (*method, path.replace("{id}", "1").replace("{user_id}", "1"))).collect()
}

impl World {
    fn operate(&self, method: &str, path: &str) -> Answer {
        self.ask(method, path, &format!("Authorization: Bearer {OPERATOR}\r\n"))
    }

    fn ask(&self, method: &str, path: &str, headers: &str) -> Answer {
        self.send(&format!("{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n{headers}"))
    }

    /// A publisher of this key goes live.
    fn publish(&self, key: &str, session: u32) {
        let form = format!("call=publish&app=live&name={key}&addr=192.0.2.7&clientid={session}");
        let path = "/hooks/nginx-rtmp/edge";
        assert_eq!(self.hook(path, "application/x-www-form-urlencoded", &form).status, 200);
    }
}

/// The numbers of listed streams.
fn ids(answer: &Answer) -> Vec<i64> {
    let json = answer.json();
    let streams = json["streams"].as_array().unwrap_or_else(|| panic!("{json:#}"));
    streams.iter().map(|stream| stream["id"].as_i64().unwrap()).collect()
}

/// An answer without what is of its moment.
fn lasting(answer: &Answer) -> (u16, String, Vec<(String, String)>) {
    let names = ["allow", "cache-control", "content-type", "vary", "www-authenticate", "content-length"];
    let headers = names.iter().filter_map(|name| Some(((*name).to_owned(), answer.header(name)?.to_owned())));
    (answer.status, answer.body.clone(), headers.collect())
}

#[test]
fn without_a_token_in_the_settings_the_routes_are_as_if_they_were_not_there() {
    let world = World::with_admin(None);
    for (_, path) in routes() {
        for method in ["GET", "POST", "PUT", "DELETE", "OPTIONS"] {
            for headers in ["", "Authorization: Bearer the-operators-own-token\r\n"] {
                let nowhere = world.ask(method, "/api/no/such/route", headers);
                assert_eq!((nowhere.status, nowhere.code().as_str()), (404, "not_found"));
                let answer = world.ask(method, &path, headers);
                assert_eq!(lasting(&answer), lasting(&nowhere), "{method} {path}");
            }
        }
    }
    assert_eq!(
        world
            .metric("stream_http_requests_total{route=\"unmatched\",method=\"PUT\",status=\"404\"}")
            .map(|count| count.parse::<u32>().unwrap()),
        Some(u32::try_from(4 * routes().len()).unwrap())
    );
}

#[test]
fn only_the_token_of_operators_opens_their_routes() {
    let world = World::new();
    assert_eq!(routes().len(), 8);
    for (method, path) in routes() {
        let code = |headers: &str| world.ask(method, &path, headers).code();
        assert_eq!(code(""), "missing_token", "{method} {path}");
        assert_eq!(code("Authorization: Basic the-operators-own-token\r\n"), "missing_token");
        for wrong in
            ["user-1", "the-operators-own-toke", "the-operators-own-tokenx", "THE-OPERATORS-OWN-TOKEN"]
        {
            let headers = format!("Authorization: Bearer {wrong}\r\n");
            assert_eq!(code(&headers), "invalid_token", "{method} {path} with {wrong}");
        }
        let opened = world.operate(method, &path);
        assert!(![401, 403, 405, 429].contains(&opened.status), "{opened:?}");
        assert_eq!(opened.header("cache-control"), Some("no-store"));
    }
    // It is no user's.
    assert_eq!(world.get_as(OPERATOR, "/api/streams").code(), "invalid_token");
    assert_eq!(format!("{:?}", AdminToken::new(OPERATOR)), "Some(AdminToken(redacted))");
    assert!(AdminToken::new("fifteen-signs-x").is_none() && AdminToken::new("with a blank in it").is_none());
}

#[test]
fn after_many_wrong_tokens_even_the_right_one_has_to_wait() {
    let world = World::new();
    let ask_from = |token: &str, address: &str| {
        let headers = format!("Authorization: Bearer {token}\r\nX-Forwarded-For: {address}\r\n");
        world.ask("GET", "/api/admin/servers", &headers)
    };
    assert_eq!(ask_from(OPERATOR, "192.0.2.7").status, 200);
    let mut guesses = (0..100).map(|_| ask_from("a-wrong-token", "192.0.2.7"));
    let refused = guesses.find(|answer| answer.status == 429).expect("guesses are limited");
    assert_eq!(refused.code(), "too_many_requests");
    assert_eq!(refused.header("ratelimit-policy"), Some("\"admin-tokens\";q=60;w=60"));
    assert!(refused.header("retry-after").is_some());
    assert_eq!(ask_from(OPERATOR, "192.0.2.7").status, 429);
    // Another address is not concerned, and neither is what has no token.
    assert_eq!(ask_from(OPERATOR, "192.0.2.8").status, 200);
    assert_eq!(world.ask("GET", "/api/admin/servers", "").code(), "missing_token");
    world.clock.advance(time::Duration::seconds(61));
    assert_eq!(ask_from(OPERATOR, "192.0.2.7").status, 200);
}

#[test]
fn streams_of_all_users_are_listed_with_their_publishers_and_without_keys() {
    let world = World::new();
    let first = world.key_of(1);
    let body = r#"{"title": "Any% run", "visibility": "unlisted"}"#;
    assert_eq!(world.send_json("POST", "user-2", "/api/streams/generate-key", body).status, 201);
    world.key_of(3);
    world.post_as("user-3", "/api/streams/stop");
    world.publish(&first, 1);
    let listed = world.operate("GET", "/api/admin/streams");
    assert_eq!(ids(&listed), [2, 1]);
    let streams = listed.json()["streams"].clone();
    assert_eq!((&streams[0]["title"], &streams[0]["session"]), (&json!("Any% run"), &Value::Null));
    assert_eq!((&streams[1]["user_id"], &streams[1]["live"]), (&json!(1), &json!(true)));
    let session = &streams[1]["session"];
    assert_eq!(
        (&session["server"], &session["address"], &session["state"], &session["protocol"]),
        (&json!("edge"), &json!("192.0.2.7"), &json!("live"), &json!("rtmp"))
    );
    assert!(!listed.body.contains(&first), "{}", listed.body);
    for (query, expected) in [
        ("live=true", &[1][..]),
        ("live=false&limit=1", &[2]),
        ("user=3", &[3]),
        ("user=1&limit=5", &[1]),
        ("user=99", &[]),
        // A search finds what is public.
        ("q=run", &[]),
    ] {
        assert_eq!(ids(&world.operate("GET", &format!("/api/admin/streams?{query}"))), expected, "{query}");
    }
    let page = world.operate("GET", "/api/admin/streams?limit=1");
    let cursor = page.json()["next_cursor"].as_str().unwrap().to_owned();
    let next = world.operate("GET", &format!("/api/admin/streams?limit=1&cursor={cursor}"));
    assert_eq!((ids(&next), next.json()["next_cursor"].is_null()), (vec![1], true));
    for (query, code) in
        [("user=1&live=true", "bad_request"), ("user=1&q=run", "bad_request"), ("user=x", "invalid_user")]
    {
        assert_eq!(world.operate("GET", &format!("/api/admin/streams?{query}")).code(), code, "{query}");
    }
}

#[test]
fn any_stream_is_stopped_once_and_its_publisher_is_to_be_kicked() {
    let world = World::new();
    let key = world.key_of(1);
    world.publish(&key, 1);
    let stopped = world.operate("POST", "/api/admin/streams/1/stop");
    assert_eq!((stopped.status, &stopped.json()["message"]), (200, &json!("Stream stopped.")));
    assert_eq!(stopped.json()["stream"]["status"], "stopped");
    assert!(!stopped.body.contains(&key));
    assert_eq!(world.get(&format!("/api/streams/{key}")).code(), "stream_stopped");
    let edge = ServerName::parse("edge").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let now = stream_domain::ports::Clock::now(&*world.clock);
    let kicks = runtime.block_on(world.store.claim_pending_kicks(&edge, now, now, 9)).unwrap();
    assert_eq!(kicks.len(), 1);
    let again = world.operate("POST", "/api/admin/streams/1/stop");
    assert_eq!((again.status, &again.json()["message"]), (200, &json!("The stream had ended already.")));
    assert_eq!(again.json()["stream"]["updated_at"], stopped.json()["stream"]["updated_at"]);
    for unknown in ["99", "x", "99999999999"] {
        assert_eq!(
            world.operate("POST", &format!("/api/admin/streams/{unknown}/stop")).code(),
            "stream_not_found"
        );
    }
}

#[test]
fn a_blocked_user_is_told_why_until_the_block_is_lifted() {
    let world = World::new();
    let key = world.key_of(7);
    let put = |body: &str| world.send_json("PUT", OPERATOR, "/api/admin/users/7/block", body);
    let blocked = put(r#"{"reason": " Spam. "}"#);
    assert_eq!((blocked.status, &blocked.json()["stopped_stream_id"]), (200, &json!(1)));
    assert_eq!(world.get(&format!("/api/streams/{key}")).code(), "stream_stopped");
    let refused = world.post_as("user-7", "/api/streams/generate-key");
    assert_eq!((refused.status, refused.code().as_str()), (403, "user_blocked"));
    assert_eq!(
        refused.json()["error"],
        "An operator of this platform has blocked you from streaming: Spam. Ask the platform's support to lift the block."
    );
    world.clock.advance(time::Duration::MINUTE);
    assert_eq!(put("null").json()["reason"], Value::Null);
    let again = put("");
    assert_eq!((&again.json()["reason"], &again.json()["stopped_stream_id"]), (&Value::Null, &Value::Null));
    assert_eq!(again.json()["blocked_at"], blocked.json()["blocked_at"]);
    assert_eq!(
        world.send_json("PUT", OPERATOR, "/api/admin/users/8/block", r#"{"reason": null}"#).status,
        200
    );
    let users = |query: &str| {
        let listed = world.operate("GET", &format!("/api/admin/users/blocked?{query}")).json();
        let users = listed["users"].as_array().unwrap().iter().map(|user| user["user_id"].as_i64().unwrap());
        (users.collect::<Vec<_>>(), listed["next_cursor"].as_str().map(str::to_owned))
    };
    assert_eq!(users(""), (vec![8, 7], None));
    let (first, cursor) = users("limit=1");
    assert_eq!((first, users(&format!("cursor={}", cursor.unwrap()))), (vec![8], (vec![7], None)));
    assert_eq!(world.operate("DELETE", "/api/admin/users/7/block").json()["user_id"], 7);
    assert_eq!(world.operate("DELETE", "/api/admin/users/7/block").code(), "user_not_blocked");
    world.key_of(7);
    assert_eq!(put(&json!({ "reason": "x".repeat(501) }).to_string()).code(), "invalid_reason");
    assert_eq!(put(r#"{"because": "x"}"#).code(), "invalid_body");
    assert_eq!(world.operate("PUT", "/api/admin/users/0/block").code(), "invalid_user");
    // None of these has blocked anybody.
    assert_eq!(users("").0, [8]);
}

#[test]
fn media_servers_that_were_heard_of_are_shown() {
    let world = World::new();
    world.publish(&world.key_of(1), 1);
    let servers = world.operate("GET", "/api/admin/servers").json()["servers"].clone();
    assert_eq!(servers.as_array().unwrap().len(), 1);
    let edge = &servers[0];
    assert_eq!(
        (&edge["name"], &edge["family"], &edge["control"], &edge["has_control"], &edge["open_sessions"]),
        (&json!("edge"), &Value::Null, &json!("unlisted"), &json!(false), &json!(1))
    );
    assert_eq!(
        (&edge["last_heard_at"], edge["last_session_at"].is_string()),
        (&edge["last_session_at"], true)
    );
}

#[test]
fn an_examination_is_shown_for_ten_seconds() {
    let world = World::new();
    let examine = || {
        let shown = world.operate("GET", "/api/admin/health").json();
        assert_eq!((&shown["state"], &shown["warnings"]), (&json!("warning"), &json!(1)));
        assert_eq!(shown["findings"][1]["cure"], "set ADDRESSES=playback");
        shown["findings"][0]["what"].as_str().unwrap().to_owned()
    };
    assert_eq!([examine(), examine()], ["examination 1", "examination 1"]);
    world.clock.advance(time::Duration::milliseconds(9_999));
    assert_eq!(examine(), "examination 1");
    world.clock.advance(time::Duration::milliseconds(1));
    assert_eq!(examine(), "examination 2");
}

#[test]
fn figures_are_what_was_counted_since_the_start() {
    let world = World::new();
    let key = world.key_of(1);
    assert_eq!(world.post_as("user-1", "/api/streams/generate-key").status, 409);
    world.publish(&key, 1);
    let form = "call=publish&app=live&name=nothing&addr=192.0.2.7&clientid=2";
    world.hook("/hooks/nginx-rtmp/edge", "application/x-www-form-urlencoded", form);
    let figures = world.operate("GET", "/api/admin/figures").json();
    assert_eq!(figures["platform"], json!({ "active_streams": 1, "live_streams": 1, "open_sessions": 1 }));
    let hooks = &figures["hooks"];
    assert_eq!(
        (&hooks["accepted"], &hooks["refused"], &hooks["rejected"]),
        (&json!(1), &json!(1), &json!(0))
    );
    assert_eq!(hooks["refusals"], json!([{ "reason": "unknown_key", "count": 1 }]));
    let sum =
        |counts: &Value| counts.as_array().unwrap().iter().map(|count| count.as_u64().unwrap()).sum::<u64>();
    let lengths = |of: &Value| ["bounds", "counts"].map(|name| of["latency"][name].as_array().unwrap().len());
    assert_eq!((sum(&hooks["latency"]["counts"]), lengths(hooks)), (2, [13, 14]));
    let requests = &figures["requests"];
    assert_eq!((&requests["total"], &requests["in_flight"]), (&json!(4), &json!(1)));
    assert_eq!((sum(&requests["latency"]["counts"]), lengths(requests)), (4, [13, 14]));
    assert_eq!(
        requests["statuses"],
        json!([
            { "status": 200, "count": 1 }, { "status": 201, "count": 1 }, { "status": 403, "count": 1 },
            { "status": 409, "count": 1 }
        ])
    );
    assert_eq!(
        figures["keys"],
        json!({
            "generated": 0, "stopped": 0, "expired": 0, "refusals": []
        }),
        "the store of these tests is not metered"
    );
    world.store.go_away();
    assert_eq!(world.operate("GET", "/api/admin/figures").json()["platform"], Value::Null);
}

#[test]
fn pages_of_other_origins_may_not_call() {
    let world = World::new();
    let ask = |origin: &str| {
        let headers = format!("Origin: {origin}\r\nAuthorization: Bearer {OPERATOR}\r\n");
        world.ask("GET", "/api/admin/streams", &headers)
    };
    let listed = ask("http://localhost:3000");
    assert_eq!(listed.header("access-control-allow-origin"), Some("http://localhost:3000"));
    assert_eq!(ask("http://evil.test").header("access-control-allow-origin"), None);
}
