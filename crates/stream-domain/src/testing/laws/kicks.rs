//! Which publishers are to be kicked.

use futures_util::future::join;
use time::Duration;

use super::asked::{
    SECOND, admitted, edge, list, live_since, pending_kicks, refused, session, sessions, updating,
};
use super::streams::{named, now, started, stopped, user};
use crate::broadcasts::admission::{PublishRequest, Refusal};
use crate::broadcasts::session::EndReason;
use crate::broadcasts::{PublisherList, SyncOutcome};
use crate::lifecycle::LIFETIME;
use crate::media_server::{LEASE, ServerName};
use crate::ports::{KICK_EXPIRES_AFTER, KICK_RETRY_AFTER};
use crate::testing::{Store, asking};

fn unconfirmed(request: PublishRequest) -> PublishRequest {
    PublishRequest { confirmed: false, ..request }
}

async fn synced(store: &impl Store, list: &PublisherList) -> SyncOutcome {
    store.sync_publishers(list, LEASE, list.asked_at).await.expect("the store is there")
}

/// Stopping, deleting and expiring mark the publisher; it is to be kicked until it is seen to be gone.
pub async fn a_stopped_publisher_is_to_be_kicked(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let request = asking("s1", "one", 1);
    let session = admitted(store, &request, now()).await.session;
    assert_eq!(pending_kicks(store, now()).await.len(), 0);
    stopped(store, 1, now()).await;
    assert_eq!(live_since(store, "one", now()).await, None);
    let elsewhere = ServerName::parse("elsewhere").expect("a name");
    assert_eq!(store.claim_pending_kicks(&elsewhere, now(), now(), 10).await.ok(), Some(Vec::new()));
    assert_eq!(pending_kicks(store, now()).await, ["s1"]);
    assert_eq!(pending_kicks(store, now()).await.len(), 0, "it is given time");
    assert_eq!(pending_kicks(store, now().plus(KICK_RETRY_AFTER)).await, ["s1"]);
    assert_eq!(refused(store, &updating(&request), now()).await, Refusal::Stopped);
    store.mark_kicked(session, now().plus(SECOND)).await.expect("the store is there");
    assert_eq!(pending_kicks(store, now().plus(5 * SECOND)).await.len(), 0);
    assert_eq!(sessions(store, 1, "one").await[0].ended, Some((now().plus(SECOND), EndReason::Stopped)));
}

/// A publisher that was just replaced is left to its server for as long as the caller says.
pub async fn a_replaced_publisher_is_left_alone_at_first(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    admitted(store, &asking("s2", "one", 1), now().plus(SECOND)).await;
    let later = now().plus(5 * SECOND);
    let before = store.claim_pending_kicks(&edge(), now(), later, 10).await;
    assert_eq!(before.ok(), Some(Vec::new()), "it was replaced after that");
    assert_eq!(pending_kicks(store, later).await, ["s1"]);
}

/// An expired key's publisher is to be kicked at the moment of expiry, before any sweep.
pub async fn an_expired_publisher_is_to_be_kicked(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let end = now().plus(LIFETIME);
    let before = end.plus(-SECOND);
    let request = asking("s1", "one", 1);
    admitted(store, &request, before).await;
    assert_eq!(pending_kicks(store, end.plus(-Duration::MICROSECOND)).await.len(), 0);
    assert_eq!(pending_kicks(store, end).await, ["s1"]);
    store.expire_overdue(end, 10).await.expect("the store is there");
    assert_eq!(pending_kicks(store, end.plus(KICK_RETRY_AFTER)).await, ["s1"]);
    // The server says by itself that it is gone.
    store.end(&session("s1"), EndReason::Left, end.plus(2 * SECOND)).await.expect("the store is there");
    assert_eq!(pending_kicks(store, end.plus(5 * SECOND)).await.len(), 0);
    assert_eq!(sessions(store, 1, "one").await[0].ended, Some((end.plus(2 * SECOND), EndReason::Expired)));
}

/// A publisher that was not confirmed yet is kicked by a stop like any other.
pub async fn a_stop_kicks_an_unconfirmed_publisher(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &unconfirmed(asking("s1", "one", 1)), now()).await;
    stopped(store, 1, now()).await;
    assert_eq!(pending_kicks(store, now()).await, ["s1"]);
}

/// A frozen encoder is replaced by any publisher with the key, and kicked, since it is still connected.
pub async fn a_stalled_publisher_gives_way_and_is_kicked(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    let stalls = now().plus(6 * SECOND);
    synced(store, &PublisherList { stalled: vec!["s1".to_owned()], ..list(&[], stalls) }).await;
    let answer = admitted(store, &asking("s2", "one", 2), stalls).await;
    assert_eq!(answer.superseded.map(|(_, publisher)| publisher.session), Some("s1".to_owned()));
    assert_eq!(pending_kicks(store, stalls.plus(KICK_RETRY_AFTER)).await, ["s1"]);
    assert_eq!(sessions(store, 1, "one").await[0].ended, Some((stalls, EndReason::Superseded)));
}

/// A publisher whose lease ran out while it was to be kicked is still to be kicked.
pub async fn a_pending_kick_outlives_the_lease(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let request = asking("s1", "one", 1);
    let session = admitted(store, &request, now()).await.session;
    stopped(store, 1, now()).await;
    let later = now().plus(LEASE);
    assert_eq!(store.expire_leases(later, 10).await.ok(), Some(1));
    assert_eq!(pending_kicks(store, later).await, ["s1"]);
    store.mark_kicked(session, later.plus(SECOND)).await.expect("the store is there");
    assert_eq!(pending_kicks(store, later.plus(5 * SECOND)).await.len(), 0);
    assert_eq!(sessions(store, 1, "one").await[0].ended, Some((later, EndReason::Stopped)));
}

/// A stop and an admission at once leave no publisher live that nobody would kick.
pub async fn a_stop_and_an_admission_at_once_leave_a_refusal_or_a_kick(store: &impl Store) {
    for number in 1..=16 {
        let name = format!("key-{number}");
        started(store, &named(number, &name, now())).await;
        let request = asking(&format!("s{number}"), &name, 1);
        let stop = store.stop_active(user(number), now());
        let (verdict, stopped) = join(super::asked::verdict(store, &request, now()), stop).await;
        assert!(stopped.expect("the store is there").is_some());
        let is_admitted = matches!(verdict, crate::broadcasts::admission::Verdict::Admitted(_));
        assert_eq!(pending_kicks(store, now()).await.len(), usize::from(is_admitted), "{verdict:?}");
    }
}

/// A pending kick expires: the id may be another's by then, and is as soon as another shows it.
pub async fn a_pending_kick_expires(store: &impl Store) {
    for (number, name) in [(1, "one"), (2, "two"), (3, "three")] {
        started(store, &named(number, name, now())).await;
    }
    for (number, name) in [(1, "one"), (2, "two")] {
        admitted(store, &asking(&format!("s{number}"), name, 1), now()).await;
        stopped(store, number, now()).await;
    }
    let lost = now().plus(LEASE);
    store.expire_leases(lost, 10).await.expect("the store is there");
    admitted(store, &asking("s1", "three", 1), lost).await;
    assert_eq!(pending_kicks(store, lost).await, ["s2"], "s1 is another publisher now");
    assert_eq!(pending_kicks(store, lost.plus(KICK_EXPIRES_AFTER)).await.len(), 0);
}
