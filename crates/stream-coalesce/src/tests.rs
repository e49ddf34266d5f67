//! The law, and what must not affect other callers.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::advance;

use crate::{BatchError, BatchRead, Batcher, Limits, ReadValue, SharedValues};

const LIMITS: Limits =
    Limits { max_waiting: 100, max_batch: 10, slow_after: Duration::from_secs(1), max_slow: 1 };

/// A number that changes, read slowly: a read sees it as it was when the read began, and ends when the test permits.
#[derive(Debug)]
struct Slow {
    number: AtomicU64,
    may_end: Semaphore,
    /// The keys of each read that has begun.
    reads: Mutex<Vec<Vec<&'static str>>>,
}

impl Slow {
    fn batcher(limits: Limits) -> Batcher<Arc<Self>> {
        let slow = Self { number: AtomicU64::new(0), may_end: Semaphore::new(0), reads: Mutex::default() };
        Batcher::new(Arc::new(slow), limits)
    }

    fn reads(&self) -> Vec<Vec<&'static str>> {
        self.reads.lock().unwrap().clone()
    }
}

impl BatchRead for Arc<Slow> {
    type Request = &'static str;
    type Response = u64;
    type Error = &'static str;

    async fn read(&self, keys: Vec<&'static str>) -> Result<Vec<u64>, &'static str> {
        let number = self.number.load(Ordering::SeqCst);
        self.reads.lock().unwrap().push(keys.clone());
        self.may_end.acquire().await.unwrap().forget();
        assert!(!keys.contains(&"panic"), "the read panics");
        if keys.contains(&"fail") { Err("it failed") } else { Ok(vec![number; keys.len()]) }
    }
}

type Submitted = tokio::task::JoinHandle<Result<u64, BatchError<&'static str>>>;

/// Submits a request, and lets every task run that can.
async fn submit(batcher: &Batcher<Arc<Slow>>, key: &'static str) -> Submitted {
    let batcher = batcher.clone();
    let submitted = tokio::spawn(async move { batcher.submit(key).await });
    settle().await;
    submitted
}

async fn settle() {
    for _ in 0..20 {
        yield_now().await;
    }
}

#[tokio::test]
async fn no_response_comes_from_a_read_that_began_before_its_request() {
    let batcher = Slow::batcher(LIMITS);
    let early = submit(&batcher, "a").await;
    batcher.read().number.store(1, Ordering::SeqCst);
    let late = submit(&batcher, "a").await;
    assert_eq!(batcher.read().reads().len(), 1, "the second read waits for the first");
    batcher.read().may_end.add_permits(2);
    assert_eq!(early.await.unwrap(), Ok(0));
    assert_eq!(late.await.unwrap(), Ok(1));
}

#[tokio::test]
async fn requests_during_a_read_share_the_next() {
    let batcher = Slow::batcher(LIMITS);
    let mut submitted = vec![submit(&batcher, "a").await];
    for key in ["b", "c", "b"] {
        submitted.push(submit(&batcher, key).await);
    }
    batcher.read().may_end.add_permits(2);
    for answer in join_all(submitted).await {
        assert_eq!(answer.unwrap(), Ok(0));
    }
    assert_eq!(batcher.read().reads(), [vec!["a"], vec!["b", "c", "b"]]);
    settle().await;
    assert!(batcher.is_idle());
}

#[tokio::test]
async fn a_read_gets_at_most_max_batch_requests() {
    let batcher = Slow::batcher(Limits { max_batch: 2, ..LIMITS });
    let mut submitted = vec![submit(&batcher, "a").await];
    for key in ["b", "c", "d"] {
        submitted.push(submit(&batcher, key).await);
    }
    batcher.read().may_end.add_permits(3);
    for answer in join_all(submitted).await {
        assert_eq!(answer.unwrap(), Ok(0));
    }
    assert_eq!(batcher.read().reads(), [vec!["a"], vec!["b", "c"], vec!["d"]]);
}

#[tokio::test]
async fn a_caller_that_leaves_does_not_cancel_others() {
    let batcher = Slow::batcher(LIMITS);
    let left_while_read = submit(&batcher, "a").await;
    let left_while_waiting = submit(&batcher, "b").await;
    let stays = submit(&batcher, "c").await;
    left_while_read.abort();
    left_while_waiting.abort();
    settle().await;
    batcher.read().may_end.add_permits(2);
    assert_eq!(stays.await.unwrap(), Ok(0));
    assert_eq!(batcher.read().reads(), [vec!["a"], vec!["c"]], "nothing is read for a caller that left");
}

#[tokio::test]
async fn a_read_whose_callers_have_all_left_does_not_begin() {
    let batcher = Slow::batcher(LIMITS);
    let read = submit(&batcher, "a").await;
    submit(&batcher, "b").await.abort();
    settle().await;
    batcher.read().may_end.add_permits(1);
    assert_eq!(read.await.unwrap(), Ok(0));
    settle().await;
    assert!(batcher.is_idle());
    assert_eq!(batcher.read().reads(), [vec!["a"]]);
}

#[tokio::test]
async fn a_read_that_fails_fails_only_its_own_callers() {
    let batcher = Slow::batcher(LIMITS);
    let first = submit(&batcher, "a").await;
    let both = [submit(&batcher, "fail").await, submit(&batcher, "b").await];
    batcher.read().may_end.add_permits(2);
    assert_eq!(first.await.unwrap(), Ok(0));
    for answer in join_all(both).await {
        assert_eq!(answer.unwrap(), Err(BatchError::Failed("it failed")));
    }
    batcher.read().may_end.add_permits(1);
    assert_eq!(batcher.submit("c").await, Ok(0));
}

#[tokio::test]
async fn a_read_that_panics_fails_only_its_own_callers() {
    let batcher = Slow::batcher(LIMITS);
    let panics = submit(&batcher, "panic").await;
    let waits = submit(&batcher, "a").await;
    batcher.read().may_end.add_permits(2);
    assert_eq!(panics.await.unwrap(), Err(BatchError::Abandoned));
    assert_eq!(waits.await.unwrap(), Ok(0));
    settle().await;
    assert!(batcher.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_slow_read_delays_the_next_one_for_slow_after_only() {
    let batcher = Slow::batcher(LIMITS);
    let slow = submit(&batcher, "a").await;
    let waits = submit(&batcher, "b").await;
    advance(LIMITS.slow_after - Duration::from_millis(1)).await;
    settle().await;
    assert_eq!(batcher.read().reads().len(), 1);
    advance(Duration::from_millis(2)).await;
    settle().await;
    assert_eq!(batcher.read().reads(), [vec!["a"], vec!["b"]]);
    // Two are slow, more than may be, so the next request waits for one of them.
    advance(LIMITS.slow_after * 2).await;
    let late = submit(&batcher, "c").await;
    assert_eq!(batcher.read().reads().len(), 2);
    batcher.read().may_end.add_permits(3);
    for answer in join_all([slow, waits, late]).await {
        assert_eq!(answer.unwrap(), Ok(0));
    }
    settle().await;
    assert!(batcher.is_idle());
}

#[tokio::test(start_paused = true)]
async fn a_request_during_a_slow_read_is_read_at_once() {
    let batcher = Slow::batcher(LIMITS);
    let slow = submit(&batcher, "a").await;
    advance(LIMITS.slow_after * 2).await;
    settle().await;
    let next = submit(&batcher, "b").await;
    assert_eq!(batcher.read().reads(), [vec!["a"], vec!["b"]]);
    assert!(!batcher.is_idle());
    batcher.read().may_end.add_permits(2);
    assert_eq!(next.await.unwrap(), Ok(0));
    assert_eq!(slow.await.unwrap(), Ok(0));
}

#[tokio::test]
async fn requests_above_max_waiting_are_refused_at_once() {
    let batcher = Slow::batcher(Limits { max_waiting: 2, ..LIMITS });
    let submitted = [submit(&batcher, "a").await, submit(&batcher, "b").await, submit(&batcher, "c").await];
    assert_eq!(batcher.submit("d").now_or_never(), Some(Err(BatchError::Full)));
    batcher.read().may_end.add_permits(2);
    for answer in join_all(submitted).await {
        assert_eq!(answer.unwrap(), Ok(0));
    }
    batcher.read().may_end.add_permits(1);
    assert_eq!(batcher.submit("d").await, Ok(0), "there is room again");
}

#[test]
fn a_runtime_that_ends_leaves_no_caller_waiting() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (ends, stays) = (runtime(), runtime());
    let batcher = Slow::batcher(LIMITS);
    let read = ends.block_on(submit(&batcher, "a"));
    let waits = stays.block_on(submit(&batcher, "b"));
    drop(read);
    drop(ends);
    assert_eq!(stays.block_on(waits).unwrap(), Err(BatchError::Abandoned));
    batcher.read().may_end.add_permits(1);
    assert_eq!(stays.block_on(batcher.submit("c")), Ok(0), "another runtime takes over");
}

/// A number that is read like a database: as it was at some moment during the read.
struct Busy {
    number: Arc<AtomicU64>,
    reads: AtomicUsize,
}

impl BatchRead for Busy {
    type Request = ();
    type Response = u64;
    type Error = ();

    async fn read(&self, keys: Vec<()>) -> Result<Vec<u64>, ()> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        let number = self.number.load(Ordering::SeqCst);
        yield_now().await;
        Ok(vec![number; keys.len()])
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_thousand_callers_on_many_threads_get_fresh_responses_by_fewer_reads() {
    let number = Arc::new(AtomicU64::new(0));
    let batcher = Batcher::new(Busy { number: number.clone(), reads: AtomicUsize::new(0) }, LIMITS);
    let callers = (0..64).map(|_| {
        let (batcher, number) = (batcher.clone(), number.clone());
        tokio::spawn(async move {
            for _ in 0..160 {
                let before = number.fetch_add(1, Ordering::SeqCst) + 1;
                let answer = batcher.submit(()).await.unwrap();
                assert!(answer >= before, "{answer} is older than {before}");
            }
        })
    });
    for caller in join_all(callers).await {
        caller.unwrap();
    }
    let reads = batcher.read().reads.load(Ordering::Relaxed);
    assert!(reads < 64 * 160 / 2, "{reads} reads for {} callers", 64 * 160);
}

#[test]
fn a_batcher_with_a_runtime_of_its_own_outlives_its_callers_runtimes() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let own = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let slow = Slow { number: AtomicU64::new(0), may_end: Semaphore::new(0), reads: Mutex::default() };
    let batcher = Batcher::on(own.handle().clone(), Arc::new(slow), LIMITS);
    let (ends, stays) = (runtime(), runtime());
    drop(ends.block_on(submit(&batcher, "a")));
    let waits = stays.block_on(submit(&batcher, "b"));
    drop(ends);
    batcher.read().may_end.add_permits(2);
    assert_eq!(stays.block_on(waits).unwrap(), Ok(0));
    drop(own);
    assert_eq!(stays.block_on(batcher.submit("c")), Err(BatchError::Abandoned), "its own runtime has ended");
}

/// Answers a key with the time at which it was read, and counts.
#[derive(Default)]
struct Counted(AtomicUsize);

impl ReadValue for Counted {
    type Key = &'static str;
    type Time = u32;
    type Value = String;
    type Error = &'static str;

    async fn read_value(&self, key: &'static str, time: u32) -> Result<String, &'static str> {
        self.0.fetch_add(1, Ordering::SeqCst);
        if key == "fail" { Err("it failed") } else { Ok(format!("{key} at {time}")) }
    }
}

#[tokio::test]
async fn a_batch_reads_each_value_once_at_the_last_of_its_times() {
    let values = SharedValues::new(Counted::default());
    let read = values.read(vec![("a", 1), ("b", 5), ("a", 3), ("a", 2)]).await.unwrap();
    assert_eq!(
        read.iter().map(|value| value.as_str()).collect::<Vec<_>>(),
        ["a at 3", "b at 5", "a at 3", "a at 3"]
    );
    assert!(Arc::ptr_eq(&read[0], &read[2]));
    assert_eq!(values.reader.0.load(Ordering::SeqCst), 2);
    let again = values.read(vec![("a", 3)]).await.unwrap();
    assert!(Arc::ptr_eq(&read[0], &again[0]), "read anew, and equal");
    assert!(Arc::ptr_eq(&read[0], &values.share("a", "a at 3".to_owned())));
    assert_eq!(values.read(vec![("a", 4), ("fail", 4)]).await, Err("it failed"));
}

#[test]
fn an_equal_value_is_the_same_arc_while_it_is_in_use() {
    let values = SharedValues::new(Counted::default());
    let one = || "1".to_owned();
    let first = values.share("a", one());
    assert!(Arc::ptr_eq(&first, &values.share("a", one())));
    assert!(!Arc::ptr_eq(&first, &values.share("b", one())), "another key");
    let changed = values.share("a", "2".to_owned());
    assert_eq!(*changed, "2");
    assert!(!Arc::ptr_eq(&first, &values.share("a", one())), "the last value counts");
}

#[test]
fn no_value_is_kept_alive_and_unused_keys_are_forgotten() {
    let values = SharedValues::new(Counted::default());
    let kept = values.share("kept", "kept".to_owned());
    for key in 1..10_000 {
        let key: &str = key.to_string().leak();
        let value = values.share(key, "passing".to_owned());
        let unused = Arc::downgrade(&value);
        drop(value);
        assert!(unused.upgrade().is_none());
    }
    assert!(values.handed_out().len() < 100);
    assert!(Arc::ptr_eq(&kept, &values.share("kept", "kept".to_owned())));
}
