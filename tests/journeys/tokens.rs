//! Tokens, as the user-service issues them and as attackers make them, against the running service.

use reqwest::Method;
use serde_json::{Value, json};
use stream_tests::{Answer, SECRET_KEY, Service, StoreKind, TestStore, claims_of, sign, token_of};

super::on_both_stores! {
    hostile_tokens_are_refused
    tokens_of_the_previous_secret_are_accepted
    a_token_for_another_service_is_refused
    an_unknown_user_is_refused_if_there_is_a_users_table
}

async fn with_token(service: &Service, token: &str) -> Answer {
    service.send(service.request(Method::GET, "/api/streams").bearer_auth(token)).await
}

fn claims(changes: &Value) -> Value {
    let mut claims = claims_of(1);
    for (name, value) in changes.as_object().expect("changes are an object") {
        claims[name] = value.clone();
    }
    claims
}

async fn hostile_tokens_are_refused(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = store.setup().start().await;
    assert_eq!(with_token(&service, &token_of(1)).await.status, 200);
    let header = json!({"alg": "HS256", "typ": "JWT"});
    let now = claims_of(1)["exp"].as_i64().expect("exp is a number") - 3600;
    let hostile = [
        sign("another secret", &header, &claims_of(1)),
        sign("", &header, &claims_of(1)),
        sign(SECRET_KEY, &json!({"alg": "none"}), &claims_of(1)),
        sign(SECRET_KEY, &json!({"alg": "HS512"}), &claims_of(1)),
        sign(SECRET_KEY, &json!({"alg": "RS256"}), &claims_of(1)),
        sign(SECRET_KEY, &json!({"alg": "HS256", "crit": ["b64"], "b64": false}), &claims_of(1)),
        sign(SECRET_KEY, &header, &json!({"id": 1})),
        sign(SECRET_KEY, &header, &claims(&json!({"exp": now - 6}))),
        sign(SECRET_KEY, &header, &claims(&json!({"exp": null}))),
        sign(SECRET_KEY, &header, &claims(&json!({"nbf": now + 60}))),
        sign(SECRET_KEY, &header, &claims(&json!({"id": 0}))),
        sign(SECRET_KEY, &header, &claims(&json!({"id": -1}))),
        sign(SECRET_KEY, &header, &claims(&json!({"id": 1.5}))),
        sign(SECRET_KEY, &header, &claims(&json!({"id": "1 OR 1=1"}))),
        sign(SECRET_KEY, &header, &claims(&json!({"id": 2_147_483_648_i64}))),
        sign(SECRET_KEY, &header, &claims(&json!({"id": [1]}))),
        sign(SECRET_KEY, &header, &json!([1])),
        token_of(1).replace('.', ".."),
        token_of(1).to_uppercase(),
        "x".repeat(50_000),
    ];
    for token in hostile {
        let answer = with_token(&service, &token).await;
        assert_eq!(answer.status, 401, "{token}: {answer:?}");
        assert!(["invalid_token", "token_expired"].contains(&answer.code()), "{token}: {answer:?}");
        assert!(answer.header("www-authenticate").is_some());
    }
    let twice =
        service.request(Method::GET, "/api/streams").bearer_auth(token_of(1)).bearer_auth(token_of(2));
    assert_eq!(service.send(twice).await.status, 401);
    let string_id = sign(SECRET_KEY, &header, &claims(&json!({"id": "7"})));
    assert_eq!(with_token(&service, &string_id).await.status, 200);
}

async fn a_token_for_another_service_is_refused(kind: StoreKind) {
    let store = TestStore::new(kind);
    let header = json!({"alg": "HS256", "typ": "JWT"});
    let with = |changes: &Value| sign(SECRET_KEY, &header, &claims(changes));
    let plain = store.setup().start().await;
    let foreign = with_token(&plain, &with(&json!({"aud": "billing"}))).await;
    assert_eq!((foreign.status, foreign.code()), (401, "invalid_token"));
    assert!(foreign.json["error"].as_str().is_some_and(|text| text.contains("`aud`")), "{foreign:?}");
    assert_eq!(with_token(&plain, &with(&json!({"sub": {"user_id": 1}}))).await.status, 200);
    assert_eq!(with_token(&plain, &with(&json!({"type": "refresh"}))).await.status, 200);

    let setup = store.setup().with("TOKEN_AUDIENCE", "streams, live").with("TOKEN_ISSUER", "users");
    let setup = setup.with("TOKEN_REQUIRED_CLAIMS", "type=access,scope=stream");
    let strict = setup.start().await;
    let good = json!({"aud": ["live"], "iss": "users", "type": "access", "scope": "chat stream"});
    assert_eq!(with_token(&strict, &with(&good)).await.status, 200);
    for (name, value) in [
        ("aud", json!("billing")),
        ("iss", json!("others")),
        ("type", json!("refresh")),
        ("scope", json!("chat")),
    ] {
        let mut changed = good.clone();
        changed[name] = value;
        let answer = with_token(&strict, &with(&changed)).await;
        assert_eq!((answer.status, answer.code()), (401, "invalid_token"), "{name}");
        assert!(answer.json["error"].as_str().is_some_and(|text| text.contains(name)), "{answer:?}");
    }
    let (_, minted, _) = setup.run(&["token", "--user", "1"]);
    assert_eq!(
        with_token(&strict, minted.trim()).await.status,
        200,
        "a token for development obeys the settings"
    );
}

async fn tokens_of_the_previous_secret_are_accepted(kind: StoreKind) {
    let store = TestStore::new(kind);
    let header = json!({"alg": "HS256"});
    let setup = store
        .setup()
        .with("SECRET_KEY", "the new secret, long enough")
        .with("SECRET_KEY_PREVIOUS", SECRET_KEY);
    let service = setup.start().await;
    assert_eq!(with_token(&service, &token_of(1)).await.status, 200);
    let new = sign("the new secret, long enough", &header, &claims_of(1));
    assert_eq!(with_token(&service, &new).await.status, 200);
    let other = sign("an older secret", &header, &claims_of(1));
    assert_eq!(with_token(&service, &other).await.status, 401);
}

async fn an_unknown_user_is_refused_if_there_is_a_users_table(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = store.setup().start().await;
    let unknown = 999_999;
    let answers = [
        service.generate_key(unknown).await,
        service.post_as(unknown, "/api/streams/stop").await,
        service.get_as(unknown, "/api/streams").await,
    ];
    let statuses = answers.each_ref().map(|answer| answer.status);
    match kind {
        StoreKind::Sqlite => assert_eq!(statuses, [201, 200, 200]),
        StoreKind::Postgres => {
            assert_eq!(statuses, [401, 401, 401]);
            assert!(answers.iter().all(|answer| answer.code() == "unknown_user"));
        }
    }
}
