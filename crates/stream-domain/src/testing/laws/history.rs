//! What owners are shown, and what is forgotten.

use super::asked::{SECOND, admitted, refused, session, sessions};
use super::streams::{named, now, own, started, user};
use crate::StreamId;
use crate::broadcasts::session::EndReason;
use crate::lifecycle::LIFETIME;
use crate::testing::history::compare_with_memory;
use crate::testing::{Store, asking};

/// Sessions are for the stream's owner.
pub async fn sessions_are_shown_to_their_owner(store: &impl Store) {
    let stream = started(store, &named(1, "one", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    admitted(store, &asking("s2", "one", 1), now()).await;
    let shown = store.list_sessions(user(1), stream.id, 1).await.expect("the store is there");
    let shown = shown.expect("it is the user's");
    assert_eq!(shown.iter().map(|s| s.publisher.session.as_str()).collect::<Vec<_>>(), ["s2"]);
    assert_eq!(store.list_sessions(user(2), stream.id, 1).await.expect("the store is there"), None);
    assert_eq!(store.list_sessions(user(1), StreamId(99), 1).await.expect("the store is there"), None);
    assert_eq!(own(store, 1).await[0].live_since_at(now()), Some(now()));
}

/// What ended long ago is forgotten, in batches; what goes on is not.
pub async fn old_sessions_are_forgotten(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    refused(store, &asking("s2", "one", 2), now()).await;
    store.end(&session("s1"), EndReason::Left, now()).await.expect("the store is there");
    admitted(store, &asking("s3", "one", 1), now().plus(SECOND)).await;
    assert_eq!(store.forget(now(), 10).await.ok(), Some(0));
    assert_eq!(store.forget(now().plus(SECOND), 1).await.ok(), Some(1));
    assert_eq!(store.forget(now().plus(SECOND), 10).await.ok(), Some(1));
    assert_eq!(store.forget(now().plus(LIFETIME), 10).await.ok(), Some(0));
    assert_eq!(sessions(store, 1, "one").await.len(), 1);
    assert!(store.list_attempts(user(1), 10).await.expect("the store is there").is_empty());
}

/// Random histories go as in memory, step by step: begins, ends, lists, heartbeats, stops, and a clock that is set back.
pub async fn random_histories_of_publishers_match_memory(store: &impl Store) {
    for history in 1..=8 {
        compare_with_memory(store, history, 60).await;
    }
}
