//! Clocks that agree, clocks that do not, and answers too slow to tell.

use stream_domain::ports::UsersTable;
use stream_domain::testing::ManualClock;
use stream_metrics::TaskMetrics;
use time::ext::NumericalDuration as _;

use super::*;
use crate::telemetry::tests::Written;

/// A store whose clock is ahead, and whose answer takes a while.
struct Store {
    clock: Arc<ManualClock>,
    ahead: time::Duration,
    takes: time::Duration,
}

#[async_trait::async_trait]
impl StoreHealth for Store {
    async fn check(&self) -> Result<UsersTable, StoreError> {
        Ok(UsersTable::NotUsed)
    }

    async fn clock(&self) -> Result<Option<Timestamp>, StoreError> {
        self.clock.advance(self.takes / 2);
        let theirs = self.clock.now().plus(self.ahead);
        self.clock.advance(self.takes / 2);
        Ok(Some(theirs))
    }
}

async fn measured(ahead: time::Duration, takes: time::Duration) -> Skew {
    let clock = Arc::new(ManualClock::default());
    let store = Store { clock: clock.clone(), ahead, takes };
    measure(&store, &*clock).await.unwrap().unwrap()
}

#[tokio::test]
async fn the_time_that_the_answer_takes_does_not_count_as_skew() {
    for ahead in [0.seconds(), 3.seconds(), (-3).seconds(), 3600.seconds()] {
        let skew = measured(ahead, 800.milliseconds()).await;
        assert_eq!(skew, Skew { ahead, uncertainty: 400.milliseconds() });
    }
}

#[tokio::test]
async fn a_difference_counts_only_as_far_as_it_is_certain() {
    assert_eq!(measured(3.seconds(), 1.seconds()).await.certainly(), 2_500.milliseconds());
    assert_eq!(measured((-3).seconds(), 1.seconds()).await.certainly(), 2_500.milliseconds());
    assert_eq!(measured(3.seconds(), 10.seconds()).await.certainly(), 0.seconds());
}

#[tokio::test]
async fn a_store_without_a_clock_of_its_own_ends_the_watch() {
    let store = Arc::new(stream_domain::testing::MemoryStore::default());
    watch(
        store,
        Arc::new(ManualClock::default()),
        ServiceMetrics::default(),
        TaskMetrics::default().of("comparing clocks"),
    )
    .await;
}

/// A store whose clock is off by the next of these at each look.
struct Drifting {
    clock: Arc<ManualClock>,
    ahead: std::sync::Mutex<std::vec::IntoIter<i64>>,
}

#[async_trait::async_trait]
impl StoreHealth for Drifting {
    async fn check(&self) -> Result<UsersTable, StoreError> {
        Ok(UsersTable::NotUsed)
    }

    async fn clock(&self) -> Result<Option<Timestamp>, StoreError> {
        let next = self.ahead.lock().unwrap().next();
        Ok(next.map(|millis| self.clock.now().plus(millis.milliseconds())))
    }
}

#[tokio::test(start_paused = true)]
async fn each_change_is_logged_once_and_as_an_error_where_leases_no_longer_tolerate_it() {
    let (written, _guard) = Written::begin();
    let clock = Arc::new(ManualClock::default());
    let ahead = vec![0, 1_999, 2_000, 2_500, -3_000, 4_500, 3_000, 100, -4_000, -3_600_000, 0];
    let store = Drifting { clock: clock.clone(), ahead: std::sync::Mutex::new(ahead.into_iter()) };
    watch(Arc::new(store), clock, ServiceMetrics::default(), TaskMetrics::default().of("test")).await;
    let told: Vec<serde_json::Value> =
        written.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let told: Vec<(&str, i64)> = told
        .iter()
        .map(|line| (line["level"].as_str().unwrap(), line["skew_ms"].as_i64().unwrap()))
        .filter(|(level, _)| *level != "DEBUG")
        .collect();
    assert_eq!(told, [("WARN", 2_000), ("ERROR", 4_500), ("INFO", 100), ("ERROR", -4_000), ("INFO", 0)]);
}
