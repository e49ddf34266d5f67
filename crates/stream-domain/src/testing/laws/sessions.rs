//! Sessions end: by name, by a stop, by a list, by a restart, and never another's.

use futures_util::future::join;
use time::Duration;

use super::asked::{SECOND, admitted, cuts, edge, list, live_since, refused, session, sessions, updating};
use super::{named, now, own, started, stopped, user};
use crate::StreamId;
use crate::admission::{PublishRequest, Refusal, Trigger};
use crate::broadcasts::{Absent, PublisherList};
use crate::lifecycle::LIFETIME;
use crate::media_server::{LEASE, ServerName};
use crate::ports::{KICK_EXPIRES_AFTER, KICK_RETRY_AFTER, RESTART_MARGIN, SETTLED_AFTER, SessionSelector};
use crate::session::EndReason;
use crate::testing::Store;
use crate::testing::{asking, terms};

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

/// A connection that goes on to publish something else has ended what it published, let in or not.
pub async fn a_connection_publishes_one_thing(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    started(store, &named(2, "two", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    assert_eq!(refused(store, &updating(&asking("s1", "none", 1)), now()).await, Refusal::UnknownKey);
    assert!(live_since(store, "one", now()).await.is_some(), "an update ends nothing else");
    admitted(store, &asking("s1", "two", 1), now()).await;
    assert_eq!(live_since(store, "one", now()).await, None);
    assert_eq!(refused(store, &asking("s1", "none", 1), now()).await, Refusal::UnknownKey);
    assert_eq!(live_since(store, "two", now()).await, None);
    assert_eq!(sessions(store, 2, "two").await[0].ended, Some((now(), EndReason::Republished)));
    // However one came to hear of it.
    admitted(store, &asking("s2", "one", 1), now()).await;
    admitted(store, &updating(&asking("s2", "two", 1)), now()).await;
    assert_eq!(live_since(store, "one", now()).await, None);
    assert!(live_since(store, "two", now()).await.is_some());
}

/// Stopping, deleting and expiring mark the publisher; it is taken to be cut until it is seen to be gone.
pub async fn a_stopped_publisher_is_to_be_cut(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let request = asking("s1", "one", 1);
    let session = admitted(store, &request, now()).await.session;
    assert_eq!(cuts(store, now()).await.len(), 0);
    stopped(store, 1, now()).await;
    assert_eq!(live_since(store, "one", now()).await, None);
    let elsewhere = ServerName::parse("elsewhere").expect("a name");
    assert_eq!(store.claim_pending_kicks(&elsewhere, now(), now(), 10).await.ok(), Some(Vec::new()));
    assert_eq!(cuts(store, now()).await, ["s1"]);
    assert_eq!(cuts(store, now()).await.len(), 0, "it is given time");
    assert_eq!(cuts(store, now().plus(KICK_RETRY_AFTER)).await, ["s1"]);
    assert_eq!(refused(store, &updating(&request), now()).await, Refusal::Stopped);
    store.mark_kicked(session, now().plus(SECOND)).await.expect("the store is there");
    assert_eq!(cuts(store, now().plus(5 * SECOND)).await.len(), 0);
    assert_eq!(sessions(store, 1, "one").await[0].ended, Some((now().plus(SECOND), EndReason::Stopped)));
}

/// An expired key's publisher is taken to be cut at the moment of expiry, before any sweep.
pub async fn an_expired_publisher_is_to_be_cut(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let end = now().plus(LIFETIME);
    let before = end.plus(-SECOND);
    let request = asking("s1", "one", 1);
    admitted(store, &request, before).await;
    assert_eq!(cuts(store, end.plus(-Duration::MICROSECOND)).await.len(), 0);
    assert_eq!(cuts(store, end).await, ["s1"]);
    store.expire_overdue(end, 10).await.expect("the store is there");
    assert_eq!(cuts(store, end.plus(KICK_RETRY_AFTER)).await, ["s1"]);
    // The server says by itself that it is gone.
    store.end(&session("s1"), EndReason::Left, end.plus(2 * SECOND)).await.expect("the store is there");
    assert_eq!(cuts(store, end.plus(5 * SECOND)).await.len(), 0);
    assert_eq!(sessions(store, 1, "one").await[0].ended, Some((end.plus(2 * SECOND), EndReason::Expired)));
}

/// A publisher that leaves after its key expired has ended by that, whoever was to cut it.
pub async fn an_end_after_expiry_is_an_expiry(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let end = now().plus(LIFETIME);
    admitted(store, &asking("s1", "one", 1), end.plus(-SECOND)).await;
    store.end(&session("s1"), EndReason::Left, end).await.expect("the store is there");
    assert_eq!(sessions(store, 1, "one").await[0].ended, Some((end, EndReason::Expired)));
}

/// A publisher whose lease ran out while it was to be cut is still to be cut.
pub async fn a_cut_outlives_the_lease(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let request = asking("s1", "one", 1);
    let session = admitted(store, &request, now()).await.session;
    stopped(store, 1, now()).await;
    let later = now().plus(LEASE);
    assert_eq!(store.expire_leases(later, 10).await.ok(), Some(1));
    assert_eq!(cuts(store, later).await, ["s1"]);
    store.mark_kicked(session, later.plus(SECOND)).await.expect("the store is there");
    assert_eq!(cuts(store, later.plus(5 * SECOND)).await.len(), 0);
    assert_eq!(sessions(store, 1, "one").await[0].ended, Some((later, EndReason::Stopped)));
}

/// A list renews those in it, ends those who should be in it, and names neither the young nor the late.
pub async fn a_roll_ends_who_is_not_there(store: &impl Store) {
    for (number, name) in [(1, "one"), (2, "two"), (3, "three")] {
        started(store, &named(number, name, now())).await;
    }
    admitted(store, &asking("s1", "one", 1), now()).await;
    admitted(store, &asking("s2", "two", 1), now()).await;
    let asked_at = now().plus(6 * SECOND);
    admitted(store, &asking("s3", "three", 1), asked_at.plus(-SECOND)).await;
    let called = |list: PublisherList, at| async move {
        let answered = store.sync_publishers(&list, LEASE, at).await.expect("the store is there");
        (answered.known, answered.ended)
    };
    let answer = called(list(&["s1", "s9"], asked_at), asked_at.plus(SECOND)).await;
    assert_eq!(answer, (vec!["s1".to_owned()], 1));
    assert_eq!(live_since(store, "two", asked_at).await, None);
    assert_eq!(sessions(store, 2, "two").await[0].ended, Some((asked_at.plus(SECOND), EndReason::Left)));
    let renewed = asked_at.plus(SECOND).plus(LEASE - Duration::MICROSECOND);
    assert!(live_since(store, "one", renewed).await.is_some());
    assert!(live_since(store, "three", asked_at).await.is_some(), "it began only now");
    // A list that is older than the last word of a session says nothing of it.
    let stale = PublisherList { settled_before: asked_at.plus(SECOND), ..list(&["s3"], asked_at) };
    assert_eq!(called(stale, asked_at.plus(2 * SECOND)).await.1, 0);
    // Servers without ids are called by names.
    let names = vec!["three".to_owned(), "none".to_owned()];
    let by_name = PublisherList {
        names,
        absent: Absent::Ended(EndReason::ServerRestarted),
        ..list(&[], asked_at.plus(30 * SECOND))
    };
    assert_eq!(called(by_name, asked_at.plus(31 * SECOND)).await, (vec!["three".to_owned()], 1));
    // Its lease ran out long before, so it was lost then, whatever is said of it now.
    let ended = sessions(store, 1, "one").await[0].ended;
    assert_eq!(ended, Some((asked_at.plus(SECOND).plus(LEASE), EndReason::Lost)));
}

/// A server's sign of life renews what is live there, and a new run ends what was.
pub async fn a_new_run_of_a_server_ends_its_sessions(store: &impl Store) {
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

/// A server that counts its connections from 1 again was started anew.
pub async fn a_count_that_begins_again_ends_what_was(store: &impl Store) {
    for number in 1..=4 {
        started(store, &named(number, &format!("key-{number}"), now())).await;
    }
    let counted = |user: i64, connection_number: i64| PublishRequest {
        connection_number: Some(connection_number),
        ..asking(&connection_number.to_string(), &format!("key-{user}"), 1)
    };
    admitted(store, &counted(1, 7), now()).await;
    // Two connections may ask in another order than they came in.
    admitted(store, &counted(2, 6), now().plus(SECOND)).await;
    assert!(live_since(store, "key-1", now().plus(SECOND)).await.is_some());
    let again = now().plus(2 * SECOND);
    admitted(store, &counted(3, 1), again).await;
    assert_eq!(live_since(store, "key-1", again).await, None);
    assert_eq!(live_since(store, "key-2", again).await, None);
    assert_eq!(sessions(store, 1, "key-1").await[0].ended, Some((again, EndReason::ServerRestarted)));
    // A low number is enough where nothing was heard of the higher ones lately.
    admitted(store, &counted(1, 9), again).await;
    admitted(store, &counted(2, 8), again).await;
    let later = again.plus(RESTART_MARGIN).plus(SECOND);
    admitted(store, &updating(&counted(1, 9)), later).await;
    // Whoever may not publish shows nothing.
    assert_eq!(
        refused(store, &PublishRequest { connection_number: Some(1), ..asking("1", "none", 9) }, later).await,
        Refusal::UnknownKey
    );
    assert!(live_since(store, "key-1", later).await.is_some());
    admitted(store, &counted(4, 2), later).await;
    assert!(live_since(store, "key-1", later).await.is_some(), "it was seen a moment ago");
    assert_eq!(live_since(store, "key-2", later).await, None);
}

/// A server that lists a session that we lost sight of brings it back, and one that left stays away.
pub async fn a_session_that_was_lost_comes_back(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let request = asking("s1", "one", 1);
    admitted(store, &request, now()).await;
    let later = now().plus(LEASE).plus(30 * SECOND);
    store.expire_leases(later, 10).await.expect("the store is there");
    let listed = PublishRequest { trigger: Trigger::Poll, ..request.clone() };
    assert!(admitted(store, &listed, later).await.is_new);
    assert_eq!(live_since(store, "one", later).await, Some(now()));
    // That one has left is believed until its server lists it well after.
    store.end(&session("s1"), EndReason::Left, later).await.expect("the store is there");
    let seen = |seen_at| PublishRequest { seen_at, ..listed.clone() };
    assert_eq!(refused(store, &seen(later.plus(SECOND)), later.plus(SECOND)).await, Refusal::SessionEnded);
    let well_after = later.plus(SECOND + Duration::MICROSECOND);
    assert_eq!(refused(store, &updating(&seen(well_after)), well_after).await, Refusal::SessionEnded);
    assert!(admitted(store, &seen(well_after), well_after).await.is_new);
    // One that was sent away stays away.
    admitted(store, &asking("s2", "one", 1), well_after).await;
    assert_eq!(refused(store, &seen(well_after.plus(5 * SECOND)), well_after).await, Refusal::SessionEnded);
}

/// A server that lists names only brings back the session that it lists by its name, id and all.
pub async fn a_session_that_was_lost_comes_back_by_its_name(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let id = crate::testing::playback_id_of(&super::key("one"));
    let request = asking("192.0.2.1:40001/live/one", "one", 1);
    admitted(store, &request, now()).await;
    let later = now().plus(LEASE);
    store.expire_leases(later, 10).await.expect("the store is there");
    let mut listed = PublishRequest {
        trigger: Trigger::Poll,
        proof: crate::admission::Proof::Name(id),
        ..request.clone()
    };
    listed.publisher.session.clear();
    assert!(admitted(store, &listed, later).await.is_new);
    let back = sessions(store, 1, "one").await.pop().expect("it is there");
    assert_eq!(back.publisher.session, request.publisher.session);
    // One that nobody has seen goes by its name.
    started(store, &named(2, "two", now())).await;
    let mut unseen = PublishRequest { trigger: Trigger::Poll, ..asking("", "two", 1) };
    unseen.publisher.address = None;
    admitted(store, &unseen, later).await;
    assert_eq!(sessions(store, 2, "two").await[0].publisher.session, "two");
}

/// The same number that asks again after its lease is another connection, and has no part in an old broadcast.
pub async fn an_overdue_session_that_asks_again_begins_anew(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let request = asking("1", "one", 1);
    admitted(store, &request, now()).await;
    let later = now().plus(LEASE).plus(61 * SECOND);
    assert!(admitted(store, &request, later).await.is_new);
    assert_eq!(live_since(store, "one", later).await, Some(later));
    let ended = sessions(store, 1, "one").await[0].ended;
    assert_eq!(ended, Some((now().plus(LEASE), EndReason::Lost)));
}

/// A stop and an admission at once leave nobody on air whom nobody would cut.
pub async fn a_stop_and_an_admission_at_once_leave_nobody_uncut(store: &impl Store) {
    for number in 1..=16 {
        let name = format!("key-{number}");
        started(store, &named(number, &name, now())).await;
        let request = asking(&format!("s{number}"), &name, 1);
        let stop = store.stop_active(user(number), now());
        let (verdict, stopped) = join(super::asked::verdict(store, &request, now()), stop).await;
        assert!(stopped.expect("the store is there").is_some());
        let is_admitted = matches!(verdict, crate::admission::Verdict::Admitted(_));
        assert_eq!(cuts(store, now()).await.len(), usize::from(is_admitted), "{verdict:?}");
    }
}

/// A mark to cut is not acted upon for ever: the id may be another's by then, and is as soon as another shows it.
pub async fn a_mark_to_cut_grows_stale(store: &impl Store) {
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
    assert_eq!(cuts(store, lost).await, ["s2"], "s1 is another publisher now");
    assert_eq!(cuts(store, lost.plus(KICK_EXPIRES_AFTER)).await.len(), 0);
}

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

/// A store that cannot be reached says so.
pub async fn a_store_that_is_away_admits_nobody(store: &impl Store) {
    let answer = store.admit(&asking("s1", "one", 1), &terms(), now()).await;
    assert!(matches!(answer, Err(crate::ports::StoreError::Unavailable(_))), "{answer:?}");
}
