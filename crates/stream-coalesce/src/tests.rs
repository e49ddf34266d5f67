//! The law, and what must not take a caller's neighbours along.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::advance;

use crate::{Known, Lane, Lanes, Limits, Source, Unanswered};

const LIMITS: Limits = Limits { waiting: 100, at_once: 10, patience: Duration::from_secs(1), overdue: 1 };

/// A number that changes, read slowly: a reading sees it as it was when the reading began, and ends when it is let.
#[derive(Debug)]
struct Slow {
    number: AtomicU64,
    may_end: Semaphore,
    /// The keys of each reading that has begun.
    readings: Mutex<Vec<Vec<&'static str>>>,
}

impl Slow {
    fn lane(limits: Limits) -> Lane<Arc<Self>> {
        let slow = Self { number: AtomicU64::new(0), may_end: Semaphore::new(0), readings: Mutex::default() };
        Lane::new(Arc::new(slow), limits)
    }

    fn readings(&self) -> Vec<Vec<&'static str>> {
        self.readings.lock().unwrap().clone()
    }
}

impl Source for Arc<Slow> {
    type Question = &'static str;
    type Answer = u64;
    type Error = &'static str;

    async fn answer(&self, keys: Vec<&'static str>) -> Result<Vec<u64>, &'static str> {
        let number = self.number.load(Ordering::SeqCst);
        self.readings.lock().unwrap().push(keys.clone());
        self.may_end.acquire().await.unwrap().forget();
        assert!(!keys.contains(&"panic"), "a reading panics");
        if keys.contains(&"fail") { Err("it failed") } else { Ok(vec![number; keys.len()]) }
    }
}

type Asked = tokio::task::JoinHandle<Result<u64, Unanswered<&'static str>>>;

/// Asks, and has everything run that can.
async fn ask(lane: &Lane<Arc<Slow>>, key: &'static str) -> Asked {
    let lane = lane.clone();
    let asked = tokio::spawn(async move { lane.ask(key).await });
    settle().await;
    asked
}

async fn settle() {
    for _ in 0..20 {
        yield_now().await;
    }
}

#[tokio::test]
async fn no_answer_comes_from_a_reading_that_began_before_it_was_asked_for() {
    let lane = Slow::lane(LIMITS);
    let early = ask(&lane, "a").await;
    lane.source().number.store(1, Ordering::SeqCst);
    let late = ask(&lane, "a").await;
    assert_eq!(lane.source().readings().len(), 1, "the second reading waits for the first");
    lane.source().may_end.add_permits(2);
    assert_eq!(early.await.unwrap(), Ok(0));
    assert_eq!(late.await.unwrap(), Ok(1));
}

#[tokio::test]
async fn those_who_ask_during_a_reading_share_the_next() {
    let lane = Slow::lane(LIMITS);
    let mut asked = vec![ask(&lane, "a").await];
    for key in ["b", "c", "b"] {
        asked.push(ask(&lane, key).await);
    }
    lane.source().may_end.add_permits(2);
    for answer in join_all(asked).await {
        assert_eq!(answer.unwrap(), Ok(0));
    }
    assert_eq!(lane.source().readings(), [vec!["a"], vec!["b", "c", "b"]]);
    settle().await;
    assert!(lane.is_idle());
}

#[tokio::test]
async fn a_reading_is_given_no_more_keys_than_it_may_have() {
    let lane = Slow::lane(Limits { at_once: 2, ..LIMITS });
    let mut asked = vec![ask(&lane, "a").await];
    for key in ["b", "c", "d"] {
        asked.push(ask(&lane, key).await);
    }
    lane.source().may_end.add_permits(3);
    for answer in join_all(asked).await {
        assert_eq!(answer.unwrap(), Ok(0));
    }
    assert_eq!(lane.source().readings(), [vec!["a"], vec!["b", "c"], vec!["d"]]);
}

#[tokio::test]
async fn a_caller_that_goes_away_takes_nobody_along() {
    let lane = Slow::lane(LIMITS);
    let gone_while_read = ask(&lane, "a").await;
    let gone_while_waiting = ask(&lane, "b").await;
    let stays = ask(&lane, "c").await;
    gone_while_read.abort();
    gone_while_waiting.abort();
    settle().await;
    lane.source().may_end.add_permits(2);
    assert_eq!(stays.await.unwrap(), Ok(0));
    assert_eq!(lane.source().readings(), [vec!["a"], vec!["c"]], "nobody reads for who is gone");
}

#[tokio::test]
async fn a_reading_for_callers_who_are_all_gone_does_not_begin() {
    let lane = Slow::lane(LIMITS);
    let read = ask(&lane, "a").await;
    ask(&lane, "b").await.abort();
    settle().await;
    lane.source().may_end.add_permits(1);
    assert_eq!(read.await.unwrap(), Ok(0));
    settle().await;
    assert!(lane.is_idle());
    assert_eq!(lane.source().readings(), [vec!["a"]]);
}

#[tokio::test]
async fn a_reading_that_fails_fails_its_own_callers_alone() {
    let lane = Slow::lane(LIMITS);
    let first = ask(&lane, "a").await;
    let both = [ask(&lane, "fail").await, ask(&lane, "b").await];
    lane.source().may_end.add_permits(2);
    assert_eq!(first.await.unwrap(), Ok(0));
    for answer in join_all(both).await {
        assert_eq!(answer.unwrap(), Err(Unanswered::Failed("it failed")));
    }
    lane.source().may_end.add_permits(1);
    assert_eq!(lane.ask("c").await, Ok(0));
}

#[tokio::test]
async fn a_reading_that_panics_takes_only_its_own_callers_along() {
    let lane = Slow::lane(LIMITS);
    let panics = ask(&lane, "panic").await;
    let waits = ask(&lane, "a").await;
    lane.source().may_end.add_permits(2);
    assert_eq!(panics.await.unwrap(), Err(Unanswered::Abandoned));
    assert_eq!(waits.await.unwrap(), Ok(0));
    settle().await;
    assert!(lane.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_slow_reading_keeps_the_next_one_waiting_for_so_long_only() {
    let lane = Slow::lane(LIMITS);
    let slow = ask(&lane, "a").await;
    let waits = ask(&lane, "b").await;
    advance(LIMITS.patience - Duration::from_millis(1)).await;
    settle().await;
    assert_eq!(lane.source().readings().len(), 1);
    advance(Duration::from_millis(2)).await;
    settle().await;
    assert_eq!(lane.source().readings(), [vec!["a"], vec!["b"]]);
    // As many are overdue as may be, so whoever comes now waits for one of them.
    advance(LIMITS.patience * 2).await;
    let late = ask(&lane, "c").await;
    assert_eq!(lane.source().readings().len(), 2);
    lane.source().may_end.add_permits(3);
    for answer in join_all([slow, waits, late]).await {
        assert_eq!(answer.unwrap(), Ok(0));
    }
    settle().await;
    assert!(lane.is_idle());
}

#[tokio::test(start_paused = true)]
async fn who_asks_during_an_overdue_reading_is_read_for_at_once() {
    let lane = Slow::lane(LIMITS);
    let slow = ask(&lane, "a").await;
    advance(LIMITS.patience * 2).await;
    settle().await;
    let next = ask(&lane, "b").await;
    assert_eq!(lane.source().readings(), [vec!["a"], vec!["b"]]);
    assert!(!lane.is_idle());
    lane.source().may_end.add_permits(2);
    assert_eq!(next.await.unwrap(), Ok(0));
    assert_eq!(slow.await.unwrap(), Ok(0));
}

#[tokio::test]
async fn past_the_bound_callers_are_sent_away_at_once() {
    let lane = Slow::lane(Limits { waiting: 2, ..LIMITS });
    let asked = [ask(&lane, "a").await, ask(&lane, "b").await, ask(&lane, "c").await];
    assert_eq!(lane.ask("d").now_or_never(), Some(Err(Unanswered::Full)));
    lane.source().may_end.add_permits(2);
    for answer in join_all(asked).await {
        assert_eq!(answer.unwrap(), Ok(0));
    }
    lane.source().may_end.add_permits(1);
    assert_eq!(lane.ask("d").await, Ok(0), "there is room again");
}

#[test]
fn a_runtime_that_ends_leaves_nobody_waiting() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (ends, stays) = (runtime(), runtime());
    let lane = Slow::lane(LIMITS);
    let read = ends.block_on(ask(&lane, "a"));
    let waits = stays.block_on(ask(&lane, "b"));
    drop(read);
    drop(ends);
    assert_eq!(stays.block_on(waits).unwrap(), Err(Unanswered::Abandoned));
    lane.source().may_end.add_permits(1);
    assert_eq!(stays.block_on(lane.ask("c")), Ok(0), "another runtime reads on");
}

/// A number that is read as a database is: as it was at some moment during the reading.
struct Busy {
    number: Arc<AtomicU64>,
    readings: AtomicUsize,
}

impl Source for Busy {
    type Question = ();
    type Answer = u64;
    type Error = ();

    async fn answer(&self, keys: Vec<()>) -> Result<Vec<u64>, ()> {
        self.readings.fetch_add(1, Ordering::Relaxed);
        let number = self.number.load(Ordering::SeqCst);
        yield_now().await;
        Ok(vec![number; keys.len()])
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_callers_on_many_threads_are_answered_freshly_by_fewer_readings() {
    let number = Arc::new(AtomicU64::new(0));
    let source = || Busy { number: number.clone(), readings: AtomicUsize::new(0) };
    let lanes = Lanes::new(vec![Lane::new(source(), LIMITS), Lane::new(source(), LIMITS)]);
    let callers = (0..64).map(|_| {
        let (lanes, number) = (lanes.clone(), number.clone());
        tokio::spawn(async move {
            for _ in 0..160 {
                let before = number.fetch_add(1, Ordering::SeqCst) + 1;
                let answer = lanes.ask(()).await.unwrap();
                assert!(answer >= before, "{answer} is older than {before}");
            }
        })
    });
    for caller in join_all(callers).await {
        caller.unwrap();
    }
    let readings: usize = lanes.iter().map(|lane| lane.source().readings.load(Ordering::Relaxed)).sum();
    assert!(readings < 64 * 160 / 2, "{readings} readings for {} callers", 64 * 160);
}

#[test]
fn what_is_known_is_forgotten_at_another_moment() {
    let mut known = Known::new(100);
    assert!(!known.is_now(Some(1)));
    known.learn("a", "then", 1);
    assert!(known.is_now(Some(1)));
    assert_eq!(known.get(&"a"), Some(&"then"));
    assert!(!known.is_now(Some(2)));
    assert_eq!(known.get(&"a"), None);
}

#[test]
fn a_moment_that_cannot_be_told_from_others_lets_nothing_be_known() {
    let mut known = Known::<u32, _, _>::new(100);
    assert!(!known.is_now(None));
    known.learn("a", "then", 1);
    assert!(!known.is_now(None));
    assert_eq!(known.get(&"a"), None);
}

#[test]
fn what_is_asked_about_stays_known_among_much_that_is_not() {
    let mut known = Known::new(100);
    known.is_now(Some(1));
    known.learn(0, "kept", 1);
    for number in 1..10_000 {
        assert_eq!(known.get(&0), Some(&"kept"), "{number}");
        known.learn(number, "passing", 1);
    }
    let remembered = (1..10_000).filter(|number| known.get(number).is_some()).count();
    assert!((25..=100).contains(&remembered), "{remembered}");
    known.learn(10_000, "too much", 51);
    assert_eq!(known.get(&10_000), None);
}
