//! Users have one active stream at most, and its life is what the domain says.

use std::num::NonZeroU32;

use futures_util::future::join_all;
use time::Duration;

use super::streams::{MICROSECOND, RACERS, active, found, named, names, now, own, started, stopped, user};
use crate::lifecycle::LIFETIME;
use crate::pace::{KeyPace, TooSoon};
use crate::ports::StartError;
use crate::ports::StreamStore;
use crate::testing::{SeededEntropy, Step, check_history, new_stream};
use crate::{NewStream, Stream, StreamKey, StreamStatus, Timestamp};

/// A key belongs to one stream for ever.
pub async fn a_taken_key_is_refused(store: &dyn StreamStore) {
    started(store, &named(1, "same", now())).await;
    let refusal = store.start(&named(2, "same", now())).await;
    assert!(matches!(refusal, Err(StartError::KeyTaken)), "{refusal:?}");
    stopped(store, 1, now()).await;
    let refusal = store.start(&named(1, "same", now())).await;
    assert!(matches!(refusal, Err(StartError::KeyTaken)), "{refusal:?}");
    assert!(own(store, 2).await.is_empty());
}

/// A playback id belongs to one stream for ever.
pub async fn a_taken_playback_id_is_refused(store: &dyn StreamStore) {
    let first = started(store, &named(1, "first", now())).await;
    let same_id = NewStream { playback_id: first.playback_id.clone(), ..named(2, "second", now()) };
    let refusal = store.start(&same_id).await;
    assert!(matches!(refusal, Err(StartError::KeyTaken)), "{refusal:?}");
    assert_eq!(found(store, "second").await, None);
}

/// One active stream per user, one after the other.
pub async fn a_second_start_is_refused_and_names_the_active_stream(store: &dyn StreamStore) {
    let first = started(store, &named(1, "first", now())).await;
    match store.start(&named(1, "second", now())).await {
        Err(StartError::AlreadyActive(active)) => assert_eq!(*active, first),
        other => panic!("expected the first stream to be in the way, got {other:?}"),
    }
    assert_eq!(found(store, "second").await, None);
}

/// One active stream per user, all at once.
pub async fn one_of_many_racers_wins(store: &dyn StreamStore) {
    let entropy = SeededEntropy::default();
    let contenders: Vec<NewStream> = (0..RACERS)
        .map(|_| new_stream(user(1), StreamKey::generate(&entropy).expect("it cannot fail"), now()))
        .collect();
    let outcomes = join_all(contenders.iter().map(|new| store.start(new))).await;
    let winners: Vec<&Stream> = outcomes.iter().filter_map(|outcome| outcome.as_ref().ok()).collect();
    let [winner] = winners[..] else { panic!("{} of {RACERS} won", winners.len()) };
    for outcome in &outcomes {
        match outcome {
            Ok(_) => {}
            Err(StartError::AlreadyActive(active)) => assert_eq!(active.key, winner.key),
            Err(error) => panic!("a loser is told {error:?}"),
        }
    }
    assert_eq!(own(store, 1).await.len(), 1);
}

/// The rule is per user: others are not held up.
pub async fn racers_of_different_users_all_win(store: &dyn StreamStore) {
    let contenders: Vec<NewStream> =
        (1..=RACERS as i64).map(|number| named(number, &format!("key-{number}"), now())).collect();
    let outcomes = join_all(contenders.iter().map(|new| store.start(new))).await;
    for outcome in outcomes {
        outcome.expect("nobody is in the way");
    }
    assert_eq!(active(store, now()).await.len(), RACERS);
}

/// Stopping frees the user.
pub async fn a_stopped_user_may_start_again(store: &dyn StreamStore) {
    let first = started(store, &named(1, "first", now())).await;
    stopped(store, 1, now()).await;
    let second = started(store, &named(1, "second", now())).await;
    assert!(second.id > first.id);
    assert_eq!(names(&active(store, now()).await), ["second"]);
}

/// A stop is remembered, with its time.
pub async fn stopping_ends_the_active_stream(store: &dyn StreamStore) {
    let stream = started(store, &named(1, "mine", now())).await;
    started(store, &named(2, "theirs", now())).await;
    let later = now().plus(Duration::HOUR);
    let after = stopped(store, 1, later).await.expect("there was one to stop");
    assert_eq!(after, stream.stop(later).expect("it was active"));
    assert_eq!(found(store, "mine").await, Some(after));
    assert_eq!(names(&active(store, later).await), ["theirs"]);
}

/// A second stop has nothing to do.
pub async fn stopping_finds_nothing_to_stop_twice(store: &dyn StreamStore) {
    assert_eq!(stopped(store, 1, now()).await, None);
    started(store, &named(1, "mine", now())).await;
    assert!(stopped(store, 1, now()).await.is_some());
    assert_eq!(stopped(store, 1, now()).await, None);
}

/// A stream is stopped by one caller.
pub async fn one_of_many_stoppers_wins(store: &dyn StreamStore) {
    started(store, &named(1, "mine", now())).await;
    let outcomes = join_all((0..RACERS).map(|_| store.stop_active(user(1), now()))).await;
    let winners = outcomes.into_iter().filter(|outcome| matches!(outcome, Ok(Some(_)))).count();
    assert_eq!(winners, 1);
}

/// What ended by itself is not ended again.
pub async fn an_expired_stream_cannot_be_stopped(store: &dyn StreamStore) {
    let stream = started(store, &named(1, "old", now())).await;
    assert_eq!(stopped(store, 1, stream.expires_at).await, None);
    assert!(stopped(store, 1, stream.expires_at.plus(-MICROSECOND)).await.is_some());
}

/// A stale active stream, not yet swept, never blocks a new key, and is marked on the way.
pub async fn an_expired_stream_does_not_block_its_user(store: &dyn StreamStore) {
    let old = started(store, &named(1, "old", now())).await;
    let early = store.start(&named(1, "early", old.expires_at.plus(-MICROSECOND))).await;
    assert!(matches!(early, Err(StartError::AlreadyActive(_))), "{early:?}");
    let fresh = started(store, &named(1, "fresh", old.expires_at)).await;
    let old = found(store, "old").await.expect("it is kept");
    assert_eq!((old.status, old.updated_at), (StreamStatus::Expired, fresh.created_at));
    assert_eq!(names(&active(store, fresh.created_at).await), ["fresh"]);
}

/// Expiry is exact.
pub async fn a_stream_is_active_to_its_last_microsecond(store: &dyn StreamStore) {
    let stream = started(store, &named(1, "mine", now())).await;
    assert_eq!(active(store, stream.expires_at.plus(-MICROSECOND)).await.len(), 1);
    assert_eq!(active(store, stream.expires_at).await.len(), 0);
    let marked = store.expire_overdue(stream.expires_at.plus(-MICROSECOND), 10).await;
    assert_eq!(marked.expect("the store is there"), 0);
    let marked = store.expire_overdue(stream.expires_at, 10).await;
    assert_eq!(marked.expect("the store is there"), 1);
}

/// A sweep does so much and no more.
pub async fn a_sweep_marks_overdue_streams_in_batches(store: &dyn StreamStore) {
    for number in 1..=5 {
        started(store, &named(number, &format!("key-{number}"), now())).await;
    }
    started(store, &named(6, "young", now().plus(Duration::HOUR))).await;
    let then = now().plus(LIFETIME);
    let mut marked = Vec::new();
    for _ in 0..4 {
        marked.push(store.expire_overdue(then, 2).await.expect("the store is there"));
    }
    assert_eq!(marked, [2, 2, 1, 0]);
    let old = found(store, "key-1").await.expect("it is kept");
    assert_eq!((old.status, old.updated_at), (StreamStatus::Expired, then));
    assert_eq!(names(&active(store, then).await), ["young"]);
}

/// Many instances may sweep at once.
pub async fn concurrent_sweeps_mark_each_stream_once(store: &dyn StreamStore) {
    for number in 1..=20 {
        started(store, &named(number, &format!("key-{number}"), now())).await;
    }
    let then = now().plus(LIFETIME);
    let mut total = 0;
    // A step may come away with less than its limit while others hold rows, so go on until all found nothing.
    loop {
        let marked = join_all((0..8).map(|_| store.expire_overdue(then, 3))).await;
        let marked: u32 = marked.into_iter().map(|count| count.expect("the store is there")).sum();
        total += marked;
        if marked == 0 {
            break;
        }
    }
    assert_eq!(total, 20);
}

/// What was stopped stays stopped.
pub async fn a_sweep_leaves_stopped_streams_alone(store: &dyn StreamStore) {
    started(store, &named(1, "mine", now())).await;
    let before = stopped(store, 1, now()).await;
    let marked = store.expire_overdue(now().plus(LIFETIME), 10).await;
    assert_eq!(marked.expect("the store is there"), 0);
    assert_eq!(found(store, "mine").await, before);
}

/// A user sees all of the own streams and none of another's.
pub async fn own_streams_come_newest_first_in_every_state(store: &dyn StreamStore) {
    started(store, &named(1, "stopped", now())).await;
    stopped(store, 1, now()).await;
    let second = started(store, &named(1, "expired", now().plus(Duration::SECOND))).await;
    started(store, &named(2, "theirs", now())).await;
    started(store, &named(1, "active", second.expires_at)).await;
    let own = own(store, 1).await;
    assert_eq!(names(&own), ["active", "expired", "stopped"]);
    let statuses: Vec<StreamStatus> = own.iter().map(|stream| stream.status).collect();
    assert_eq!(statuses, [StreamStatus::Active, StreamStatus::Expired, StreamStatus::Stopped]);
}

/// Generate, stop, wait, sweep and look, in 300 random steps, agree with a model at each.
pub async fn random_histories_match_the_model(store: &dyn StreamStore) {
    let numbers = SeededEntropy::new(7);
    let steps: Vec<Step> = (0..300).map(|_| Step::from_number(numbers.next())).collect();
    check_history(store, &steps).await;
}

/// A minute's keys are counted, whoever made them, and the store says how long to wait.
pub async fn more_keys_than_a_minute_has_are_refused(store: &dyn StreamStore) {
    let pace = KeyPace { per_minute: NonZeroU32::new(2), ..KeyPace::default() };
    let paced = |name: &str, seconds| named(1, name, after(seconds)).paced(pace);
    for (name, seconds) in [("first", 0), ("second", 20)] {
        started(store, &paced(name, seconds)).await;
        stopped(store, 1, after(seconds + 1)).await;
    }
    match store.start(&paced("third", 50)).await {
        Err(StartError::TooSoon(refusal)) => {
            assert_eq!(refusal, TooSoon { wait: Duration::seconds(10), per_minute: pace.per_minute });
        }
        other => panic!("expected a third key to be too soon, got {other:?}"),
    }
    assert_eq!(found(store, "third").await, None);
    // Another user's keys do not count, and neither do those of a minute ago.
    started(store, &named(2, "of-another", after(50)).paced(pace)).await;
    started(store, &paced("third", 61)).await;
    // What is active is in the way first.
    let refusal = store.start(&paced("fourth", 62)).await;
    assert!(matches!(refusal, Err(StartError::AlreadyActive(_))), "{refusal:?}");
}

/// After a stop there is no key until the cool-down is over; an expiry is no stop.
pub async fn a_stop_is_followed_by_the_cool_down(store: &dyn StreamStore) {
    let pace = KeyPace { per_minute: None, cooldown: Duration::seconds(30) };
    let paced = |name: &str, seconds| named(1, name, after(seconds)).paced(pace);
    started(store, &paced("first", 0)).await;
    stopped(store, 1, after(100)).await;
    match store.start(&paced("second", 110)).await {
        Err(StartError::TooSoon(refusal)) => {
            assert_eq!(refusal, TooSoon { wait: Duration::seconds(20), per_minute: None });
        }
        other => panic!("expected the cool-down, got {other:?}"),
    }
    let second = started(store, &paced("second", 130)).await;
    started(store, &named(1, "third", second.expires_at).paced(pace)).await;
}

fn after(seconds: i64) -> Timestamp {
    now().plus(Duration::seconds(seconds))
}
