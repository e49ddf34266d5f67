//! What a list of publishers means for open sessions.

use time::Duration;

use super::asked::{SECOND, admitted, edge, list, live_since, refused, session, sessions, updating};
use super::streams::{named, now, started};
use crate::broadcasts::admission::{PublishRequest, Refusal, Terms, Trigger};
use crate::broadcasts::session::EndReason;
use crate::broadcasts::{Absent, PublisherList, SyncOutcome};
use crate::catalog::CatalogQuery;
use crate::media_server::LEASE;
use crate::testing::{Store, asking, terms};
use crate::{PageRequest, Timestamp};

fn unconfirmed(request: PublishRequest) -> PublishRequest {
    PublishRequest { confirmed: false, ..request }
}

async fn synced(store: &impl Store, list: &PublisherList) -> SyncOutcome {
    store.sync_publishers(list, LEASE, list.asked_at).await.expect("the store is there")
}

fn with_boot_id(request: PublishRequest, boot_id: &str) -> PublishRequest {
    PublishRequest { boot_id: Some(boot_id.to_owned()), ..request }
}

async fn heartbeat(store: &impl Store, boot: &str, at: Timestamp) -> u32 {
    store.heartbeat(&edge(), Some(boot.to_owned()), LEASE, at).await.expect("the store is there")
}

/// A publisher that was admitted holds its stream, and is live only when its server shows it.
pub async fn an_admitted_publisher_is_live_when_its_server_shows_it(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &unconfirmed(asking("s1", "one", 1)), now()).await;
    assert_eq!(live_since(store, "one", now()).await, None);
    assert_eq!(sessions(store, 1, "one").await[0].confirmed_at, None);
    // That its server is well says nothing of it, but renews it; and asking again shows nothing either.
    let later = now().plus(6 * SECOND);
    store.heartbeat(&edge(), None, LEASE, later).await.expect("the store is there");
    admitted(store, &unconfirmed(asking("s1", "one", 1)), later).await;
    assert_eq!(live_since(store, "one", later).await, None);
    let live = store
        .list(&CatalogQuery::live(PageRequest::default()), later)
        .await
        .expect("the store is there")
        .streams
        .clone();
    assert_eq!(live, []);
    // It holds the stream all the same.
    assert_eq!(refused(store, &asking("s2", "one", 2), later).await, Refusal::AlreadyLive);
    let shown = later.plus(SECOND);
    assert_eq!(synced(store, &list(&["s1"], shown)).await.known, ["s1"]);
    assert_eq!(live_since(store, "one", shown).await, Some(now()));
    let live = store
        .list(&CatalogQuery::live(PageRequest::default()), shown)
        .await
        .expect("the store is there")
        .streams
        .clone();
    assert_eq!(live.len(), 1);
    assert_eq!(sessions(store, 1, "one").await[0].confirmed_at, Some(shown));
}

/// What a server says of one publisher confirms it.
pub async fn a_heartbeat_confirms_its_publisher(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let request = unconfirmed(asking("s1", "one", 1));
    admitted(store, &request, now()).await;
    let later = now().plus(SECOND);
    assert!(!admitted(store, &updating(&request), later).await.is_new);
    assert_eq!(live_since(store, "one", later).await, Some(now()));
    // One that is first heard of in a list is confirmed by it.
    started(store, &named(2, "two", now())).await;
    admitted(store, &PublishRequest { trigger: Trigger::Poll, ..asking("s2", "two", 1) }, later).await;
    assert_eq!(live_since(store, "two", later).await, Some(later));
}

/// A publisher that never brought media has begun no broadcast that a reconnect could go on with.
pub async fn a_publisher_that_was_never_seen_begins_no_broadcast(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &unconfirmed(asking("s1", "one", 1)), now()).await;
    store.end(&session("s1"), EndReason::Left, now().plus(SECOND)).await.expect("the store is there");
    let back = now().plus(2 * SECOND);
    admitted(store, &asking("s2", "one", 1), back).await;
    assert_eq!(live_since(store, "one", back).await, Some(back));
    // One in the middle of a broadcast does not end it.
    store.end(&session("s2"), EndReason::Left, back.plus(SECOND)).await.expect("the store is there");
    admitted(store, &unconfirmed(asking("s3", "one", 1)), back.plus(2 * SECOND)).await;
    store.end(&session("s3"), EndReason::Left, back.plus(3 * SECOND)).await.expect("the store is there");
    let again = back.plus(4 * SECOND);
    admitted(store, &asking("s4", "one", 1), again).await;
    assert_eq!(live_since(store, "one", again).await, Some(back));
}

/// A publisher that brings no media is off air at once, open as long as it is listed, and back as it was when it moves.
pub async fn a_stalled_publisher_is_off_air_until_it_moves(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let first = admitted(store, &asking("s1", "one", 1), now()).await.session;
    let mut at = now();
    for _ in 0..10 {
        at = at.plus(4 * SECOND);
        let outcome = synced(store, &PublisherList { stalled: vec!["s1".to_owned()], ..list(&[], at) }).await;
        assert_eq!(outcome, SyncOutcome { known: vec!["s1".to_owned()], missing: Vec::new(), ended: 0 });
        assert_eq!(live_since(store, "one", at).await, None);
        assert_eq!(store.expire_leases(at, 10).await.ok(), Some(0));
        // That its server is well brings it back no more than a sweep ends it.
        store.heartbeat(&edge(), None, LEASE, at).await.expect("the store is there");
        assert_eq!(live_since(store, "one", at).await, None);
    }
    let [kept] = &sessions(store, 1, "one").await[..] else { panic!("one session") };
    assert_eq!((kept.lease_until, kept.ended), (now().plus(4 * SECOND), None));
    at = at.plus(4 * SECOND);
    synced(store, &list(&["s1"], at)).await;
    assert_eq!(live_since(store, "one", at).await, Some(now()));
    let [kept] = &sessions(store, 1, "one").await[..] else { panic!("one session") };
    assert_eq!((kept.id, kept.stalled_until, kept.ended), (first, None, None));
    // One that is no longer listed at all is swept a lease later, and was lost when it stalled.
    let stalls = at.plus(4 * SECOND);
    synced(store, &PublisherList { stalled: vec!["one".to_owned()], ..list(&[], stalls) }).await;
    assert_eq!(store.expire_leases(stalls.plus(LEASE - Duration::MICROSECOND), 10).await.ok(), Some(0));
    assert_eq!(store.expire_leases(stalls.plus(LEASE), 10).await.ok(), Some(1));
    assert_eq!(sessions(store, 1, "one").await[0].ended, Some((stalls, EndReason::Lost)));
}

/// A list that was asked for before a publisher was last seen to move does not take it off air.
pub async fn an_old_list_stalls_no_publisher(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let request = asking("s1", "one", 1);
    admitted(store, &request, now()).await;
    let asked_at = now().plus(SECOND);
    admitted(store, &updating(&request), now().plus(2 * SECOND)).await;
    let stale = PublisherList { stalled: vec!["s1".to_owned()], ..list(&[], asked_at) };
    let later = now().plus(3 * SECOND);
    store.sync_publishers(&stale, LEASE, later).await.expect("the store is there");
    assert!(live_since(store, "one", later).await.is_some());
}

/// That a server goes on to speak of a publisher that stands still takes nothing back of that.
pub async fn a_heartbeat_does_not_renew_a_stalled_publisher(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let request = asking("s1", "one", 1);
    admitted(store, &request, now()).await;
    let stalls = now().plus(6 * SECOND);
    synced(store, &PublisherList { stalled: vec!["s1".to_owned()], ..list(&[], stalls) }).await;
    let later = stalls.plus(SECOND);
    let said = unconfirmed(updating(&request));
    let still = Terms { lease: Duration::ZERO, ..terms() };
    store.admit(&said, &still, later).await.expect("the store is there");
    assert_eq!(live_since(store, "one", later).await, None);
    assert_eq!(store.expire_leases(later, 10).await.ok(), Some(0), "its server still shows it");
    let answer = admitted(store, &asking("s2", "one", 2), later).await;
    assert_eq!(answer.superseded.map(|(_, publisher)| publisher.session), Some("s1".to_owned()));
}

/// A list that may be partial ends nobody, and one that may miss somebody once ends who is missing twice.
pub async fn a_partial_list_ends_no_session_at_once(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    started(store, &named(2, "two", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    admitted(store, &asking("s2", "two", 1), now()).await;
    let missing =
        |text: &str| SyncOutcome { known: vec!["s2".to_owned()], missing: vec![text.to_owned()], ended: 0 };
    let at = |seconds: i32| now().plus(seconds * SECOND);
    let partial = PublisherList { absent: Absent::Kept, ..list(&["s2"], at(6)) };
    assert_eq!(synced(store, &partial).await, missing("s1"));
    let twice = |missing_before: &[&str], at| PublisherList {
        absent: Absent::EndedIfMissingBefore {
            reason: EndReason::Left,
            missing_before: missing_before.iter().map(|&text| text.to_owned()).collect(),
        },
        ..list(&["s2"], at)
    };
    assert_eq!(synced(store, &twice(&["s9"], at(7))).await, missing("s1"));
    assert!(live_since(store, "one", at(7)).await.is_some());
    assert_eq!(synced(store, &twice(&["s1"], at(8))).await.ended, 1);
    assert_eq!(sessions(store, 1, "one").await[0].ended, Some((at(8), EndReason::Left)));
    // A list of names misses names.
    admitted(store, &asking("s3", "one", 1), at(8)).await;
    let names = PublisherList { names: vec!["two".to_owned()], absent: Absent::Kept, ..list(&[], at(16)) };
    let outcome = synced(store, &names).await;
    assert_eq!((outcome.known, outcome.missing), (vec!["two".to_owned()], vec!["one".to_owned()]));
    let names = PublisherList { absent: twice(&["one"], at(17)).absent, asked_at: at(17), ..names };
    assert_eq!(synced(store, &names).await.ended, 1);
}

/// A list renews those in it, ends those who should be in it, and names neither the young nor the late.
pub async fn a_list_ends_the_sessions_that_it_misses(store: &impl Store) {
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
    let id = crate::testing::playback_id_of(&super::streams::key("one"));
    let request = asking("192.0.2.1:40001/live/one", "one", 1);
    admitted(store, &request, now()).await;
    let later = now().plus(LEASE);
    store.expire_leases(later, 10).await.expect("the store is there");
    let mut listed = PublishRequest {
        trigger: Trigger::Poll,
        proof: crate::broadcasts::admission::Proof::Name(id),
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
