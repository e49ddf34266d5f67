//! Ending a stream: by its owner, by time, once.

use futures_util::future::{join, join_all};
use time::Duration;

use super::{MICROSECOND, RACERS, active, found, named, names, now, started, stopped, user};
use crate::StreamStatus;
use crate::lifecycle::LIFETIME;
use crate::ports::StartError;
use crate::testing::StreamStore;

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

/// Whoever asks after a stop was acknowledged learns of it, however many ask at the same time.
pub async fn a_lookup_after_a_stop_finds_the_stop(store: &dyn StreamStore) {
    for turn in 0..RACERS {
        let name = format!("turn-{turn}");
        started(store, &named(1, &name, now())).await;
        let early = join_all((0..RACERS).map(|_| found(store, &name)));
        let stop = stopped(store, 1, now());
        let later = async {
            assert!(stop.await.is_some());
            join_all((0..RACERS).map(|_| found(store, &name))).await
        };
        let (early, after) = join(early, later).await;
        assert!(early.iter().all(Option::is_some));
        for stream in after {
            assert_eq!(stream.expect("it was started").status, StreamStatus::Stopped, "turn {turn}");
        }
    }
}
