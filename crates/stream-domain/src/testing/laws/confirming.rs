//! On air means on air: who is confirmed, who stalls, who is missing in a list, and who was admitted too late.

use time::Duration;

use super::asked::{SECOND, admitted, cuts, edge, list, live_since, refused, session, sessions, updating};
use super::{named, now, started, stopped};
use crate::PageRequest;
use crate::admission::{PublishRequest, Refusal, Terms, Trigger};
use crate::broadcasts::{Absent, PublisherList, SyncOutcome};
use crate::catalog::CatalogQuery;
use crate::media_server::LEASE;
use crate::ports::KICK_RETRY_AFTER;
use crate::session::EndReason;
use crate::testing::Store;
use crate::testing::{asking, terms};

fn unconfirmed(request: PublishRequest) -> PublishRequest {
    PublishRequest { confirmed: false, ..request }
}

async fn synced(store: &impl Store, list: &PublisherList) -> SyncOutcome {
    store.sync_publishers(list, LEASE, list.asked_at).await.expect("the store is there")
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
pub async fn an_update_confirms_its_publisher(store: &impl Store) {
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

/// A publisher that was not confirmed yet is cut by a stop like any other.
pub async fn an_unconfirmed_publisher_is_cut_by_a_stop(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &unconfirmed(asking("s1", "one", 1)), now()).await;
    stopped(store, 1, now()).await;
    assert_eq!(cuts(store, now()).await, ["s1"]);
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
pub async fn an_old_list_stalls_nobody(store: &impl Store) {
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

/// A frozen encoder gives way to whoever has the key, and is ended at its server, where it still is.
pub async fn a_stalled_publisher_gives_way_and_is_cut(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    let stalls = now().plus(6 * SECOND);
    synced(store, &PublisherList { stalled: vec!["s1".to_owned()], ..list(&[], stalls) }).await;
    let answer = admitted(store, &asking("s2", "one", 2), stalls).await;
    assert_eq!(answer.superseded.map(|(_, publisher)| publisher.session), Some("s1".to_owned()));
    assert_eq!(cuts(store, stalls.plus(KICK_RETRY_AFTER)).await, ["s1"]);
    assert_eq!(sessions(store, 1, "one").await[0].ended, Some((stalls, EndReason::Superseded)));
}

/// That a server goes on to speak of a publisher that stands still takes nothing back of that.
pub async fn an_update_of_a_stalled_publisher_brings_it_no_further(store: &impl Store) {
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
pub async fn a_list_that_is_not_whole_ends_nobody_at_once(store: &impl Store) {
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

/// An admission whose answer came too late gives the stream back to the publisher that gave way.
pub async fn an_admission_that_came_too_late_is_undone(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let first = asking("s1", "one", 1);
    let old = admitted(store, &first, now()).await.session;
    let later = now().plus(2 * SECOND);
    let new = admitted(store, &asking("s2", "one", 1), later).await.session;
    store.withdraw(new, later.plus(SECOND)).await.expect("the store is there");
    let [kept, withdrawn] = &sessions(store, 1, "one").await[..] else { panic!("two sessions") };
    assert_eq!((kept.id, kept.ended, kept.kick, kept.lease_until), (old, None, None, now().plus(LEASE)));
    assert_eq!(withdrawn.ended, Some((later.plus(SECOND), EndReason::AnsweredTooLate)));
    assert_eq!(live_since(store, "one", later).await, Some(now()));
    assert_eq!(cuts(store, later.plus(5 * SECOND)).await.len(), 0, "nobody is to be cut");
    // It goes on as if nothing had been, and may be taken over from.
    assert!(!admitted(store, &updating(&first), later.plus(5 * SECOND)).await.is_new);
    let third = admitted(store, &asking("s3", "one", 1), later.plus(6 * SECOND)).await;
    assert_eq!(third.superseded.map(|(session, _)| session), Some(old));
    // What was withdrawn is no part of the broadcast, however long that goes on.
    store.end(&session("s3"), EndReason::Left, later.plus(6 * SECOND)).await.expect("the store is there");
    let back = later.plus(60 * SECOND);
    let fourth = admitted(store, &asking("s5", "one", 1), back).await.session;
    assert_eq!(live_since(store, "one", back).await, Some(now()));
    store.withdraw(fourth, back).await.expect("the store is there");
    let next = admitted(store, &unconfirmed(asking("s6", "one", 1)), later.plus(66 * SECOND)).await.session;
    assert_eq!(
        sessions(store, 1, "one").await.pop().map(|last| (last.id, last.live_since)),
        Some((next, now()))
    );
    // Withdrawing twice changes nothing, and neither does a session that superseded nobody.
    store.withdraw(new, later.plus(7 * SECOND)).await.expect("the store is there");
    assert!(sessions(store, 1, "one").await[0].ended.is_some());
    started(store, &named(2, "two", now())).await;
    let alone = admitted(store, &asking("s4", "two", 1), now()).await.session;
    store.withdraw(alone, now()).await.expect("the store is there");
    assert_eq!(sessions(store, 2, "two").await[0].ended, Some((now(), EndReason::AnsweredTooLate)));
}

/// A publisher that gave way and was ended at its server, or may have been, does not come back by a withdrawal.
pub async fn a_withdrawal_brings_nobody_back_who_was_cut(store: &impl Store) {
    for (number, name) in [(1, "confirmed"), (2, "taken")] {
        started(store, &named(number, name, now())).await;
        let old = admitted(store, &asking(&format!("{name}-1"), name, 1), now()).await.session;
        let new = admitted(store, &asking(&format!("{name}-2"), name, 1), now()).await.session;
        let later = now().plus(KICK_RETRY_AFTER);
        assert_eq!(cuts(store, later).await, [format!("{name}-1")]);
        if name == "confirmed" {
            store.mark_kicked(old, later).await.expect("the store is there");
        }
        store.withdraw(new, later).await.expect("the store is there");
        let [kept, withdrawn] = &sessions(store, number, name).await[..] else { panic!("two sessions") };
        assert_eq!(kept.ended, Some((now(), EndReason::Superseded)), "{name}");
        assert_eq!(withdrawn.ended, Some((later, EndReason::AnsweredTooLate)), "{name}");
        assert_eq!(live_since(store, name, later).await, None);
    }
    // Whose kick is not known to have come about is kicked again.
    assert_eq!(cuts(store, now().plus(3 * KICK_RETRY_AFTER)).await, ["taken-1"]);
}

/// A stop between a takeover and its withdrawal leaves the first publisher to be cut, and the second refused.
pub async fn a_withdrawal_after_a_stop_leaves_the_first_to_be_cut(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    let new = admitted(store, &asking("s2", "one", 1), now()).await.session;
    stopped(store, 1, now()).await;
    store.withdraw(new, now().plus(SECOND)).await.expect("the store is there");
    let [kept, withdrawn] = &sessions(store, 1, "one").await[..] else { panic!("two sessions") };
    assert_eq!(kept.ended, Some((now(), EndReason::Superseded)));
    assert_eq!(withdrawn.ended, Some((now().plus(SECOND), EndReason::Stopped)));
    assert_eq!(cuts(store, now().plus(2 * SECOND)).await, ["s1"]);
}

/// Whoever else has the stream, or the connection, by the time of a withdrawal keeps it.
pub async fn a_withdrawal_takes_nothing_from_others(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    started(store, &named(2, "two", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    let second = admitted(store, &asking("s2", "one", 1), now()).await.session;
    let third = admitted(store, &asking("s3", "one", 1), now().plus(SECOND)).await.session;
    store.withdraw(second, now().plus(SECOND)).await.expect("the store is there");
    assert_eq!(sessions(store, 1, "one").await.iter().filter(|one| one.ended.is_none()).count(), 1);
    // The second was refused in the end, so the third gives the stream back to nobody.
    store.withdraw(third, now().plus(SECOND)).await.expect("the store is there");
    assert_eq!(live_since(store, "one", now().plus(SECOND)).await, None);
    // The connection of the first went on to publish something else.
    let later = now().plus(10 * SECOND);
    admitted(store, &asking("c1", "one", 1), later).await;
    let newest = PublishRequest { ..asking("c2", "one", 1) };
    let over = super::asked::verdict_on(
        store,
        &newest,
        &crate::admission::Terms { takeover: crate::admission::Takeover::Newest, ..crate::testing::terms() },
        later,
    )
    .await;
    let crate::admission::Verdict::Admitted(over) = over else { panic!("{over:?}") };
    admitted(store, &asking("c1", "two", 1), later).await;
    store.withdraw(over.session, later).await.expect("the store is there");
    assert_eq!(live_since(store, "one", later).await, None);
    assert_eq!(live_since(store, "two", later).await, Some(later));
}
