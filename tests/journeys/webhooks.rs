//! Webhooks: delivered for real, verified by the public libraries, and never lost.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use stream_tests::{
    Answer, Delivered, DocumentedReceiver, Language, Receiver, Service, ServiceBuilder, StoreKind, TestStore,
    eventually,
};

super::on_both_stores! {
    the_public_libraries_verify_every_delivery_during_a_rotation_too
    what_a_killed_sender_had_taken_is_sent_by_another
    an_endpoint_that_is_gone_is_switched_off_and_comes_back
    a_receiver_that_was_away_gets_everything_that_it_missed
    the_operators_endpoint_gets_the_events_of_all
}

/// The secret of the operator's endpoint.
pub(crate) const SECRET: &str = "whsec_QSBzZWNyZXQgb2YgdGhlIHRlc3RzLCBhbmQgb2Ygbm9ib2R5";

/// A service that may send to this machine.
fn setup(store: &TestStore) -> ServiceBuilder {
    store.setup().with("WEBHOOK_NETWORKS", "127.0.0.0/8")
}

/// Sends JSON as a user.
async fn send(service: &Service, method: &str, user: u32, path: &str, body: &Value) -> Answer {
    let method = method.parse().expect("a method");
    let request = service.request(method, path).bearer_auth(stream_tests::token_of(user));
    service.send(request.body(body.to_string())).await
}

/// Adds an endpoint: its number and its secret.
async fn add(service: &Service, user: u32, body: &Value) -> (i64, String) {
    let answer = send(service, "POST", user, "/api/webhooks", body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let secret = answer.json["secret"].as_str().expect("it is shown").to_owned();
    service.note(&secret);
    (answer.json["id"].as_i64().expect("a number"), secret)
}

/// Adds the documented receiver in Node.js as an endpoint of the user: its number, and the receiver.
pub(crate) async fn add_documented(service: &Service, user: u32, folder: &Path) -> (i64, DocumentedReceiver) {
    let port = stream_test_postgres::free_port();
    let (id, secret) = add(service, user, &json!({ "url": format!("http://127.0.0.1:{port}/") })).await;
    (id, DocumentedReceiver::start_on(port, Language::Node, &secret, folder))
}

/// A key is generated and stopped, so often.
async fn broadcasts(service: &Service, user: u32, times: u32) {
    for _ in 0..times {
        service.key_of(user).await;
        assert_eq!(service.post_as(user, "/api/streams/stop").await.status, 200);
    }
}

async fn deliveries(service: &Service, user: u32, id: i64, query: &str) -> Vec<Value> {
    let page = service.get_as(user, &format!("/api/webhooks/{id}/deliveries?{query}")).await;
    page.json["deliveries"].as_array().expect("a list").clone()
}

fn positions(messages: &[Delivered]) -> BTreeSet<i64> {
    let position = |message: &Delivered| {
        let body: Value = serde_json::from_str(&message.body).expect("JSON");
        body["position"].as_i64().expect("a number")
    };
    messages.iter().map(position).collect()
}

async fn the_public_libraries_verify_every_delivery_during_a_rotation_too(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = setup(&store).start().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    for language in [Language::Node, Language::Python] {
        let user = language as u32 + 1;
        let raw = Receiver::start(204);
        let (id, first) = add(&service, user, &json!({ "url": raw.url() })).await;
        let path = format!("/api/webhooks/{id}/secret");
        let rotated = service.post_as(user, &path).await.json["secret"].as_str().expect("shown").to_owned();
        service.note(&rotated);
        broadcasts(&service, user, 2).await;
        eventually("four messages", || async { raw.messages().len() == 4 }).await;
        let third = service.post_as(user, &path).await.json["secret"].as_str().expect("shown").to_owned();
        service.note(&third);
        assert_eq!(service.post_as(user, &format!("/api/webhooks/{id}/test")).await.status, 202);
        eventually("the test", || async { raw.messages().len() == 5 }).await;
        let messages = raw.messages();
        for message in &messages {
            let signatures: Vec<&str> = message.headers["webhook-signature"].split(' ').collect();
            assert_eq!(signatures.len(), 2, "{message:?}");
        }
        // The first four are signed by the first two secrets, the test by the last two.
        for (secret, expected) in [(&first, 4), (&rotated, 5), (&third, 1)] {
            let receiver = DocumentedReceiver::start(language, secret, folder.path());
            let mut taken = 0;
            for message in &messages {
                let status = forward(&receiver, message).await;
                assert!(matches!(status, 204 | 400), "{status}");
                taken += u32::from(status == 204);
                let changed =
                    Delivered { body: message.body.replacen("position", "positiom", 1), ..message.clone() };
                assert_eq!(forward(&receiver, &changed).await, 400, "a changed byte");
                let mut other = message.clone();
                other.headers.insert("webhook-id".to_owned(), "evt_0_0".to_owned());
                assert_eq!(forward(&receiver, &other).await, 400, "another id");
                let mut earlier = message.clone();
                earlier.headers.insert("webhook-timestamp".to_owned(), "1700000000".to_owned());
                assert_eq!(forward(&receiver, &earlier).await, 400, "another time");
            }
            assert_eq!(taken, expected, "{language:?}");
        }
    }
}

/// Gives a message to a receiver, as it was received: the status of its answer.
async fn forward(receiver: &DocumentedReceiver, message: &Delivered) -> u16 {
    let header = |(name, value): (&String, &String)| ["--header".to_owned(), format!("{name}: {value}")];
    let mut curl = std::process::Command::new("curl");
    curl.args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "--retry-connrefused", "--retry", "30"]);
    curl.args(["--retry-delay", "1", "--data-binary", &message.body]);
    curl.args(message.headers.iter().flat_map(header)).arg(receiver.url());
    let output =
        tokio::task::spawn_blocking(move || curl.output()).await.expect("it ends").expect("curl is there");
    String::from_utf8_lossy(&output.stdout).parse().unwrap_or(0)
}

async fn what_a_killed_sender_had_taken_is_sent_by_another(kind: StoreKind) {
    let store = TestStore::new(kind);
    let mut service = setup(&store).start().await;
    // It takes messages and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = silent.local_addr().expect("it is bound").port();
    let (id, _) = add(&service, 1, &json!({ "url": format!("http://127.0.0.1:{port}/") })).await;
    broadcasts(&service, 1, 1).await;
    silent.set_nonblocking(true).expect("a socket can be");
    let mut held = Vec::new();
    for _ in 0..200 {
        held.extend(silent.accept().ok());
        if held.len() == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(held.len(), 2, "both events are on their way");
    service.program.kill();
    drop((held, silent));
    let store_says = store.sql("SELECT count(*) FROM stream_webhook_deliveries WHERE state = 'pending'");
    assert_eq!(store_says, "2");
    let receiver = Receiver::start(204);
    store.sql(&format!("UPDATE stream_webhooks SET url = '{}'", receiver.url()));
    // The lease is half a minute; nobody waits for it here.
    store.sql("UPDATE stream_webhook_deliveries SET next_at = '2020-01-01 00:00:00'");
    store.sql("UPDATE stream_webhooks SET due_at = '2020-01-01 00:00:00'");
    let service = setup(&store).start().await;
    eventually("both events", || async { positions(&receiver.messages()) == [1, 2].into() }).await;
    eventually("their record", || async { deliveries(&service, 1, id, "status=delivered").await.len() == 2 })
        .await;
    assert_eq!(receiver.messages().len(), 2);
}

async fn an_endpoint_that_is_gone_is_switched_off_and_comes_back(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = setup(&store).start().await;
    let receiver = Receiver::start(410);
    let (id, _) = add(&service, 1, &json!({ "url": receiver.url(), "types": ["stream.created"] })).await;
    broadcasts(&service, 1, 1).await;
    let path = format!("/api/webhooks/{id}");
    let shown = || async { service.get_as(1, &path).await.json };
    eventually("it is off", || async { shown().await["disabled_reason"] == "gone" }).await;
    let attempts = deliveries(&service, 1, id, "").await;
    assert_eq!(attempts[0]["attempts"][0]["status"], 410, "{attempts:?}");
    assert_eq!(attempts[0]["attempts"][0]["response"], "noted");
    let told = || async { service.get_as(1, "/api/events?types=webhook.disabled").await.json };
    eventually("it is told", || async {
        told().await["events"][0]["data"] == json!({ "webhook_id": id, "reason": "gone" })
    })
    .await;
    broadcasts(&service, 1, 1).await;
    receiver.answer(204);
    let on =
        send(&service, "PUT", 1, &path, &json!({ "url": receiver.url(), "types": ["stream.created"] })).await;
    assert_eq!((on.status, &on.json["enabled"]), (200, &json!(true)), "{on:?}");
    // What was pending comes when it is due, and what was missed when it is asked for.
    let again = service.post_as(1, &format!("{path}/deliveries/1/retry")).await;
    assert_eq!(again.status, 202, "{again:?}");
    let replay = send(&service, "POST", 1, &format!("{path}/replay"), &json!({ "after": 1 })).await;
    assert_eq!(replay.status, 202, "{replay:?}");
    eventually("both keys", || async { positions(&receiver.messages()).len() == 2 }).await;
    eventually("it is well", || async { shown().await["failing_since"] == Value::Null }).await;
}

async fn a_receiver_that_was_away_gets_everything_that_it_missed(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = setup(&store).start().await;
    let receiver = Receiver::start(503);
    let (id, _) = add(&service, 1, &json!({ "url": receiver.url() })).await;
    broadcasts(&service, 1, 4).await;
    eventually("each was tried", || async { positions(&receiver.messages()).len() == 8 }).await;
    let pending = deliveries(&service, 1, id, "status=pending").await;
    assert_eq!(pending.len(), 8);
    receiver.answer(204);
    eventually("each has arrived", || async {
        deliveries(&service, 1, id, "status=delivered").await.len() == 8
    })
    .await;
    let messages = receiver.messages();
    let ids = |position: i64| -> BTreeSet<String> {
        let of_event = messages.iter().filter(|message| positions(&[(*message).clone()]).contains(&position));
        of_event.map(|message| format!("{} {}", message.headers["webhook-id"], message.body)).collect()
    };
    for position in 1..=8 {
        assert_eq!(ids(position).len(), 1, "the same id and the same body at each attempt");
    }
    let healthy = service.get_as(1, &format!("/api/webhooks/{id}")).await.json;
    assert_eq!(healthy["failing_since"], Value::Null);
}

async fn the_operators_endpoint_gets_the_events_of_all(kind: StoreKind) {
    let store = TestStore::new(kind);
    let receiver = Receiver::start(204);
    let setup = setup(&store).with("WEBHOOK_URL", &receiver.url());
    let service = setup.clone().with("WEBHOOK_SECRET", SECRET).start().await;
    for user in 1..=3 {
        broadcasts(&service, user, 1).await;
    }
    eventually("six events", || async { positions(&receiver.messages()) == (1..=6).collect() }).await;
    assert_eq!(service.get_as(1, "/api/webhooks").await.json, json!({ "webhooks": [] }));
    drop(service);
    // With another secret the former one signs along.
    let other = SECRET.replace("QSBz", "QSAz");
    let service = setup.with("WEBHOOK_SECRET", &other).start().await;
    broadcasts(&service, 1, 1).await;
    eventually("eight events", || async { positions(&receiver.messages()) == (1..=8).collect() }).await;
    let last = receiver.messages().pop().expect("there is one");
    assert_eq!(last.headers["webhook-signature"].split(' ').count(), 2, "{last:?}");
    drop(service);
    // Without the setting it is switched off, which is an event too, and nothing is sent any more.
    let service = store.setup().start().await;
    broadcasts(&service, 1, 1).await;
    eventually("the events", || async { service.get_as(1, "/api/events?after=8").await.json["next"] == 11 })
        .await;
    assert_eq!(store.sql("SELECT disabled_because FROM stream_webhooks"), "owner");
    assert_eq!(positions(&receiver.messages()).len(), 8);
}

/// What is wrong with the settings is named, and the secret is not shown.
#[test]
fn wrong_settings_of_the_operators_endpoint_are_named() {
    let store = TestStore::new(StoreKind::Sqlite);
    for (url, secret, expected) in [
        ("https://platform.example/", "", "WEBHOOK_URL is set without WEBHOOK_SECRET; make one with:"),
        ("", SECRET, "WEBHOOK_SECRET is set without WEBHOOK_URL"),
        ("https://platform.example/", "s3cret", "WEBHOOK_SECRET: it must be whsec_"),
        ("http://platform.example/", SECRET, "WEBHOOK_URL: must be an https:// address"),
        ("https://10.0.0.1/", SECRET, "WEBHOOK_URL: 10.0.0.1 is no public address"),
    ] {
        let setup = store.setup().with("WEBHOOK_URL", url).with("WEBHOOK_SECRET", secret);
        let (status, _, errors) = setup.run(&["serve"]);
        assert!(!status.success() && errors.contains(expected), "{errors}");
        assert!(secret.is_empty() || !errors.contains(secret), "{errors}");
    }
}

/// The doctor says whether the operator's endpoint may be sent to, and which endpoints were switched off.
#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_looks_at_endpoints_and_sends_nothing() {
    let store = TestStore::new(StoreKind::Sqlite);
    let receiver = Receiver::start(410);
    let setup = setup(&store);
    let service = setup.clone().start().await;
    let (id, _) = add(&service, 1, &json!({ "url": receiver.url(), "types": ["stream.created"] })).await;
    broadcasts(&service, 1, 1).await;
    let path = format!("/api/webhooks/{id}");
    eventually("it is off", || async { service.get_as(1, &path).await.json["enabled"] == false }).await;
    let before = receiver.messages().len();
    for (url, expected) in [
        (receiver.url(), "its address may be sent to"),
        ("https://localhost:1/".to_owned(), "its address may be sent to"),
        ("https://unknown.invalid/".to_owned(), "nothing can be sent there"),
    ] {
        let setup = setup.clone().with("WEBHOOK_URL", &url).with("WEBHOOK_SECRET", SECRET);
        let (_, output, errors) = setup.run(&["doctor", "--json"]);
        assert!(output.contains(expected), "{url}: {output} {errors}");
        assert!(output.contains("0 are sent to, 1 were switched off by the service"), "{output}");
    }
    assert_eq!(receiver.messages().len(), before);
}
