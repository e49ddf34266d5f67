//! The API of operators: what they see and order, by the real binary.

use reqwest::Method;
use serde_json::{Value, json};
use stream_simulated_servers::Family;
use stream_tests::{
    Answer, Api, MediaSetup, ServiceBuilder, Stage, StoreKind, TestStore, eventually, find_secret,
};

super::on_both_stores! {
    operators_see_a_publisher_block_its_user_and_lift_the_block
    a_block_wins_against_keys_from_two_instances
    users_are_blocked_at_the_command_line_as_well
    figures_are_there_without_metrics_and_wrong_tokens_are_limited
}

/// The token of operators.
const TOKEN: &str = "an-operators-token-that-no-log-has";

async fn operate(api: &Api, method: Method, path: &str) -> Answer {
    api.send(api.request(method, path).bearer_auth(TOKEN)).await
}

async fn show(api: &Api, path: &str) -> Value {
    let answer = operate(api, Method::GET, path).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json
}

async fn block(api: &Api, user: u32, reason: &str) -> Answer {
    let request = api.request(Method::PUT, &format!("/api/admin/users/{user}/block")).bearer_auth(TOKEN);
    api.send(request.body(json!({ "reason": reason }).to_string())).await
}

async fn operators_see_a_publisher_block_its_user_and_lift_the_block(kind: StoreKind) {
    let settings = [("ADMIN_TOKEN", TOKEN)];
    let mut stage = Stage::start_with(MediaSetup::Simulated(Family::Srs), kind, &settings).await;
    let (owner, other) = (stage.new_owner().await, stage.new_owner().await);
    let mut encoder = stage.publish(&owner, 1).await;
    eventually("a live publisher", || async { stage.is_live(&owner).await }).await;

    let service = stage.service();
    let list = show(service, "/api/admin/streams").await;
    assert!(find_secret(&list.to_string(), &[owner.key.clone(), other.key.clone()]).is_none(), "{list:#}");
    let live = show(service, "/api/admin/streams?live=true").await["streams"].take();
    assert_eq!((live.as_array().map(Vec::len), &live[0]["id"]), (Some(1), &json!(owner.stream)));
    let session = &live[0]["session"];
    assert_eq!(
        (&session["server"], &session["family"], &session["state"], &session["address"]),
        (&json!("edge"), &json!("srs"), &json!("live"), &json!("127.0.0.1"))
    );
    let edge = show(service, "/api/admin/servers").await["servers"][0].take();
    assert_eq!(
        (&edge["name"], &edge["control"], &edge["publishers"], &edge["has_control"]),
        (&json!("edge"), &json!("reachable"), &json!(1), &json!(true))
    );
    let health = show(service, "/api/admin/health").await;
    let findings = health["findings"].as_array().expect("a list");
    let control = findings.iter().find(|finding| finding["subject"] == "media server edge");
    assert_eq!(control.map(|finding| &finding["state"]), Some(&json!("ok")), "{health:#}");
    assert_eq!(show(service, "/api/admin/health").await["examined_at"], health["examined_at"]);
    let figures = show(service, "/api/admin/figures").await;
    assert_eq!(figures["platform"], json!({ "active_streams": 2, "live_streams": 1, "open_sessions": 1 }));
    assert!(figures["hooks"]["accepted"].as_u64() >= Some(1), "{figures:#}");

    let blocked = block(service, owner.user, "Copyright").await;
    assert_eq!((blocked.status, &blocked.json["stopped_stream_id"]), (200, &json!(owner.stream)));
    encoder.ended().await;
    let refused = service.generate_key(owner.user).await;
    assert_eq!((refused.status, refused.code()), (403, "user_blocked"));
    assert!(refused.json["error"].as_str().is_some_and(|told| told.contains("Copyright")), "{refused:?}");
    stage.publish(&owner, 2).await.ended().await;
    assert_eq!(stage.attempts(&owner).await, ["stopped"]);
    if kind == StoreKind::Postgres {
        // The earlier service, which has not heard of blocks.
        stage.store.sql(&format!(
            "INSERT INTO streams (user_id, stream_key, expires_at) VALUES ({}, 'of-the-earlier-service', now() + INTERVAL '1 day')",
            owner.user
        ));
        assert_eq!(service.lookup("of-the-earlier-service").await, 410);
    }
    let stopped = operate(service, Method::POST, &format!("/api/admin/streams/{}/stop", other.stream)).await;
    assert_eq!((stopped.status, &stopped.json["stream"]["status"]), (200, &json!("stopped")));
    assert_eq!(show(service, "/api/admin/streams").await["streams"], json!([]));
    let lifted = operate(service, Method::DELETE, &format!("/api/admin/users/{}/block", owner.user)).await;
    assert_eq!((lifted.status, &lifted.json["reason"]), (200, &json!("Copyright")));
    service.key_of(owner.user).await;

    for done in [
        "an operator blocked a user",
        "an operator stopped a stream",
        "an operator lifted the block of a user",
    ] {
        // The log is written behind the responses.
        eventually("the operator's address in the log", || async {
            let log = service.program.errors();
            log.lines().any(|line| line.contains(done) && line.contains("\"operator\":\"127.0.0.1\""))
        })
        .await;
    }
}

async fn a_block_wins_against_keys_from_two_instances(kind: StoreKind) {
    let store = TestStore::new(kind);
    let setup = store.setup().with("ADMIN_TOKEN", TOKEN).with("GENERATE_KEY_PER_MINUTE", "0");
    let (first, second) = tokio::join!(setup.start(), setup.start());
    for user in 1..=5 {
        let keys = futures_util::future::join_all((0..32).map(async |number| {
            let answer = [&first, &second][number % 2].generate_key(user).await;
            assert!([201, 409, 403].contains(&answer.status), "{answer:?}");
        }));
        let order = async {
            assert_eq!(block(&second, user, "Spam").await.status, 200);
            let active = format!("SELECT count(*) FROM streams WHERE status = 'active' AND user_id = {user}");
            // From the block's answer on, whatever the others are at.
            assert_eq!(store.sql(&active), "0");
            active
        };
        let (_, active) = tokio::join!(keys, order);
        assert_eq!(store.sql(&active), "0", "user {user}");
        assert_eq!(first.generate_key(user).await.code(), "user_blocked");
    }
}

async fn users_are_blocked_at_the_command_line_as_well(kind: StoreKind) {
    let store = TestStore::new(kind);
    let setup = store.setup();
    let service = setup.start().await;
    let run = |setup: &ServiceBuilder, arguments: &[&str]| {
        let (status, output, errors) = setup.run(arguments);
        (status.code(), serde_json::from_str::<Value>(&output).unwrap_or_default(), errors)
    };
    let key = service.key_of(7).await;
    let (code, blocked, _) = run(&setup, &["users", "block", "7", "--reason", "Spam"]);
    assert_eq!((code, &blocked["stopped_stream_id"]), (Some(0), &json!(1)));
    assert_eq!((service.lookup(&key).await, service.generate_key(7).await.code()), (410, "user_blocked"));
    let (_, list, _) = run(&setup, &["users", "list-blocked"]);
    assert_eq!((&list["users"][0]["user_id"], &list["users"][0]["reason"]), (&json!(7), &json!("Spam")));
    assert_eq!(run(&setup, &["users", "unblock", "7"]).0, Some(0));
    let (code, _, errors) = run(&setup, &["users", "unblock", "7"]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("user 7 is not blocked"), "{errors}");
    assert_eq!(run(&setup, &["users", "list-blocked"]).1["users"], json!([]));
    service.key_of(7).await;
    let long = "x".repeat(501);
    let (code, _, errors) = run(&setup, &["users", "block", "7", "--reason", &long]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("--reason: reason: 501 characters, at most 500"), "{errors}");
    // Without a token in the settings there is no such API.
    assert_eq!(operate(&service, Method::GET, "/api/admin/streams").await.code(), "not_found");
}

async fn figures_are_there_without_metrics_and_wrong_tokens_are_limited(kind: StoreKind) {
    let store = TestStore::new(kind);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).expect("it can be written");
    let setup = store.setup().with("ADMIN_TOKEN_FILE", file.to_str().expect("text"));
    let service = setup.with("METRICS_ADDRESS", "none").with("UNKNOWN_KEYS_PER_MINUTE", "3").start().await;
    assert_eq!(service.get("/metrics").await.status, 404);
    service.key_of(1).await;
    assert_eq!(service.generate_key(1).await.status, 409);
    let figures = show(&service, "/api/admin/figures").await;
    assert_eq!(
        figures["keys"],
        json!({
            "generated": 1, "stopped": 0, "expired": 0,
            "refusals": [{ "reason": "stream_already_active", "count": 1 }]
        })
    );
    let later = show(&service, "/api/admin/figures").await;
    let total = |figures: &Value| figures["requests"]["total"].as_u64().expect("a number");
    assert!(total(&later) > total(&figures), "{later:#}");
    assert_eq!(later["since"], figures["since"]);

    let wrong =
        || service.send(service.request(Method::GET, "/api/admin/figures").bearer_auth("a-wrong-token"));
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(wrong().await.code().to_owned());
    }
    assert_eq!(codes, ["invalid_token", "invalid_token", "invalid_token", "too_many_requests"]);
    assert_eq!(operate(&service, Method::GET, "/api/admin/figures").await.code(), "too_many_requests");
    assert_eq!(service.get_as(1, "/api/streams").await.status, 200);
}

#[test]
fn a_token_that_is_short_or_known_to_others_stops_the_start() {
    let secret = "a secret that is the user-services as well".replace(' ', "-");
    for (token, told) in [
        ("too-short", "at least 16 letters"),
        ("a token with blanks in it", "without blanks"),
        (secret.as_str(), "it is SECRET_KEY as well"),
        ("the-hook-secret-of-edge", "it is a secret of MEDIA_SERVERS as well"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}/streams.db", folder.path().display());
        let setup = ServiceBuilder::default().with("DB_URL", &url).with("SECRET_KEY", &secret);
        let setup = setup.with("MEDIA_SERVERS", "edge=srs;secret=the-hook-secret-of-edge");
        let (status, output, errors) = setup.with("ADMIN_TOKEN", token).run(&["serve"]);
        assert_eq!(status.code(), Some(2), "{errors}");
        assert!(errors.contains("ADMIN_TOKEN: ") && errors.contains(told), "{errors}");
        assert!(errors.contains("openssl rand -hex 32"), "{errors}");
        assert_eq!(find_secret(&format!("{output}{errors}"), &[token.to_owned()]), None);
    }
}
