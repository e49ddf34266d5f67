//! What a heartbeat means, and what clocks that differ or jump do to leases.

use time::Duration;

use super::asked::{SECOND, admitted, edge, list, live_since, sessions, updating};
use super::streams::{named, now, started};
use crate::Timestamp;
use crate::broadcasts::admission::PublishRequest;
use crate::broadcasts::boots::{LATE_WITHIN, SHARED_FOR};
use crate::broadcasts::session::{CLOCK_MARGIN, EndReason};
use crate::media_server::LEASE;
use crate::testing::{Store, asking};

fn with_boot_id(request: PublishRequest, boot_id: &str) -> PublishRequest {
    PublishRequest { boot_id: Some(boot_id.to_owned()), ..request }
}

async fn heartbeat(store: &impl Store, boot: &str, at: Timestamp) -> u32 {
    store.heartbeat(&edge(), Some(boot.to_owned()), LEASE, at).await.expect("the store is there")
}

/// A server's sign of life renews what is live there, and a new run ends what was.
pub async fn a_new_boot_of_a_server_ends_its_sessions(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    started(store, &named(2, "two", now())).await;
    let boot = |n: i64, boot_id: &str| PublishRequest {
        boot_id: Some(boot_id.to_owned()),
        ..asking(&format!("s{n}"), if n == 1 { "one" } else { "two" }, 1)
    };
    admitted(store, &boot(1, "first"), now()).await;
    let alive = |boot_id: &str, at| {
        let boot_id = Some(boot_id.to_owned());
        async move { store.heartbeat(&edge(), boot_id, LEASE, at).await.expect("the store is there") }
    };
    let later = now().plus(10 * SECOND);
    assert_eq!(alive("first", later).await, 0);
    assert!(live_since(store, "one", later.plus(10 * SECOND)).await.is_some());
    admitted(store, &boot(2, "second"), later).await;
    assert_eq!(alive("second", later).await, 1);
    assert_eq!(live_since(store, "one", later).await, None);
    assert_eq!(sessions(store, 1, "one").await[0].ended, Some((later, EndReason::ServerRestarted)));
    assert!(live_since(store, "two", later).await.is_some());
    // What was lost of sight is not brought back by a server that says of no session that it is there.
    let late = later.plus(LEASE);
    assert_eq!(alive("second", late).await, 0);
    assert_eq!(live_since(store, "two", late).await, None);
}

/// A heartbeat of an earlier boot that comes late changes nothing.
pub async fn a_late_heartbeat_of_an_earlier_boot_changes_nothing(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    heartbeat(store, "first", now()).await;
    let booted = now().plus(SECOND);
    heartbeat(store, "second", booted).await;
    let request = with_boot_id(asking("s1", "one", 1), "second");
    admitted(store, &request, booted).await;
    let late = booted.plus(10 * SECOND);
    assert_eq!(heartbeat(store, "first", late).await, 0);
    let kept = sessions(store, 1, "one").await.remove(0);
    assert_eq!((kept.ended, kept.lease_until), (None, booted.plus(LEASE)), "neither ended nor renewed");
    assert_eq!(heartbeat(store, "second", late).await, 0);
    assert_eq!(sessions(store, 1, "one").await[0].lease_until, late.plus(LEASE));
    assert_eq!(heartbeat(store, "third", late).await, 1);
    assert_eq!(sessions(store, 1, "one").await[0].ended, Some((late, EndReason::ServerRestarted)));
}

/// Two servers under one name do not end each other's sessions for longer than a late heartbeat may take.
pub async fn two_servers_under_one_name_leave_each_other_alone(store: &impl Store) {
    for (number, name) in [(1, "one"), (2, "two")] {
        started(store, &named(number, name, now())).await;
    }
    heartbeat(store, "left", now()).await;
    heartbeat(store, "right", now()).await;
    let mut at = now().plus(LATE_WITHIN);
    // By now that an earlier boot is heard shows that both run.
    assert_eq!(heartbeat(store, "left", at).await, 0);
    admitted(store, &with_boot_id(asking("l1", "one", 1), "left"), at).await;
    admitted(store, &with_boot_id(asking("r1", "two", 1), "right"), at).await;
    for _ in 0..12 {
        at = at.plus(8 * SECOND);
        assert_eq!((heartbeat(store, "left", at).await, heartbeat(store, "right", at).await), (0, 0));
        assert!(live_since(store, "one", at.plus(8 * SECOND)).await.is_some());
        assert!(live_since(store, "two", at.plus(8 * SECOND)).await.is_some());
    }
    // One that is started anew ends nobody: each session lives by its lease, and by lists.
    assert_eq!(heartbeat(store, "left again", at).await, 0);
    assert!(live_since(store, "two", at).await.is_some());
    // Long after the other has gone, the name is one server's again.
    let alone = at.plus(SHARED_FOR).plus(SECOND);
    admitted(store, &with_boot_id(asking("l2", "one", 1), "left again"), alone).await;
    heartbeat(store, "left once more", alone.plus(SECOND)).await;
    let last = sessions(store, 1, "one").await.pop().expect("it is there");
    assert_eq!(last.ended, Some((alone.plus(SECOND), EndReason::ServerRestarted)));
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

/// Instances whose clocks differ a little do not shorten each other's leases.
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
