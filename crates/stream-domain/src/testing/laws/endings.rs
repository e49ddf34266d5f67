//! One rule of how a session ends, whoever says so; boots of media servers; encoders that take turns.

use time::Duration;

use super::asked::{SECOND, admitted, edge, list, live_since, refused, session, sessions, updating};
use super::{named, now, started, user};
use crate::Timestamp;
use crate::admission::{PublishRequest, Refusal, Trigger};
use crate::boots::{LATE_WITHIN, SHARED_FOR};
use crate::lifecycle::LIFETIME;
use crate::media_server::LEASE;
use crate::session::EndReason;
use crate::testing::Store;
use crate::testing::asking;

/// What may be said that ends a session, and how it ends if nothing else has ended it before.
const WAYS: [(&str, EndReason); 6] = [
    ("end", EndReason::Left),
    ("list", EndReason::Left),
    ("boot", EndReason::ServerRestarted),
    ("count", EndReason::ServerRestarted),
    ("republish", EndReason::Republished),
    ("cut", EndReason::Left),
];

fn with_boot_id(request: PublishRequest, boot_id: &str) -> PublishRequest {
    PublishRequest { boot_id: Some(boot_id.to_owned()), ..request }
}

async fn heartbeat(store: &impl Store, boot: &str, at: Timestamp) -> u32 {
    store.heartbeat(&edge(), Some(boot.to_owned()), LEASE, at).await.expect("the store is there")
}

/// Begins a session of the key `name` that is last seen at `seen`, has it ended in one way at `at`, and tells how.
async fn ended_by(
    store: &impl Store,
    (number, way): (i64, &str),
    seen: Timestamp,
    at: Timestamp,
) -> (Timestamp, EndReason) {
    let (name, other) = (format!("{way}-{number}"), format!("{way}-{number}-other"));
    started(store, &named(number, &name, now())).await;
    started(store, &named(number + 1, &other, at)).await;
    heartbeat(store, &format!("{name}-first"), seen).await;
    let connection = format!("{name}-s");
    let request = with_boot_id(asking(&connection, &name, 1), &format!("{name}-first"));
    admitted(store, &PublishRequest { connection_number: Some(9), ..request }, seen).await;
    match way {
        "end" => {
            let is_ended = store.end(&session(&connection), EndReason::Left, at).await;
            assert!(is_ended.expect("the store is there"));
        }
        "list" => drop(store.sync_publishers(&list(&[], at), LEASE, at).await.expect("the store is there")),
        "boot" => drop(heartbeat(store, &format!("{name}-second"), at).await),
        "republish" => drop(admitted(store, &asking(&connection, &other, 1), at).await),
        "count" => {
            let first =
                PublishRequest { connection_number: Some(1), ..asking(&format!("{name}-1"), &other, 1) };
            admitted(store, &first, at).await;
        }
        "cut" => {
            let taken = sessions(store, number, &name).await[0].id;
            store.mark_kicked(taken, at).await.expect("the store is there");
        }
        way => panic!("no way to end a session: {way}"),
    }
    let ended = sessions(store, number, &name).await[0].ended;
    // Whatever the way began goes before the next.
    store
        .sync_publishers(&list(&[], at.plus(LEASE)), LEASE, at.plus(LEASE))
        .await
        .expect("the store is there");
    ended.unwrap_or_else(|| panic!("{way} ended nobody"))
}

/// What ends a session that is alive is its reason; after its key expired, that is.
pub async fn a_session_ends_by_its_keys_expiry_whoever_ends_it_later(store: &impl Store) {
    let expiry = now().plus(LIFETIME);
    for (number, (way, reason)) in (1..).map(|n| 10 * n).zip(WAYS) {
        let before = (expiry.plus(-8 * SECOND), expiry.plus(-SECOND));
        let ended = ended_by(store, (number, way), before.0, before.1).await;
        assert_eq!(ended, (before.1, reason), "{way}");
        // One of a key that ends in between.
        let (seen, at) = (expiry.plus(-SECOND), expiry.plus(7 * SECOND));
        let ended = ended_by(store, (number + 5, way), seen, at).await;
        assert_eq!(ended, (at, EndReason::Expired), "{way}");
    }
}

/// A session whose lease ran out was lost then, whoever says later that it has ended, and whyever.
pub async fn an_overdue_session_was_lost_whatever_is_said_later(store: &impl Store) {
    for (number, (way, _)) in (1..).map(|n| 10 * n).zip(WAYS) {
        let seen = now().plus(i32::try_from(number).expect("few ways") * Duration::MINUTE);
        let ended = ended_by(store, (number, way), seen, seen.plus(LEASE).plus(5 * SECOND)).await;
        assert_eq!(ended, (seen.plus(LEASE), EndReason::Lost), "{way}");
    }
    // A lease that outlived the key and then ran out is an expiry.
    started(store, &named(1, "one", now())).await;
    let seen = now().plus(LIFETIME).plus(-SECOND);
    admitted(store, &asking("s1", "one", 1), seen).await;
    store.expire_leases(seen.plus(LEASE), 10).await.expect("the store is there");
    let last = sessions(store, 1, "one").await.pop().expect("it is there");
    assert_eq!(last.ended, Some((seen.plus(LEASE), EndReason::Expired)));
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

/// A session that is found again has the address and the protocol that its hook told, and its encoder may take over.
pub async fn a_session_that_is_found_again_is_the_publisher_it_was(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let mut request = with_boot_id(asking("s1", "one", 1), "first");
    request.publisher.protocol = "srt".to_owned();
    heartbeat(store, "first", now()).await;
    admitted(store, &request, now()).await;
    let later = now().plus(LEASE).plus(SECOND);
    store.expire_leases(later, 10).await.expect("the store is there");
    let mut listed = PublishRequest { trigger: Trigger::Poll, boot_id: None, ..request.clone() };
    listed.publisher.address = None;
    "rtmp".clone_into(&mut listed.publisher.protocol);
    assert!(admitted(store, &listed, later).await.is_new);
    let found = sessions(store, 1, "one").await.pop().expect("it is there");
    assert_eq!(found.publisher, request.publisher);
    assert_eq!(found.boot_id, request.boot_id);
    let back = admitted(store, &asking("s2", "one", 1), later.plus(SECOND)).await;
    assert!(back.superseded.is_some(), "the same encoder again");
    // One that merely went overdue goes on as the same session.
    let overdue = later.plus(SECOND).plus(LEASE);
    let mut listed = PublishRequest { trigger: Trigger::Poll, ..asking("s2", "one", 1) };
    listed.publisher.address = None;
    let resumed = admitted(store, &listed, overdue).await;
    assert_eq!((resumed.session, resumed.is_new), (back.session, false));
}

/// Two encoders behind one address do not take over from each other for longer than three times.
pub async fn two_encoders_behind_one_address_do_not_take_turns(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let connects = |n: i32| asking(&format!("s{n}"), "one", 1);
    let at = |n: i32| now().plus(n * Duration::milliseconds(2_200));
    for n in 0..3 {
        admitted(store, &connects(n), at(n)).await;
    }
    // From now on the third stays, for as long as the other goes on asking, however long that is.
    for n in 3..100 {
        assert_eq!(refused(store, &connects(n), at(n)).await, Refusal::AlreadyLive, "{n}");
        admitted(store, &updating(&connects(2)), at(n)).await;
    }
    let attempts = store.list_attempts(user(1), 10).await.expect("the store is there");
    assert_eq!(attempts.iter().map(|attempt| attempt.refusal).collect::<Vec<_>>(), [Refusal::AlreadyLive]);
    assert_eq!(sessions(store, 1, "one").await.len(), 3);
    // The one that is live may leave and come back, or lose its connection when the other has given up.
    let left = at(100);
    store.end(&session("s2"), EndReason::Left, left).await.expect("the store is there");
    admitted(store, &asking("t1", "one", 1), left.plus(SECOND)).await;
    let quiet = left.plus(2 * Duration::MINUTE);
    admitted(store, &updating(&asking("t1", "one", 1)), quiet).await;
    assert!(admitted(store, &asking("t2", "one", 1), quiet).await.superseded.is_some());
}

/// An encoder that loses its connection now and then comes back each time, before its server has noticed.
pub async fn an_encoder_that_loses_its_connection_comes_back(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let mut at = now();
    admitted(store, &asking("s0", "one", 1), at).await;
    for n in 1..10 {
        for _ in 0..5 {
            at = at.plus(8 * SECOND);
            admitted(store, &updating(&asking(&format!("s{}", n - 1), "one", 1)), at).await;
        }
        assert!(admitted(store, &asking(&format!("s{n}"), "one", 1), at).await.superseded.is_some(), "{n}");
    }
    // Twice in a row is as good as once.
    assert!(admitted(store, &asking("t1", "one", 1), at.plus(Duration::MINUTE)).await.is_new);
    assert!(admitted(store, &asking("t2", "one", 1), at.plus(Duration::MINUTE).plus(SECOND)).await.is_new);
    assert_eq!(live_since(store, "one", at.plus(Duration::MINUTE).plus(SECOND)).await, Some(now()));
}
