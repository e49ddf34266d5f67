//! The errors that the document gives each operation, provoked for real.

use std::collections::BTreeSet;

use stream_domain::broadcasts::admission::AddressForm;
use stream_domain::lifecycle::LIFETIME;
use stream_domain::{Family, ServerName};

use super::events::Reader;
use super::{Answer, OPERATOR, World};
use crate::openapi::document;
use crate::{HookSecrets, HookServer, HookServers};

/// The errors that every operation shares, or that only another store brings; other tests provoke them.
const SHARED: [&str; 7] = [
    "bad_request",
    "request_timeout",
    "headers_too_large",
    "internal_error",
    "store_unavailable",
    "not_ready",
    "unknown_user",
];

/// The errors of each operation, as `operation code`.
fn described() -> BTreeSet<String> {
    let document = document();
    let mut described = BTreeSet::new();
    for operations in document["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            for response in operation["responses"].as_object().unwrap().values() {
                let name = response["$ref"].as_str().map(|name| name.trim_start_matches('#'));
                let response = name.map_or(response, |name| document.pointer(name).unwrap());
                let examples = response["content"]["application/json"]["examples"].as_object();
                for (code, example) in examples.into_iter().flatten() {
                    if example["value"]["code"] == code.as_str() && !SHARED.contains(&code.as_str()) {
                        described.insert(format!("{} {code}", operation["operationId"].as_str().unwrap()));
                    }
                }
            }
        }
    }
    described
}

/// The path of an operation's error that a stream in three states has: unknown, stopped and expired.
fn ended_streams(world: &World) -> [(String, &'static str); 2] {
    let stream = |user: &str| world.get_as(user, "/api/streams").json()["streams"][0].clone();
    world.key_of(8);
    let expired = stream("user-8");
    world.clock.advance(LIFETIME);
    world.key_of(9);
    world.post_as("user-9", "/api/streams/stop");
    let name = |stream: &serde_json::Value| stream["stream_key"].as_str().unwrap().to_owned();
    let id = |stream: &serde_json::Value| stream["playback_id"].as_str().unwrap().to_owned();
    let stopped = stream("user-9");
    [
        (format!("{} {}", name(&stopped), id(&stopped)), "stream_stopped"),
        (format!("{} {}", name(&expired), id(&expired)), "stream_expired"),
    ]
}

/// Provokes what is wrong with details, wherever they are sent.
fn note_details(world: &World, note: &mut impl FnMut(&str, &Answer)) {
    world.key_of(11);
    world.post_as("user-11", "/api/streams/stop");
    let ended = world.get_as("user-11", "/api/streams").json()["streams"][0]["id"].to_string();
    world.key_of(12);
    let active = world.get_as("user-12", "/api/streams").json()["streams"][0]["id"].to_string();
    for body in [
        r#"{"titel": "x"}"#,
        r#"{"title": "a\nb"}"#,
        r#"{"description": "\u0007"}"#,
        r#"{"tags": ["a b"]}"#,
        r#"{"category": "none"}"#,
        r#"{"language": "-"}"#,
        r#"{"content_labels": ["nice"]}"#,
        r#"{"visibility": "hidden"}"#,
    ] {
        note("generate_key", &world.send_json("POST", "user-13", "/api/streams/generate-key", body));
        note("replace_channel", &world.send_json("PUT", "user-12", "/api/channel", body));
        let path = format!("/api/streams/{active}/details");
        note("replace_details", &world.send_json("PUT", "user-12", &path, body));
    }
    let path = format!("/api/streams/{ended}/details");
    note("replace_details", &world.send_json("PUT", "user-11", &path, "{}"));
    note("replace_details", &world.send_json("PUT", "user-12", &path, "{}"));
    note("show_details", &world.get_as("user-12", &path));
}

/// Provokes what is wrong with schedules.
fn note_schedules(world: &World, note: &mut impl FnMut(&str, &Answer)) {
    let times = r#""starts_at": "2026-01-02T20:00:00Z", "ends_at": "2026-01-02T21:00:00Z""#;
    for field in [
        r#""titel": "x""#,
        r#""title": "a\nb""#,
        r#""description": "\u0007""#,
        r#""tags": ["a b"]"#,
        r#""category": "none""#,
        r#""language": "-""#,
        r#""content_labels": ["nice"]"#,
        r#""visibility": "hidden""#,
        r#""time_zone": "Mars/Olympus""#,
    ] {
        let body = format!("{{{times}, {field}}}");
        note("plan_schedule", &world.send_json("POST", "user-14", "/api/schedule", &body));
        note("replace_schedule", &world.send_json("PUT", "user-14", "/api/schedule/1", &body));
    }
    let late = r#"{"starts_at": "2026-01-02T20:00:00Z"}"#;
    let body = format!("{{{times}}}");
    let next = body.replace("T21", "T22").replace("T20", "T21");
    let over = r#"{"starts_at": "2026-01-02T20:00:00Z", "ends_at": "2026-01-02T20:30:00Z"}"#;
    for made in [body.as_str(), next.as_str()] {
        world.send_json("POST", "user-14", "/api/schedule", made);
    }
    for (body, token) in [("{}", "user-14"), (late, "user-14"), (body.as_str(), "user-14")] {
        note("plan_schedule", &world.send_json("POST", token, "/api/schedule", body));
        note("replace_schedule", &world.send_json("PUT", token, "/api/schedule/2", body));
    }
    let request = |method: &str, id: u32| {
        let head = format!("{method} /api/schedule/{id} HTTP/1.1\r\nHost: test\r\n");
        world.send(&format!("{head}Authorization: Bearer user-14\r\n"))
    };
    note("show_schedule", &request("GET", 77));
    note("cancel_schedule", &request("DELETE", 77));
    note("replace_schedule", &world.send_json("PUT", "user-14", "/api/schedule/77", &body));
    note(
        "generate_key",
        &world.send_json("POST", "user-14", "/api/streams/generate-key", r#"{"schedule_id": 77}"#),
    );
    assert_eq!(request("DELETE", 1).status, 200);
    note("replace_schedule", &world.send_json("PUT", "user-14", "/api/schedule/1", over));
    note(
        "generate_key",
        &world.send_json("POST", "user-14", "/api/streams/generate-key", r#"{"schedule_id": 1}"#),
    );
    for number in 0..101 {
        let at = |minute: u32| format!("2026-01-03T{:02}:{:02}:00Z", 4 + minute / 60, minute % 60);
        let body = format!(r#"{{"starts_at": "{}", "ends_at": "{}"}}"#, at(2 * number), at(2 * number + 1));
        let answer = world.send_json("POST", "user-15", "/api/schedule", &body);
        if number == 100 {
            note("plan_schedule", &answer);
        }
    }
    for query in ["limit=0", "cursor=x", "from=x", "to=x"] {
        note("list_own_schedules", &world.get_as("user-14", &format!("/api/schedule?{query}")));
    }
    for query in ["limit=0", "cursor=x", "from=x", "to=x", "category=none", "user=x"] {
        note("list_public_schedules", &world.get(&format!("/api/schedule/public?{query}")));
    }
    note("show_calendar", &world.get("/api/schedule/public.ics?user=x"));
}

fn note_events(world: &World, note: &mut impl FnMut(&str, &Answer)) {
    for query in ["limit=0", "after=x", "types=x", "after=999999"] {
        note("list_events", &world.get_as("user-16", &format!("/api/events?{query}")));
    }
    for query in ["after=x", "types=x", "after=999999"] {
        note("stream_events", &world.get_as("user-16", &format!("/api/events/stream?{query}")));
    }
    let connect = || Reader::connect(world, "user-16", "/api/events/stream", "");
    let mut readers: Vec<Reader> = (0..10).map(|_| connect()).collect();
    readers.iter_mut().for_each(|reader| drop(reader.wait_for("retry")));
    note("stream_events", &world.get_as("user-16", "/api/events/stream"));
}

fn note_webhooks(world: &World, note: &mut impl FnMut(&str, &Answer)) {
    let url = r#""url": "https://example.com/hook""#;
    let (path, disabled) = ("/api/webhooks", format!(r#"{{{url}, "enabled": false}}"#));
    let send = |method: &str, path: &str, json: &str| world.send_json(method, "user-17", path, json);
    for number in 0..11 {
        let answer = send("POST", path, &if number == 0 { disabled.clone() } else { format!("{{{url}}}") });
        if number == 10 {
            note("add_webhook", &answer);
        }
    }
    for body in [
        r#"{"uri": "x"}"#.to_owned(),
        r#"{"url": "http://example.com/"}"#.to_owned(),
        format!(r#"{{{url}, "types": ["stream.exploded"]}}"#),
        format!(r#"{{{url}, "description": "a\nb"}}"#),
    ] {
        note("add_webhook", &send("POST", path, &body));
        note("replace_webhook", &send("PUT", &format!("{path}/1"), &body));
    }
    note("show_webhook", &world.get_as("user-17", "/api/webhooks/99"));
    note("list_deliveries", &world.get_as("user-17", "/api/webhooks/99/deliveries"));
    // Unknown, and switched off.
    for id in [99, 1] {
        let at = |end: &str| format!("{path}/{id}{end}");
        note("test_webhook", &world.post_as("user-17", &at("/test")));
        note("retry_delivery", &world.post_as("user-17", &at("/deliveries/1/retry")));
        note("replay_events", &send("POST", &at("/replay"), r#"{"after": 0}"#));
    }
    note("retry_delivery", &world.post_as("user-17", "/api/webhooks/2/deliveries/99/retry"));
    for body in [r#"{"after": 999999}"#, "{}", r#"{"before": 1}"#] {
        note("replay_events", &send("POST", "/api/webhooks/2/replay", body));
    }
    for query in ["limit=0", "cursor=x", "status=lost"] {
        note("list_deliveries", &world.get_as("user-17", &format!("{path}/1/deliveries?{query}")));
    }
    note("replace_webhook", &send("PUT", "/api/webhooks/99", &disabled));
    note("rotate_secret", &world.post_as("user-17", "/api/webhooks/99/secret"));
    note("remove_webhook", &send("DELETE", "/api/webhooks/99", ""));
}

fn note_operators(world: &World, note: &mut impl FnMut(&str, &Answer)) {
    let off = World::with_admin(None);
    let operations = [
        ("list_all_streams", "GET", "/api/admin/streams"),
        ("stop_any_stream", "POST", "/api/admin/streams/99/stop"),
        ("list_blocked_users", "GET", "/api/admin/users/blocked"),
        ("block_user", "PUT", "/api/admin/users/90/block"),
        ("unblock_user", "DELETE", "/api/admin/users/90/block"),
        ("list_servers", "GET", "/api/admin/servers"),
        ("examine_installation", "GET", "/api/admin/health"),
        ("show_figures", "GET", "/api/admin/figures"),
    ];
    let send = |method: &str, path: &str, more: &str| {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: test\r\n");
        world.send(&format!("{head}Authorization: Bearer {OPERATOR}\r\n{more}"))
    };
    for (operation, method, path) in operations {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: test\r\n");
        note(operation, &off.send(&head));
        note(operation, &world.send(&head));
        note(operation, &world.send(&format!("{head}Authorization: Bearer user-1\r\n")));
        let wrong = format!("{head}Authorization: Bearer wrong\r\nX-Forwarded-For: 203.0.113.77\r\n");
        let mut answers = (0..100).map(|_| world.send(&wrong));
        note(operation, &answers.find(|answer| answer.status == 429).expect("guesses are limited"));
        if ["POST", "PUT"].contains(&method) {
            note(operation, &send(method, path, "Content-Length: 16385\r\n"));
        }
    }
    for query in ["limit=0", "cursor=x", "live=perhaps", "user=x", "q=-"] {
        note("list_all_streams", &send("GET", &format!("/api/admin/streams?{query}"), ""));
    }
    note("stop_any_stream", &send("POST", "/api/admin/streams/99/stop", ""));
    for query in ["limit=0", "cursor=x"] {
        note("list_blocked_users", &send("GET", &format!("/api/admin/users/blocked?{query}"), ""));
    }
    for (user, body) in [(90, r#"{"because": "x"}"#), (90, r#"{"reason": "a\u0007"}"#), (0, "")] {
        let path = format!("/api/admin/users/{user}/block");
        note("block_user", &world.send_json("PUT", OPERATOR, &path, body));
    }
    note("unblock_user", &send("DELETE", "/api/admin/users/0/block", ""));
    note("unblock_user", &send("DELETE", "/api/admin/users/90/block", ""));
    assert_eq!(send("PUT", "/api/admin/users/90/block", "").status, 200);
    note("generate_key", &world.post_as("user-90", "/api/streams/generate-key"));
}

#[test]
fn every_error_of_the_document_can_be_provoked_and_no_others() {
    let secrets = HookSecrets::new(vec!["hook-secret".to_owned()]);
    let server = HookServer { family: Family::NginxRtmp, secrets, host: None };
    let servers: HookServers = [(ServerName::parse("edge-1").unwrap(), server)].into();
    let world = World::on_air(AddressForm::Key, servers);
    let mut provoked = BTreeSet::new();
    let mut note = |operation: &str, answer: &Answer| {
        provoked.insert(format!("{operation} {}", answer.code()));
    };

    for (operation, method, path) in [
        ("generate_key", "POST", "/api/streams/generate-key"),
        ("stop_stream", "POST", "/api/streams/stop"),
        ("list_own", "GET", "/api/streams"),
        ("list_attempts", "GET", "/api/streams/attempts"),
        ("list_sessions", "GET", "/api/streams/1/sessions"),
        ("show_details", "GET", "/api/streams/1/details"),
        ("replace_details", "PUT", "/api/streams/1/details"),
        ("show_channel", "GET", "/api/channel"),
        ("replace_channel", "PUT", "/api/channel"),
        ("list_own_schedules", "GET", "/api/schedule"),
        ("list_events", "GET", "/api/events"),
        ("stream_events", "GET", "/api/events/stream"),
        ("plan_schedule", "POST", "/api/schedule"),
        ("show_schedule", "GET", "/api/schedule/1"),
        ("replace_schedule", "PUT", "/api/schedule/1"),
        ("cancel_schedule", "DELETE", "/api/schedule/1"),
        ("list_webhooks", "GET", "/api/webhooks"),
        ("add_webhook", "POST", "/api/webhooks"),
        ("show_webhook", "GET", "/api/webhooks/1"),
        ("replace_webhook", "PUT", "/api/webhooks/1"),
        ("remove_webhook", "DELETE", "/api/webhooks/1"),
        ("rotate_secret", "POST", "/api/webhooks/1/secret"),
        ("test_webhook", "POST", "/api/webhooks/1/test"),
        ("list_deliveries", "GET", "/api/webhooks/1/deliveries"),
        ("retry_delivery", "POST", "/api/webhooks/1/deliveries/1/retry"),
        ("replay_events", "POST", "/api/webhooks/1/replay"),
    ] {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: test\r\n");
        note(operation, &world.send(&head));
        for token in ["forged", "expired"] {
            note(operation, &world.send(&format!("{head}Authorization: Bearer {token}\r\n")));
        }
        if ["POST", "PUT"].contains(&method) {
            let large = if path.starts_with("/api/streams/") && method == "POST" { 16_385 } else { 65_537 };
            if matches!(operation, "rotate_secret" | "test_webhook" | "retry_delivery") {
                continue;
            }
            let large = format!("Authorization: Bearer user-1\r\nContent-Length: {large}\r\n");
            note(operation, &world.send(&format!("{head}{large}")));
        }
    }
    note_details(&world, &mut note);
    note_schedules(&world, &mut note);
    note_events(&world, &mut note);
    note_webhooks(&world, &mut note);
    note("show_file", &world.get("/console/missing.js"));
    let start = "POST /console/session HTTP/1.1\r\nHost: localhost\r\n";
    note("start_session", &World::with_admin(None).send(start));
    note("start_session", &world.send("POST /console/session HTTP/1.1\r\nHost: test\r\n"));
    note_operators(&world, &mut note);
    world.key_of(1);
    note("generate_key", &world.post_as("user-1", "/api/streams/generate-key"));
    let limited = World::with_key_requests_per_minute(1);
    limited.key_of(1);
    note("generate_key", &limited.post_as("user-1", "/api/streams/generate-key"));
    note("stop_stream", &world.post_as("user-2", "/api/streams/stop"));
    for query in ["limit=0", "cursor=x"] {
        note("list_own", &world.get_as("user-1", &format!("/api/streams?{query}")));
        note("list_public", &world.get(&format!("/api/streams/public?{query}")));
    }
    for query in ["live=perhaps", "category=none", "language=-", "tag=%20a%20b", "q=-"] {
        note("list_public", &world.get(&format!("/api/streams/public?{query}")));
    }
    note("list_sessions", &world.get_as("user-2", "/api/streams/1/sessions"));
    note("find_stream", &world.get("/api/streams/unknown"));
    let guess = |number: u32| world.get(&format!("/api/streams/guess-{number}"));
    let limited = (0..100).map(guess).find(|answer| answer.status == 429).expect("guesses are limited");
    note("find_stream", &limited);
    note("find_public_stream", &world.get("/api/streams/public/unknown"));
    for (operation, path) in [
        ("list_public", "/api/streams/public"),
        ("find_public_stream", "/api/streams/public/unknown"),
        ("list_categories", "/api/categories"),
        ("list_public_schedules", "/api/schedule/public"),
        ("show_calendar", "/api/schedule/public.ics"),
    ] {
        let head = format!("GET {path} HTTP/1.1\r\nHost: test\r\nX-Forwarded-For: 203.0.113.9\r\n");
        let mut answers = (0..50).map(|_| world.send(&head));
        note(operation, &answers.find(|answer| answer.status == 429).expect("reads are limited"));
    }
    for (names, code) in ended_streams(&world) {
        let (key, id) = names.split_once(' ').unwrap();
        let answers =
            [world.get(&format!("/api/streams/{key}")), world.get(&format!("/api/streams/public/{id}"))];
        assert!(answers.iter().all(|answer| answer.code() == code), "{answers:?}");
        note("find_stream", &answers[0]);
        note("find_public_stream", &answers[1]);
    }

    // Its time has passed meanwhile.
    let head = "DELETE /api/schedule/2 HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer user-14\r\n";
    note("cancel_schedule", &world.send(head));

    for (suffix, secret, name) in [
        ("", "?secret=hook-secret", ""),
        ("/hook-secret", "", "_with_secret"),
        ("", "", ""),
        ("/wrong", "", "_with_secret"),
    ] {
        let path = format!("/hooks/nginx-rtmp/edge-1{suffix}{secret}");
        note(&format!("receive_hook{name}"), &world.hook(&path, "text/plain", "call=publish&name=x"));
        let mark = if secret.is_empty() { "?" } else { "&" };
        let question = format!("{path}{mark}call=publish&name=unknown&app=live&clientid=1");
        note(&format!("ask_by_hook{name}"), &world.get(&question));
    }
    let ask = || world.get("/hooks/nginx-rtmp/edge-1?secret=wrong");
    (0..100).map(|_| ask().status).find(|status| *status == 429).expect("refused hooks are limited");
    for (suffix, name) in [("", ""), ("/s", "_with_secret")] {
        let [post, get] = ["receive_hook", "ask_by_hook"].map(|operation| format!("{operation}{name}"));
        note(&post, &world.hook(&format!("/hooks/unknown/edge-1{suffix}"), "text/plain", ""));
        note(&get, &world.get(&format!("/hooks/unknown/edge-1{suffix}")));
        note(&post, &world.hook(&format!("/hooks/nginx-rtmp/edge-1{suffix}"), "text/plain", ""));
        note(&get, &world.get(&format!("/hooks/nginx-rtmp/edge-1{suffix}")));
        note(&get, &world.get(&format!("/hooks/srs/{}{suffix}", "x".repeat(65))));
        for (operation, method) in [(&post, "POST"), (&get, "GET")] {
            let path = format!("/hooks/srs/edge-1{suffix}");
            let head = format!("{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Length: 65537\r\n");
            note(operation, &world.send(&head));
        }
    }

    assert_eq!(provoked, described());
}
