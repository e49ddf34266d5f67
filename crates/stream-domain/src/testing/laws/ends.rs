//! How a session ends.

use time::Duration;

use super::asked::{SECOND, admitted, edge, list, live_since, refused, session, sessions, updating};
use super::streams::{named, now, started};
use crate::Timestamp;
use crate::broadcasts::admission::{PublishRequest, Refusal};
use crate::broadcasts::session::EndReason;
use crate::lifecycle::LIFETIME;
use crate::media_server::{LEASE, ServerName};
use crate::ports::{SETTLED_AFTER, SessionSelector};
use crate::testing::{Store, asking};

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

/// An end ends the session that it names, once, and no other.
pub async fn an_end_ends_only_the_session_that_it_names(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    let other = ServerName::parse("other").expect("a name");
    let other_server = SessionSelector::Session { server: other, session: "s1".to_owned(), name: None };
    let named_so = |name: &str| SessionSelector::Session {
        server: edge(),
        session: "s1".to_owned(),
        name: Some(name.to_owned()),
    };
    let by_name = |name: &str| SessionSelector::Name { server: edge(), name: name.to_owned() };
    for other in [session("s2"), other_server, named_so("two"), by_name("two"), by_name("one")] {
        assert_eq!(store.end(&other, EndReason::Left, now()).await.ok(), Some(false), "{other:?}");
    }
    assert!(live_since(store, "one", now()).await.is_some());
    assert_eq!(store.end(&named_so("one"), EndReason::Left, now()).await.ok(), Some(true));
    assert_eq!(store.end(&session("s1"), EndReason::Lost, now().plus(SECOND)).await.ok(), Some(false));
    assert_eq!(sessions(store, 1, "one").await[0].ended, Some((now(), EndReason::Left)));
    // What is heard of it later is late.
    let late = updating(&asking("s1", "one", 1));
    assert_eq!(refused(store, &late, now().plus(SECOND)).await, Refusal::SessionEnded);
    // The same connection may begin anew, and be ended by its name where there is no better word.
    admitted(store, &asking("s1", "one", 1), now().plus(2 * SECOND)).await;
    let settled = now().plus(2 * SECOND).plus(SETTLED_AFTER).plus(Duration::MICROSECOND);
    assert_eq!(store.end(&by_name("one"), EndReason::Left, settled).await.ok(), Some(true));
}

/// A publisher that leaves after its key expired has ended by that, even if it was to be kicked.
pub async fn an_end_after_expiry_is_an_expiry(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let end = now().plus(LIFETIME);
    admitted(store, &asking("s1", "one", 1), end.plus(-SECOND)).await;
    store.end(&session("s1"), EndReason::Left, end).await.expect("the store is there");
    assert_eq!(sessions(store, 1, "one").await[0].ended, Some((end, EndReason::Expired)));
}

/// What ends a session that is alive is its reason; after its key expired, that is.
pub async fn a_session_ends_by_its_keys_expiry_whatever_ends_it_later(store: &impl Store) {
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

/// A session whose lease ran out was lost then, whatever reports its end later, and why.
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
