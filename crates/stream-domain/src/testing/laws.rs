//! The laws of [`StreamRepository`]: what every store promises, run on every store.
//!
//! A store's test module says [`store_laws!`](crate::store_laws) once; a law that is added here then reaches
//! them all.

use std::num::NonZeroU32;

use futures_util::future::join_all;
use time::Duration;

use crate::lifecycle::LIFETIME;
use crate::ports::{Clock as _, StartError, StoreError, StreamRepository, UserStreamsError};
use crate::testing::{ManualClock, SeededEntropy, Step, check_history};
use crate::{NewStream, PageRequest, Stream, StreamKey, StreamStatus, Timestamp, UserId};

/// How many run at once where a law has a race.
const RACERS: usize = 32;

const MICROSECOND: Duration = Duration::MICROSECOND;

/// Makes one test of each law.
///
/// `store` is an async expression that gives a guard and an empty store (anything that derefs to
/// `dyn StreamRepository`), `away` one that gives a guard and a store whose database cannot be reached, and
/// `block_on` a function that runs a future to its end.
#[macro_export]
macro_rules! store_laws {
    (store: $store:expr, away: $away:expr, block_on: $block_on:expr) => {
        $crate::store_laws!(@each $store, $block_on;
            a_started_stream_is_found_by_its_key
            an_unknown_key_finds_nothing
            keys_are_compared_byte_by_byte
            keys_of_255_characters_are_kept
            a_taken_key_is_refused
            a_second_start_is_refused_and_names_the_active_stream
            one_of_many_racers_wins
            racers_of_different_users_all_win
            a_stopped_user_may_start_again
            stopping_ends_the_active_stream
            stopping_finds_nothing_to_stop_twice
            one_of_many_stoppers_wins
            an_expired_stream_cannot_be_stopped
            an_expired_stream_does_not_block_its_user
            a_stream_is_active_to_its_last_microsecond
            a_sweep_marks_overdue_streams_in_batches
            concurrent_sweeps_mark_each_stream_once
            a_sweep_leaves_stopped_streams_alone
            own_streams_come_newest_first_in_every_state
            active_streams_come_newest_first
            streams_of_one_instant_come_by_number
            pages_join_to_the_whole_list
            a_page_is_undisturbed_by_new_streams
            times_survive_a_round_trip
            random_histories_match_the_model
        );
        $crate::store_laws!(@each $away, $block_on; a_store_that_is_away_says_so);
    };
    (@each $store:expr, $block_on:expr; $($law:ident)+) => { $(
        #[test]
        fn $law() {
            $block_on(async {
                let (_guard, store) = $store.await;
                $crate::testing::laws::$law(&*store).await;
            });
        }
    )+ };
}

fn user(number: i64) -> UserId {
    UserId::new(number).expect("a law's user has an id in range")
}

fn key(name: &str) -> StreamKey {
    StreamKey::parse(name).expect("a law's key is of the alphabet")
}

fn now() -> Timestamp {
    ManualClock::default().now()
}

fn named(user_number: i64, name: &str, at: Timestamp) -> NewStream {
    NewStream::begin(user(user_number), key(name), at)
}

async fn started(store: &dyn StreamRepository, new: &NewStream) -> Stream {
    store.start(new).await.expect("nothing is in the way")
}

async fn stopped(store: &dyn StreamRepository, user_number: i64, at: Timestamp) -> Option<Stream> {
    store.stop_active(user(user_number), at).await.expect("the store is there")
}

async fn found(store: &dyn StreamRepository, name: &str) -> Option<Stream> {
    store.find_by_key(&key(name)).await.expect("the store is there")
}

async fn own(store: &dyn StreamRepository, user_number: i64) -> Vec<Stream> {
    let page = store.list_by_user(user(user_number), &PageRequest::default()).await;
    page.expect("the store is there").streams
}

async fn active(store: &dyn StreamRepository, at: Timestamp) -> Vec<Stream> {
    store.list_active(at, &PageRequest::default()).await.expect("the store is there").streams
}

fn names(streams: &[Stream]) -> Vec<&str> {
    streams.iter().map(|stream| stream.key.expose()).collect()
}

/// What was started is what is found, number, times and all.
pub async fn a_started_stream_is_found_by_its_key(store: &dyn StreamRepository) {
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
pub async fn an_unknown_key_finds_nothing(store: &dyn StreamRepository) {
    assert_eq!(found(store, "nobody").await, None);
}

/// No collation makes two keys one.
pub async fn keys_are_compared_byte_by_byte(store: &dyn StreamRepository) {
    started(store, &named(1, "key", now())).await;
    let other = started(store, &named(2, "KEY", now())).await;
    assert_eq!(found(store, "KEY").await, Some(other));
    assert_eq!(found(store, "Key").await, None);
}

/// The longest key fits.
pub async fn keys_of_255_characters_are_kept(store: &dyn StreamRepository) {
    let long = "k".repeat(StreamKey::MAX_LENGTH);
    started(store, &named(1, &long, now())).await;
    assert!(found(store, &long).await.is_some());
}

/// A key belongs to one stream for ever.
pub async fn a_taken_key_is_refused(store: &dyn StreamRepository) {
    started(store, &named(1, "same", now())).await;
    let refusal = store.start(&named(2, "same", now())).await;
    assert!(matches!(refusal, Err(StartError::KeyTaken)), "{refusal:?}");
    stopped(store, 1, now()).await;
    let refusal = store.start(&named(1, "same", now())).await;
    assert!(matches!(refusal, Err(StartError::KeyTaken)), "{refusal:?}");
    assert!(own(store, 2).await.is_empty());
}

/// One active stream per user, one after the other.
pub async fn a_second_start_is_refused_and_names_the_active_stream(store: &dyn StreamRepository) {
    let first = started(store, &named(1, "first", now())).await;
    match store.start(&named(1, "second", now())).await {
        Err(StartError::AlreadyActive(active)) => assert_eq!(*active, first),
        other => panic!("expected the first stream to be in the way, got {other:?}"),
    }
    assert_eq!(found(store, "second").await, None);
}

/// One active stream per user, all at once.
pub async fn one_of_many_racers_wins(store: &dyn StreamRepository) {
    let entropy = SeededEntropy::default();
    let contenders: Vec<NewStream> = (0..RACERS)
        .map(|_| NewStream::begin(user(1), StreamKey::generate(&entropy).expect("it cannot fail"), now()))
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
pub async fn racers_of_different_users_all_win(store: &dyn StreamRepository) {
    let contenders: Vec<NewStream> =
        (1..=RACERS as i64).map(|number| named(number, &format!("key-{number}"), now())).collect();
    let outcomes = join_all(contenders.iter().map(|new| store.start(new))).await;
    for outcome in outcomes {
        outcome.expect("nobody is in the way");
    }
    assert_eq!(active(store, now()).await.len(), RACERS);
}

/// Stopping frees the user.
pub async fn a_stopped_user_may_start_again(store: &dyn StreamRepository) {
    let first = started(store, &named(1, "first", now())).await;
    stopped(store, 1, now()).await;
    let second = started(store, &named(1, "second", now())).await;
    assert!(second.id > first.id);
    assert_eq!(names(&active(store, now()).await), ["second"]);
}

/// A stop is remembered, with its time.
pub async fn stopping_ends_the_active_stream(store: &dyn StreamRepository) {
    let stream = started(store, &named(1, "mine", now())).await;
    started(store, &named(2, "theirs", now())).await;
    let later = now().plus(Duration::HOUR);
    let after = stopped(store, 1, later).await.expect("there was one to stop");
    assert_eq!(after, stream.stop(later).expect("it was active"));
    assert_eq!(found(store, "mine").await, Some(after));
    assert_eq!(names(&active(store, later).await), ["theirs"]);
}

/// A second stop has nothing to do.
pub async fn stopping_finds_nothing_to_stop_twice(store: &dyn StreamRepository) {
    assert_eq!(stopped(store, 1, now()).await, None);
    started(store, &named(1, "mine", now())).await;
    assert!(stopped(store, 1, now()).await.is_some());
    assert_eq!(stopped(store, 1, now()).await, None);
}

/// A stream is stopped by one caller.
pub async fn one_of_many_stoppers_wins(store: &dyn StreamRepository) {
    started(store, &named(1, "mine", now())).await;
    let outcomes = join_all((0..RACERS).map(|_| store.stop_active(user(1), now()))).await;
    let winners = outcomes.into_iter().filter(|outcome| matches!(outcome, Ok(Some(_)))).count();
    assert_eq!(winners, 1);
}

/// What ended by itself is not ended again.
pub async fn an_expired_stream_cannot_be_stopped(store: &dyn StreamRepository) {
    let stream = started(store, &named(1, "old", now())).await;
    assert_eq!(stopped(store, 1, stream.expires_at).await, None);
    assert!(stopped(store, 1, stream.expires_at.plus(-MICROSECOND)).await.is_some());
}

/// A stale active stream, not yet swept, never blocks a new key, and is marked on the way.
pub async fn an_expired_stream_does_not_block_its_user(store: &dyn StreamRepository) {
    let old = started(store, &named(1, "old", now())).await;
    let early = store.start(&named(1, "early", old.expires_at.plus(-MICROSECOND))).await;
    assert!(matches!(early, Err(StartError::AlreadyActive(_))), "{early:?}");
    let fresh = started(store, &named(1, "fresh", old.expires_at)).await;
    let old = found(store, "old").await.expect("it is kept");
    assert_eq!((old.status, old.updated_at), (StreamStatus::Expired, fresh.created_at));
    assert_eq!(names(&active(store, fresh.created_at).await), ["fresh"]);
}

/// Expiry is exact.
pub async fn a_stream_is_active_to_its_last_microsecond(store: &dyn StreamRepository) {
    let stream = started(store, &named(1, "mine", now())).await;
    assert_eq!(active(store, stream.expires_at.plus(-MICROSECOND)).await.len(), 1);
    assert_eq!(active(store, stream.expires_at).await.len(), 0);
    let marked = store.expire_overdue(stream.expires_at.plus(-MICROSECOND), 10).await;
    assert_eq!(marked.expect("the store is there"), 0);
    let marked = store.expire_overdue(stream.expires_at, 10).await;
    assert_eq!(marked.expect("the store is there"), 1);
}

/// A sweep does so much and no more.
pub async fn a_sweep_marks_overdue_streams_in_batches(store: &dyn StreamRepository) {
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
pub async fn concurrent_sweeps_mark_each_stream_once(store: &dyn StreamRepository) {
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
pub async fn a_sweep_leaves_stopped_streams_alone(store: &dyn StreamRepository) {
    started(store, &named(1, "mine", now())).await;
    let before = stopped(store, 1, now()).await;
    let marked = store.expire_overdue(now().plus(LIFETIME), 10).await;
    assert_eq!(marked.expect("the store is there"), 0);
    assert_eq!(found(store, "mine").await, before);
}

/// A user sees all of the own streams and none of another's.
pub async fn own_streams_come_newest_first_in_every_state(store: &dyn StreamRepository) {
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

/// The public list has an order, whatever the order of starting was.
pub async fn active_streams_come_newest_first(store: &dyn StreamRepository) {
    for (number, seconds) in [(1, 20), (2, 10), (3, 30)] {
        started(store, &named(number, &format!("at-{seconds}"), now().plus(Duration::seconds(seconds))))
            .await;
    }
    assert_eq!(names(&active(store, now().plus(Duration::MINUTE)).await), ["at-30", "at-20", "at-10"]);
}

/// Equal times do not make the order a matter of chance.
pub async fn streams_of_one_instant_come_by_number(store: &dyn StreamRepository) {
    for number in 1..=9 {
        started(store, &named(number, &format!("key-{number}"), now())).await;
    }
    let active = active(store, now()).await;
    assert!(active.is_sorted_by(|newer, older| newer.id > older.id), "{:?}", names(&active));
}

/// Paging gives each stream once.
pub async fn pages_join_to_the_whole_list(store: &dyn StreamRepository) {
    for number in 1..=7 {
        // Pairs of one instant, so that page borders fall between equals too.
        let at = now().plus(Duration::seconds(number / 2));
        started(store, &named(number, &format!("key-{number}"), at)).await;
        started(store, &named(100, &format!("own-{number}"), at)).await;
        stopped(store, 100, at).await;
    }
    let then = now().plus(Duration::MINUTE);
    for limit in [1, 2, 3, 7, 8] {
        let (mut public, mut own_list) = (Vec::new(), Vec::new());
        let mut page = PageRequest { limit: NonZeroU32::new(limit), after: None };
        loop {
            let answer = store.list_active(then, &page).await.expect("the store is there");
            assert!(answer.streams.len() <= limit as usize);
            public.extend(answer.streams);
            let Some(next) = answer.next else { break };
            page.after = Some(next);
        }
        page.after = None;
        loop {
            let answer = store.list_by_user(user(100), &page).await.expect("the store is there");
            own_list.extend(answer.streams);
            let Some(next) = answer.next else { break };
            page.after = Some(next);
        }
        assert_eq!(public, active(store, then).await, "pages of {limit}");
        assert_eq!(own_list, own(store, 100).await, "pages of {limit}");
    }
}

/// What comes in at the head does not shift the tail.
pub async fn a_page_is_undisturbed_by_new_streams(store: &dyn StreamRepository) {
    for number in 1..=4 {
        let at = now().plus(Duration::seconds(number));
        started(store, &named(number, &format!("key-{number}"), at)).await;
    }
    let then = now().plus(Duration::MINUTE);
    let mut page = PageRequest { limit: NonZeroU32::new(2), after: None };
    let first = store.list_active(then, &page).await.expect("the store is there");
    started(store, &named(5, "newcomer", now().plus(Duration::seconds(9)))).await;
    stopped(store, 3, then).await;
    page.after = first.next;
    let second = store.list_active(then, &page).await.expect("the store is there");
    assert_eq!(names(&first.streams), ["key-4", "key-3"]);
    assert_eq!(names(&second.streams), ["key-2", "key-1"]);
}

/// A microsecond is neither lost nor gained, before and after a leap day and with a zero fraction.
pub async fn times_survive_a_round_trip(store: &dyn StreamRepository) {
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

/// Generate, stop, wait, sweep and look, in 300 random steps, agree with a model at each.
pub async fn random_histories_match_the_model(store: &dyn StreamRepository) {
    let numbers = SeededEntropy::new(7);
    let steps: Vec<Step> = (0..300).map(|_| Step::from_number(numbers.next())).collect();
    check_history(store, &steps).await;
}

/// Every method of a store that cannot be reached says that, so that clients are told to come again.
pub async fn a_store_that_is_away_says_so(store: &dyn StreamRepository) {
    let is_away = |error: &StoreError| matches!(error, StoreError::Unavailable(_));
    let page = PageRequest::default();
    match store.start(&named(1, "mine", now())).await {
        Err(StartError::Store(error)) => assert!(is_away(&error), "{error:?}"),
        other => panic!("start: {other:?}"),
    }
    match store.stop_active(user(1), now()).await {
        Err(UserStreamsError::Store(error)) => assert!(is_away(&error), "{error:?}"),
        other => panic!("stop_active: {other:?}"),
    }
    match store.list_by_user(user(1), &page).await {
        Err(UserStreamsError::Store(error)) => assert!(is_away(&error), "{error:?}"),
        other => panic!("list_by_user: {other:?}"),
    }
    let error = store.find_by_key(&key("mine")).await.expect_err("it is away");
    assert!(is_away(&error), "{error:?}");
    let error = store.list_active(now(), &page).await.expect_err("it is away");
    assert!(is_away(&error), "{error:?}");
    let error = store.expire_overdue(now(), 1).await.expect_err("it is away");
    assert!(is_away(&error), "{error:?}");
}
