//! One active stream per user, with two instances.

use futures_util::future::join_all;
use stream_tests::{Answer, Service, StoreKind, TestStore};

const CALLS: usize = 64;

async fn two_instances(store: &TestStore) -> [Service; 2] {
    let setup = store.setup();
    // Both at once, so that each may find the other migrating.
    let (first, second) = tokio::join!(setup.start(), setup.start());
    [first, second]
}

/// 64 concurrent calls of one user, alternating between the instances.
async fn race(instances: &[Service; 2]) -> Vec<Answer> {
    join_all((0..CALLS).map(|number| instances[number % 2].generate_key(1))).await
}

/// Whether exactly one call wins, and every other one gets the winner's key.
fn has_one_winner(answers: &[Answer]) -> bool {
    let winners: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
    let losers: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 409).collect();
    let [winner] = winners[..] else {
        return false;
    };
    let key = &winner.json["stream"]["stream_key"];
    losers.len() == CALLS - 1 && losers.iter().all(|loser| loser.json["stream"]["stream_key"] == *key)
}

async fn one_call_of_64_over_two_instances_wins(kind: StoreKind) {
    let store = TestStore::new(kind);
    let instances = two_instances(&store).await;
    for round in 0..5 {
        let answers = race(&instances).await;
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
        assert!(has_one_winner(&answers), "round {round}: {statuses:?}");
        assert_eq!(store.sql("SELECT count(*) FROM streams WHERE status = 'active'"), "1");
        assert_eq!(instances[round % 2].post_as(1, "/api/streams/stop").await.status, 200);
    }
}

async fn without_the_index_the_race_has_no_single_winner(kind: StoreKind) {
    let store = TestStore::new(kind);
    let instances = two_instances(&store).await;
    store.sql("DROP INDEX streams_one_active_per_user");
    assert!(!has_one_winner(&race(&instances).await));
}

async fn a_stop_on_one_instance_is_seen_on_the_other_at_once(kind: StoreKind) {
    let store = TestStore::new(kind);
    let [first, second] = two_instances(&store).await;
    for _ in 0..20 {
        let key = first.key_of(1).await;
        assert_eq!(second.lookup(&key).await, 200);
        assert_eq!(second.post_as(1, "/api/streams/stop").await.status, 200);
        assert_eq!(first.lookup(&key).await, 410);
    }
}

super::on_both_stores! {
    one_call_of_64_over_two_instances_wins
    without_the_index_the_race_has_no_single_winner
    a_stop_on_one_instance_is_seen_on_the_other_at_once
}
