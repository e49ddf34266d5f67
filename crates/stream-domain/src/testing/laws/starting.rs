//! Starting a stream: one a user, one a key.

use futures_util::future::join_all;

use super::{RACERS, active, found, named, names, now, own, started, stopped, user};
use crate::lifecycle::LIFETIME;
use crate::ports::StartError;
use crate::testing::StreamStore;
use crate::testing::{SeededEntropy, new_stream};
use crate::{NewStream, Stream, StreamKey, StreamStatus};

/// What was started is what is found, number, times and all.
pub async fn a_started_stream_is_found_by_its_key(store: &dyn StreamStore) {
    let new = named(1, "one", now());
    let stream = started(store, &new).await;
    assert_eq!(stream.user_id, Some(user(1)));
    assert_eq!(stream.key, new.key);
    assert_eq!(stream.status, StreamStatus::Active);
    assert_eq!((stream.created_at, stream.updated_at), (now(), now()));
    assert_eq!(stream.expires_at, now().plus(LIFETIME));
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
