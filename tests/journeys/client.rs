//! The client for TypeScript against the real binary: its own tests in Node.js, and a reader of events whose service is
//! killed.

mod package;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;

use serde_json::{Value, json};
use stream_tests::{
    Program, Receiver, Relay, SECRET_KEY, Service, StoreKind, TestStore, TypescriptClient, claims_of,
    eventually, sign, succeed, token_of,
};

super::on_both_stores! {
    the_client_does_what_the_api_promises
    a_reader_of_events_misses_nothing_when_its_service_is_killed
    a_reader_of_events_goes_on_with_another_token_when_the_first_expires
}

async fn the_client_does_what_the_api_promises(kind: StoreKind) {
    let store = TestStore::new(kind);
    let setup = store.setup().with("WEBHOOK_NETWORKS", "127.0.0.0/8").with("CATEGORIES", "talk=Talk");
    let service = setup.with("GENERATE_KEY_COOLDOWN", "1").start().await;
    let receiver = Receiver::start(204);
    let tokens: BTreeMap<u32, String> = (1..=42).map(|user| (user, token_of(user))).collect();
    tokens.values().for_each(|token| service.note(token));
    let mut node = node_of(&service.url(""), &json!(tokens));
    node.env("RECEIVER_URL", receiver.url()).args(["--test", "--test-timeout=120000"]);
    node.args(
        ["broadcasts", "events", "schedules", "webhooks"].map(|name| format!("test/service/{name}.test.js")),
    );
    let report = tokio::task::spawn_blocking(move || succeed(&mut node)).await.expect("Node.js ends");
    assert!(report.contains("# pass 12\n") && report.contains("# skipped 0\n"), "{report}");
}

/// Node.js in the client's folder, with a service and tokens for it.
fn node_of(url: &str, tokens: &Value) -> Command {
    let mut node = TypescriptClient::built().node(&[]);
    node.env("SERVICE_URL", url).env("SERVICE_TOKENS", tokens.to_string());
    node
}

/// The client as it follows the events of a user.
struct Follower(Program);

impl Follower {
    fn start(port: u16, tokens: &Value, folder: &std::path::Path) -> Self {
        let mut node = node_of(&format!("http://127.0.0.1:{port}"), tokens);
        Self(Program::start(node.arg("test/service/follow.js"), &folder.join("followed")))
    }

    /// What it has printed under this name.
    fn printed(&self, name: &str) -> Vec<Value> {
        let output = self.0.output();
        let whole = output.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let lines = whole.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON"));
        lines.filter_map(|line| line.get(name).cloned()).collect()
    }

    async fn has_told(&self, service: &Service, user: u32, count: usize) {
        eventually(&format!("{count} events"), || async { self.printed("event").len() >= count }).await;
        let log = service.get_as(user, "/api/events?limit=1000").await.json;
        assert_eq!(json!(self.printed("event")), log["events"], "{}", self.0.errors());
    }
}

fn port_of(service: &Service) -> u16 {
    service.url("").rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port")
}

async fn a_reader_of_events_misses_nothing_when_its_service_is_killed(kind: StoreKind) {
    let store = TestStore::new(kind);
    let setup = store.setup();
    let mut one = setup.start().await;
    let relay = Relay::start(port_of(&one), IpAddr::V4(Ipv4Addr::LOCALHOST)).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let follower = Follower::start(relay.port(), &json!([token_of(1)]), folder.path());
    one.key_of(1).await;
    follower.has_told(&one, 1, 1).await;
    one.program.kill();
    let other = setup.start().await;
    assert_eq!(other.post_as(1, "/api/streams/stop").await.status, 200);
    other.key_of(1).await;
    relay.switch_to(port_of(&other));
    follower.has_told(&other, 1, 3).await;
    assert!(follower.printed("state").contains(&json!("waiting")), "{:?}", follower.printed("state"));
    // One that stops in order ends the stream itself.
    other.program.signal("TERM");
    let third = setup.start().await;
    relay.switch_to(port_of(&third));
    assert_eq!(third.post_as(1, "/api/streams/stop").await.status, 200);
    follower.has_told(&third, 1, 4).await;
}

async fn a_reader_of_events_goes_on_with_another_token_when_the_first_expires(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = store.setup().with("GENERATE_KEY_PER_MINUTE", "0").start().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    // That takes longer than the first token is accepted.
    TypescriptClient::built();
    let mut claims = claims_of(1);
    let an_hour = claims["exp"].as_i64().expect("a number");
    // It is accepted for five seconds more.
    claims["exp"] = json!(an_hour - 3_600 + 5);
    let expiring = sign(SECRET_KEY, &json!({ "alg": "HS256", "typ": "JWT" }), &claims);
    let follower = Follower::start(port_of(&service), &json!([expiring, token_of(1)]), folder.path());
    eventually("the first stream", || async { !follower.printed("state").is_empty() }).await;
    let mut count = 0;
    // An event, or a sign of life, finds that the token has expired.
    eventually("another stream", || {
        count += 1;
        let (service, follower) = (&service, &follower);
        async move {
            service.key_of(1).await;
            assert_eq!(service.post_as(1, "/api/streams/stop").await.status, 200);
            follower.printed("state") == ["streaming", "waiting", "streaming"]
        }
    })
    .await;
    follower.has_told(&service, 1, count * 2).await;
}
