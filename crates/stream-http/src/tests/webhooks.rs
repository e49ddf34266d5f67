//! Webhooks as their owners see them; what is delivered is tried by the journeys.

use serde_json::{Value, json};
use stream_domain::events::LogPosition;
use stream_domain::ports::{DeliveryStore as _, WebhookStore as _};
use stream_domain::webhooks::{Attempt, Claim, Next, Outcome, WebhookSecret};
use stream_domain::{Timestamp, UserId, WebhookId};

use super::World;

fn add(world: &World, body: &str) -> Value {
    let answer = world.send_json("POST", "user-1", "/api/webhooks", body);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

fn claim(now: Timestamp) -> Claim {
    Claim { now, until: now, busy: Vec::new(), webhooks: 10, each: 10 }
}

#[test]
fn a_secret_is_shown_when_it_is_made_and_never_again() {
    let world = World::new();
    let body = r#"{"url": "https://example.com/hook", "types": ["stream.live", "stream.live"], "description": " Chat "}"#;
    let added = add(&world, body);
    let secret = added["secret"].as_str().unwrap().to_owned();
    assert!(WebhookSecret::parse(&secret).is_some(), "{secret}");
    let expected = json!({
        "id": 1, "url": "https://example.com/hook", "types": ["stream.live"], "description": "Chat", "enabled": true,
        "disabled_at": null, "disabled_reason": null, "failing_since": null, "previous_secret_until": null,
        "created_at": "2026-01-02T03:04:05.678901Z", "updated_at": "2026-01-02T03:04:05.678901Z",
    });
    assert_eq!(world.get_as("user-1", "/api/webhooks/1").json(), expected);
    assert_eq!(world.get_as("user-1", "/api/webhooks").json(), json!({ "webhooks": [expected] }));
    assert_eq!(world.get_as("user-2", "/api/webhooks").json(), json!({ "webhooks": [] }));
    let rotated = world.post_as("user-1", "/api/webhooks/1/secret").json();
    assert_ne!(rotated["secret"], secret.as_str());
    assert_eq!(rotated["previous_secret_until"], "2026-01-03T03:04:05.678901Z");
    for (method, path) in [("GET", ""), ("DELETE", ""), ("POST", "/secret"), ("POST", "/test")] {
        let head = format!(
            "{method} /api/webhooks/1{path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer user-2\r\n"
        );
        assert_eq!(world.send(&head).code(), "webhook_not_found", "{method} {path}");
    }
}

#[test]
fn a_put_says_everything_anew() {
    let world = World::new();
    add(&world, r#"{"url": "https://example.com/hook", "types": ["stream.live"], "description": "Chat"}"#);
    let put = |body: &str| world.send_json("PUT", "user-1", "/api/webhooks/1", body).json();
    let off = put(r#"{"url": "https://example.com/other", "enabled": false}"#);
    assert_eq!(
        (&off["types"], &off["description"], &off["enabled"]),
        (&json!([]), &Value::Null, &json!(false))
    );
    assert_eq!(off["disabled_reason"], "owner");
    assert_eq!(world.post_as("user-1", "/api/webhooks/1/test").code(), "webhook_disabled");
    let on = put(r#"{"url": "https://example.com/other"}"#);
    assert_eq!((&on["enabled"], &on["disabled_at"]), (&json!(true), &Value::Null));
    let events = world.get_as("user-1", "/api/events").json();
    let event = &events["events"][0];
    assert_eq!(
        (&event["type"], &event["data"]),
        (&json!("webhook.disabled"), &json!({"webhook_id": 1, "reason": "owner"}))
    );
    let removed = world.send_json("DELETE", "user-1", "/api/webhooks/1", "");
    assert_eq!((removed.status, &removed.json()["url"]), (200, &json!("https://example.com/other")));
    assert_eq!(world.get_as("user-1", "/api/webhooks/1").code(), "webhook_not_found");
}

#[test]
fn deliveries_are_shown_with_their_attempts_and_sent_again() {
    let world = World::new();
    add(&world, r#"{"url": "https://example.com/hook"}"#);
    world.key_of(1);
    assert_eq!(world.post_as("user-1", "/api/webhooks/1/test").status, 202);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let now = Timestamp::from_unix_micros(1_767_323_045_678_901).unwrap();
    let answer = Attempt {
        at: now,
        status: None,
        error: Some("the connection was refused".to_owned()),
        took: std::time::Duration::from_millis(12),
        answer: String::new(),
    };
    runtime.block_on(async {
        let due = world.store.claim_deliveries(&claim(now)).await.unwrap();
        assert_eq!(due.len(), 2);
        let first = due.iter().find(|due| due.event.position == LogPosition(1)).unwrap();
        let failed = Outcome { next: Next::GiveUp, disable: None };
        world.store.record_attempt(first, &answer, failed, now).await.unwrap();
    });
    let first = world.get_as("user-1", "/api/webhooks/1/deliveries?limit=1").json();
    assert_eq!(first["deliveries"][0]["type"], "webhook.test");
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = world.get_as("user-1", &format!("/api/webhooks/1/deliveries?cursor={cursor}")).json();
    let attempt = json!({
        "at": "2026-01-02T03:04:05.678901Z", "status": null, "error": "the connection was refused", "duration_ms": 12,
        "response": "",
    });
    let mut expected = json!({
        "position": 1, "type": "stream.created", "status": "failed", "next_attempt_at": null, "attempts": [attempt],
    });
    assert_eq!(rest, json!({ "deliveries": [expected] }));
    let failed = world.get_as("user-1", "/api/webhooks/1/deliveries?status=failed").json();
    assert_eq!(failed["deliveries"].as_array().unwrap().len(), 1);
    let retried = world.post_as("user-1", "/api/webhooks/1/deliveries/1/retry");
    expected["status"] = json!("pending");
    assert_eq!((retried.status, retried.json()), (202, expected));
    assert_eq!(world.post_as("user-1", "/api/webhooks/1/deliveries/9/retry").code(), "delivery_not_found");
    let replay = |body: &str| world.send_json("POST", "user-1", "/api/webhooks/1/replay", body);
    assert_eq!(replay(r#"{"after": 0}"#).status, 202);
    assert_eq!(replay(r#"{"after": 3}"#).code(), "events_forgotten");
    let owner = UserId::new(1).unwrap();
    let kept = runtime.block_on(world.store.find_webhook(owner, WebhookId(1))).unwrap().unwrap();
    assert_eq!(kept.replay, Some((LogPosition(0), LogPosition(2))));
}
