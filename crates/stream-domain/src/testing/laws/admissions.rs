//! Who may go on air.

use futures_util::future::join_all;
use time::Duration;

use super::asked::{
    SECOND, admitted, edge, live_since, pending_kicks, refused, session, sessions, updating, verdict,
    verdict_on,
};
use super::streams::{RACERS, found, key, named, now, started, stopped, user};
use crate::broadcasts::admission::{Proof, PublishRequest, Refusal, Takeover, Terms, Trigger, Verdict};
use crate::broadcasts::session::EndReason;
use crate::catalog::CatalogQuery;
use crate::lifecycle::LIFETIME;
use crate::media_server::LEASE;
use crate::ports::{KICK_RETRY_AFTER, RESTART_MARGIN};
use crate::testing::{Store, asking, playback_id_of, terms};
use crate::{PageRequest, StreamId};

/// A publisher with a good key is admitted, is live, and is listed with all that its server said of it.
pub async fn an_admitted_publisher_is_live(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let request = asking("s1", "one", 7);
    let answer = admitted(store, &request, now()).await;
    assert!(answer.is_new);
    assert_eq!(answer.playback_id, playback_id_of(&key("one")));
    assert_eq!(live_since(store, "one", now()).await, Some(now()));
    let [kept] = &sessions(store, 1, "one").await[..] else { panic!("one session") };
    assert_eq!(kept.publisher, request.publisher);
    assert_eq!((kept.epoch, kept.live_since, kept.started_at), (1, now(), now()));
    assert_eq!((kept.last_seen_at, kept.lease_until, kept.ended), (now(), now().plus(LEASE), None));
    let live = store
        .list(&CatalogQuery::live(PageRequest::default()), now())
        .await
        .expect("the store is there")
        .streams
        .clone();
    assert_eq!(live, [found(store, "one").await.expect("it is there")]);
}

/// What the store does not know lets nobody in, and neither does what has ended.
pub async fn only_a_publishable_key_is_admitted(store: &impl Store) {
    assert_eq!(refused(store, &asking("s1", "nobody", 1), now()).await, Refusal::UnknownKey);
    started(store, &named(1, "one", now())).await;
    assert_eq!(refused(store, &asking("s1", "ONE", 1), now()).await, Refusal::UnknownKey);
    assert_eq!(refused(store, &asking("s1", "one", 1), now().plus(LIFETIME)).await, Refusal::Expired);
    admitted(store, &asking("s1", "one", 1), now().plus(LIFETIME - Duration::MICROSECOND)).await;
    store.end(&session("s1"), EndReason::Left, now()).await.expect("the store is there");
    stopped(store, 1, now()).await;
    assert_eq!(refused(store, &asking("s1", "one", 1), now()).await, Refusal::Stopped);
    assert_eq!(live_since(store, "one", now()).await, None);
}

/// In the safe form the key must belong to the public name.
pub async fn a_key_belongs_to_its_playback_id(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    started(store, &named(2, "two", now())).await;
    let by = |proof| PublishRequest { proof, ..asking("s1", "one", 1) };
    let (one, two) = (playback_id_of(&key("one")), playback_id_of(&key("two")));
    let wrong = by(Proof::KeyOf(two.clone(), key("one")));
    assert_eq!(refused(store, &wrong, now()).await, Refusal::WrongPlaybackId);
    assert_eq!(refused(store, &by(Proof::KeyOf(one.clone(), key("none"))), now()).await, Refusal::UnknownKey);
    admitted(store, &by(Proof::KeyOf(one.clone(), key("one"))), now()).await;
    // The public name alone is proof for a session that has shown its key, and for no other.
    let listed = |session: &str, id: &crate::PlaybackId| {
        let request = asking(session, id.as_str(), 1);
        PublishRequest { trigger: Trigger::Poll, proof: Proof::Name(id.clone()), ..request }
    };
    assert!(!admitted(store, &listed("s1", &one), now()).await.is_new);
    assert_eq!(refused(store, &listed("s2", &two), now()).await, Refusal::NoKey);
    let vouched = PublishRequest { trigger: Trigger::GatedPoll, ..listed("s2", &two) };
    assert!(admitted(store, &vouched, now()).await.is_new, "a gate has seen the key");
    let found = store.find_by_playback_id(&one).await.expect("the store is there").expect("it is there");
    assert_eq!(found.key, key("one"));
    assert_eq!(
        store.find_by_playback_id(&crate::PlaybackId::for_legacy_stream(StreamId(1))).await.ok(),
        Some(None)
    );
}

/// A lease that is not renewed runs out to the microsecond, whether or not anybody wrote that down.
pub async fn a_session_is_live_while_its_lease_runs(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let request = asking("s1", "one", 1);
    admitted(store, &request, now()).await;
    let later = now().plus(4 * SECOND);
    let renewed = admitted(store, &updating(&request), later).await;
    assert!(!renewed.is_new);
    let end = later.plus(LEASE);
    assert_eq!(live_since(store, "one", end.plus(-Duration::MICROSECOND)).await, Some(now()));
    assert_eq!(live_since(store, "one", end).await, None);
    assert!(
        store
            .list(&CatalogQuery::live(PageRequest::default()), end)
            .await
            .expect("the store is there")
            .streams
            .is_empty()
    );
    assert_eq!(store.expire_leases(end.plus(-Duration::MICROSECOND), 10).await.ok(), Some(0));
    assert_eq!(store.expire_leases(end, 10).await.ok(), Some(1));
    assert_eq!(store.expire_leases(end, 10).await.ok(), Some(0));
    assert_eq!(sessions(store, 1, "one").await[0].ended, Some((end, EndReason::Lost)));
}

/// The same session may ask twice, and an older renewal never shortens a lease.
pub async fn asking_twice_changes_nothing(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let request = asking("s1", "one", 1);
    let first = admitted(store, &request, now().plus(SECOND)).await;
    let second = admitted(store, &request, now()).await;
    assert_eq!((first.session, second.is_new), (second.session, false));
    let [kept] = &sessions(store, 1, "one").await[..] else { panic!("one session") };
    assert_eq!(kept.lease_until, now().plus(SECOND).plus(LEASE));
}

/// While a publisher is alive, another is refused, and the owner can see it.
pub async fn a_second_publisher_is_refused(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    let second = asking("s2", "one", 2);
    assert_eq!(refused(store, &second, now().plus(SECOND)).await, Refusal::AlreadyLive);
    assert_eq!(refused(store, &second, now().plus(3 * SECOND)).await, Refusal::AlreadyLive);
    assert_eq!(refused(store, &updating(&second), now().plus(4 * SECOND)).await, Refusal::AlreadyLive);
    let attempts = store.list_attempts(user(1), 10).await.expect("the store is there");
    let [attempt] = &attempts[..] else { panic!("one attempt, not {attempts:?}") };
    assert_eq!((attempt.refusal, attempt.address), (Refusal::AlreadyLive, second.publisher.address));
    assert_eq!((attempt.first_at, attempt.last_at), (now().plus(SECOND), now().plus(3 * SECOND)));
    assert_eq!(attempt.server, edge());
    assert_eq!(store.list_attempts(user(2), 10).await.expect("the store is there"), []);
    assert_eq!(sessions(store, 1, "one").await.len(), 1);
}

/// One open session a stream, all at once.
pub async fn one_of_many_publishers_wins(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let requests: Vec<PublishRequest> =
        (0..RACERS).map(|n| asking(&format!("s{n}"), "one", u8::try_from(n).expect("few racers"))).collect();
    let verdicts = join_all(requests.iter().map(|request| verdict(store, request, now()))).await;
    let winners = verdicts.iter().filter(|verdict| matches!(verdict, Verdict::Admitted(_))).count();
    assert_eq!(winners, 1);
    let losers =
        verdicts.iter().filter(|verdict| **verdict == Verdict::Refused(Refusal::AlreadyLive)).count();
    assert_eq!(losers, RACERS - 1);
}

/// A media server has one open session of an id, even if several streams ask with it at once.
pub async fn one_session_id_has_one_open_session(store: &impl Store) {
    let names = ["one", "two", "three", "four"];
    for (user_number, name) in (1..).zip(names) {
        started(store, &named(user_number, name, now())).await;
    }
    let requests = names.map(|name| asking("same", name, 1));
    join_all(requests.iter().map(|request| verdict(store, request, now()))).await;
    let mut open = 0;
    for (user_number, name) in (1..).zip(names) {
        open += sessions(store, user_number, name).await.iter().filter(|one| one.ended.is_none()).count();
    }
    assert_eq!(open, 1);
}

/// Takeovers at the same time leave one open session, and a publisher that asks twice at the same time has one.
pub async fn takeovers_at_once_leave_one_open_session(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let newest = Terms { takeover: Takeover::Newest, ..terms() };
    let requests: Vec<PublishRequest> =
        (0..RACERS).map(|n| asking(&format!("s{}", n / 2), "one", 1)).collect();
    let verdicts = join_all(requests.iter().map(|request| verdict_on(store, request, &newest, now()))).await;
    assert!(verdicts.iter().all(|verdict| matches!(verdict, Verdict::Admitted(_))), "{verdicts:?}");
    let open = sessions(store, 1, "one").await.into_iter().filter(|session| session.ended.is_none());
    assert_eq!(open.count(), 1);
}

/// An encoder that comes back from the same address takes over, and the first is kicked.
pub async fn the_same_address_takes_over(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let first = asking("s1", "one", 1);
    let old = admitted(store, &first, now()).await;
    let later = now().plus(SECOND);
    let overdue_only = Terms { takeover: Takeover::Overdue, ..terms() };
    let answer = verdict_on(store, &asking("s2", "one", 1), &overdue_only, later).await;
    assert_eq!(answer, Verdict::Refused(Refusal::AlreadyLive));
    let answer = admitted(store, &asking("s2", "one", 1), later).await;
    assert_eq!(answer.superseded, Some((old.session, first.publisher.clone())));
    assert_eq!(refused(store, &updating(&first), later).await, Refusal::SessionEnded);
    assert_eq!(
        pending_kicks(store, later).await.len(),
        0,
        "the instance that admitted the second kicks the first"
    );
    assert_eq!(pending_kicks(store, later.plus(KICK_RETRY_AFTER)).await, ["s1"]);
    store.mark_kicked(old.session, later).await.expect("the store is there");
    assert_eq!(pending_kicks(store, later.plus(3 * KICK_RETRY_AFTER)).await.len(), 0);
    let listed = sessions(store, 1, "one").await;
    assert_eq!(listed[0].ended, Some((later, EndReason::Superseded)));
    assert_eq!((listed[1].epoch, listed[1].live_since, listed[1].ended), (1, now(), None));
}

/// Without an address there is no same address.
pub async fn unknown_addresses_are_not_the_same(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let nowhere = |session: &str| {
        let mut request = asking(session, "one", 1);
        request.publisher.address = None;
        request
    };
    admitted(store, &nowhere("s1"), now()).await;
    assert_eq!(refused(store, &nowhere("s2"), now()).await, Refusal::AlreadyLive);
    let newest = Terms { takeover: Takeover::Newest, ..terms() };
    assert!(matches!(verdict_on(store, &nowhere("s2"), &newest, now()).await, Verdict::Admitted(_)));
}

/// A session whose lease is overdue gives way to anybody.
pub async fn an_overdue_session_gives_way(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    let later = now().plus(LEASE);
    assert_eq!(admitted(store, &asking("s2", "one", 2), later).await.superseded, None);
    let listed = sessions(store, 1, "one").await;
    assert_eq!(listed[0].ended, Some((later, EndReason::Lost)));
    assert_eq!(listed[1].live_since, now());
    // The first comes back to say that it goes on: too late, somebody else is live.
    assert_eq!(refused(store, &updating(&asking("s1", "one", 1)), later).await, Refusal::AlreadyLive);
}

/// A reconnect within the window is the same broadcast, and a later one is the next.
pub async fn a_quick_reconnect_is_the_same_broadcast(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    let left = now().plus(10 * SECOND);
    assert_eq!(store.end(&session("s1"), EndReason::Left, left).await.ok(), Some(true));
    assert_eq!(live_since(store, "one", left).await, None);
    let back = left.plus(60 * SECOND);
    admitted(store, &asking("s2", "one", 2), back).await;
    assert_eq!(live_since(store, "one", back).await, Some(now()));
    store.end(&session("s2"), EndReason::Left, back).await.expect("the store is there");
    let late = back.plus(60 * SECOND + Duration::MICROSECOND);
    admitted(store, &asking("s3", "one", 2), late).await;
    assert_eq!(live_since(store, "one", late).await, Some(late));
    let epochs: Vec<i32> = sessions(store, 1, "one").await.iter().map(|session| session.epoch).collect();
    assert_eq!(epochs, [1, 1, 2]);
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

/// A server that counts its connections from 1 again was started anew.
pub async fn a_connection_count_that_restarts_ends_older_sessions(store: &impl Store) {
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
    // A refused publisher begins nothing.
    assert_eq!(
        refused(store, &PublishRequest { connection_number: Some(1), ..asking("1", "none", 9) }, later).await,
        Refusal::UnknownKey
    );
    assert!(live_since(store, "key-1", later).await.is_some());
    admitted(store, &counted(4, 2), later).await;
    assert!(live_since(store, "key-1", later).await.is_some(), "it was seen a moment ago");
    assert_eq!(live_since(store, "key-2", later).await, None);
}

/// The same number that asks again after its lease is another connection, and has no part in an old broadcast.
pub async fn an_overdue_session_that_asks_again_begins_a_new_one(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let request = asking("1", "one", 1);
    admitted(store, &request, now()).await;
    let later = now().plus(LEASE).plus(61 * SECOND);
    assert!(admitted(store, &request, later).await.is_new);
    assert_eq!(live_since(store, "one", later).await, Some(later));
    let ended = sessions(store, 1, "one").await[0].ended;
    assert_eq!(ended, Some((now().plus(LEASE), EndReason::Lost)));
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
