//! A service that is killed under load.

use futures_util::future::join_all;
use stream_tests::{StoreKind, TestStore};

/// How many users request a key at once.
const USERS: u32 = 1_000;

async fn a_killed_service_loses_no_acknowledged_key(kind: StoreKind) {
    let store = TestStore::new(kind);
    let mut service = store.setup().start().await;
    let api = (*service).clone();
    let calls = (1..=USERS).map(|user| {
        let api = api.clone();
        tokio::spawn(async move {
            let request = api.request(reqwest::Method::POST, "/api/streams/generate-key");
            api.try_send(request.bearer_auth(stream_tests::token_of(user))).await
        })
    });
    let calls: Vec<_> = calls.collect();
    // Some responses have been sent, most requests are in progress.
    stream_tests::eventually("the first keys", || async {
        let stored: u32 = store.sql("SELECT count(*) FROM streams").parse().expect("a number");
        stored > USERS / 20
    })
    .await;
    service.program.kill();
    let answers = join_all(calls).await;
    let acknowledged: Vec<String> = answers
        .into_iter()
        .filter_map(|answer| answer.expect("a call does not panic"))
        .filter(|answer| answer.status == 201)
        .map(|answer| answer.json["stream"]["stream_key"].as_str().expect("a key").to_owned())
        .collect();
    assert!(!acknowledged.is_empty(), "the service was killed before its first response");

    let revived = store.setup().start().await;
    for key in &acknowledged {
        assert_eq!(revived.lookup(key).await, 200, "an acknowledged key is lost");
    }
    let doubled = "SELECT count(*) FROM (SELECT user_id FROM streams WHERE status = 'active'
                   GROUP BY user_id HAVING count(*) > 1) AS doubled";
    assert_eq!(store.sql(doubled), "0");
    // A client without a response now gets a key, or the one that was stored.
    for user in [1, USERS / 2, USERS] {
        assert!([201, 409].contains(&revived.generate_key(user).await.status));
    }
}

super::on_both_stores! { a_killed_service_loses_no_acknowledged_key }
