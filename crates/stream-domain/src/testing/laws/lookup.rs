//! Streams are found by their keys and public names.

use futures_util::future::{join, join_all};

use super::streams::{RACERS, found, named, now, started, stopped, user};
use crate::lifecycle::LIFETIME;
use crate::ports::StreamStore;
use crate::{Stream, StreamKey, StreamStatus, Timestamp};

/// What was started is what is found, number, times and all.
pub async fn a_started_stream_is_found_by_its_key(store: &dyn StreamStore) {
    let new = named(1, "one", now());
    let stream = started(store, &new).await;
    assert_eq!(stream.user_id, Some(user(1)));
    assert_eq!(stream.key, new.key);
    assert_eq!(stream.status, StreamStatus::Active);
    assert_eq!((stream.created_at, stream.updated_at), (now(), now()));
    assert_eq!(stream.expires_at, now().plus(LIFETIME));
    // And every other field.
    assert_eq!(stream, Stream::started(stream.id, &new));
    assert_eq!(found(store, "one").await, Some(stream));
}

/// Absence is no error.
pub async fn an_unknown_key_finds_nothing(store: &dyn StreamStore) {
    assert_eq!(found(store, "nobody").await, None);
}

/// No collation makes two keys one.
pub async fn keys_are_compared_byte_by_byte(store: &dyn StreamStore) {
    started(store, &named(1, "key", now())).await;
    let other = started(store, &named(2, "KEY", now())).await;
    assert_eq!(found(store, "KEY").await, Some(other));
    assert_eq!(found(store, "Key").await, None);
}

/// The longest key fits.
pub async fn keys_of_255_characters_are_kept(store: &dyn StreamStore) {
    let long = "k".repeat(StreamKey::MAX_LENGTH);
    started(store, &named(1, &long, now())).await;
    assert!(found(store, &long).await.is_some());
}

/// A lookup after an acknowledged stop finds the stop, however many run at the same time.
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

/// A microsecond is neither lost nor gained, before and after a leap day and with a zero fraction.
pub async fn times_survive_a_round_trip(store: &dyn StreamStore) {
    let micros = [1, 999_999, 1_000_000, 1_709_164_800_000_000, 1_767_323_045_678_901, 1_767_323_045_000_010];
    for (number, micros) in (1..).zip(micros) {
        let at = Timestamp::from_unix_micros(micros).expect("it is in the calendar");
        let name = format!("key-{number}");
        started(store, &named(number, &name, at)).await;
        let stream = found(store, &name).await.expect("it was started");
        assert_eq!((stream.created_at, stream.updated_at), (at, at));
        assert_eq!(stream.expires_at, at.plus(LIFETIME));
    }
}
