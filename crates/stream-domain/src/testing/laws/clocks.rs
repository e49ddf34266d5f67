//! Clocks that are set back, and histories of which no clock knows.

use time::Duration;

use super::asked::{SECOND, admitted, edge, list, live_since, sessions, updating};
use super::{named, now, started};
use crate::media_server::LEASE;
use crate::session::CLOCK_MARGIN;
use crate::testing::Store;
use crate::testing::asking;
use crate::testing::history::compare_with_memory;

/// Random histories go as in memory, step by step: begins, ends, lists, heartbeats, stops, and a clock that is set back.
pub async fn random_histories_of_publishers_go_as_in_memory(store: &impl Store) {
    for history in 1..=8 {
        compare_with_memory(store, history, 60).await;
    }
}

/// A clock that is set back by an hour leaves a publisher that crashed live for a lease, not for an hour.
pub async fn a_clock_that_is_set_back_leaves_nobody_live(store: &impl Store) {
    started(store, &named(1, "crashed", now())).await;
    started(store, &named(2, "alive", now())).await;
    let before = now().plus(2 * Duration::HOUR);
    admitted(store, &asking("s1", "crashed", 1), before).await;
    let alive = asking("s2", "alive", 1);
    admitted(store, &alive, before).await;
    let after = before.plus(-Duration::HOUR);
    // What is heard from now on is dated by the clock as it is.
    admitted(store, &updating(&alive), after).await;
    assert_eq!(sessions(store, 2, "alive").await[0].lease_until, after.plus(LEASE));
    store.expire_leases(after, 10).await.expect("the store is there");
    let end = after.plus(LEASE);
    assert!(live_since(store, "crashed", end.plus(-Duration::MICROSECOND)).await.is_some());
    assert_eq!(live_since(store, "crashed", end).await, None);
    assert_eq!(live_since(store, "alive", end).await, None);
    assert_eq!(store.expire_leases(end, 10).await.ok(), Some(2));
}

/// A list and a heartbeat date leases by the clock as it is, too.
pub async fn what_renews_after_a_clock_was_set_back_bounds_the_lease(store: &impl Store) {
    started(store, &named(1, "listed", now())).await;
    let before = now().plus(2 * Duration::HOUR);
    admitted(store, &asking("s1", "listed", 1), before).await;
    let after = before.plus(-Duration::HOUR);
    store.sync_publishers(&list(&["s1"], after), LEASE, after).await.expect("the store is there");
    assert_eq!(sessions(store, 1, "listed").await[0].lease_until, after.plus(LEASE));
    let further = after.plus(-Duration::HOUR);
    store.heartbeat(&edge(), None, LEASE, further).await.expect("the store is there");
    assert_eq!(sessions(store, 1, "listed").await[0].lease_until, further.plus(LEASE));
}

/// Instances whose clocks differ a little do not cut each other's leases.
pub async fn clocks_that_differ_a_little_shorten_no_lease(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let request = asking("s1", "one", 1);
    admitted(store, &request, now()).await;
    let behind = now().plus(-CLOCK_MARGIN);
    admitted(store, &updating(&request), behind).await;
    store.heartbeat(&edge(), None, LEASE, behind).await.expect("the store is there");
    store.expire_leases(behind, 10).await.expect("the store is there");
    assert_eq!(sessions(store, 1, "one").await[0].lease_until, now().plus(LEASE));
    assert!(live_since(store, "one", now().plus(LEASE - SECOND)).await.is_some());
}
