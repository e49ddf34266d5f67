//! Tasks that panic once, for a while, and for good.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use stream_domain::testing::SeededEntropy;
use stream_http::NotReady;
use stream_metrics::TaskMetrics;

use super::*;

/// A ready service with a task that panics at its first starts, as many as are told, and then runs on.
struct World {
    readiness: Readiness,
    starts: Arc<AtomicU32>,
    /// Ends the task when it goes.
    _tasks: JoinSet<()>,
}

impl World {
    fn with_panics(panics: u32) -> Self {
        let (readiness, starts) = (Readiness::starting(), Arc::new(AtomicU32::new(0)));
        readiness.ready();
        let (watched, counted) = (readiness.clone(), starts.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let make = || {
                let start = counted.fetch_add(1, Ordering::SeqCst);
                async move {
                    assert!(start >= panics, "injected");
                    std::future::pending::<()>().await;
                }
            };
            keep(&TaskMetrics::default().of("injected"), watched, &SeededEntropy::default(), make).await;
        });
        Self { readiness, starts, _tasks: tasks }
    }

    fn starts(&self) -> u32 {
        self.starts.load(Ordering::SeqCst)
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_panics_starts_again() {
    let world = World::with_panics(1);
    sleep(Duration::from_secs(1)).await;
    assert_eq!((world.starts(), world.readiness.not_ready_reason()), (2, None));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_keeps_panicking_makes_the_service_not_ready_until_it_runs_again() {
    let world = World::with_panics(8);
    while world.starts() <= 5 {
        assert_eq!(world.readiness.not_ready_reason(), None, "after {} starts", world.starts());
        sleep(Duration::from_millis(10)).await;
        if world.readiness.not_ready_reason().is_some() {
            break;
        }
    }
    assert_eq!((world.starts(), world.readiness.not_ready_reason()), (5, Some(NotReady::TaskFailed)));
    while world.starts() < 9 {
        assert_eq!(world.readiness.not_ready_reason(), Some(NotReady::TaskFailed));
        sleep(Duration::from_secs(1)).await;
    }
    sleep(HEALTHY_AFTER + Duration::from_secs(1)).await;
    assert_eq!((world.starts(), world.readiness.not_ready_reason()), (9, None));
}

#[tokio::test(start_paused = true)]
async fn a_task_that_never_runs_again_is_tried_for_as_long_as_the_service_runs() {
    let world = World::with_panics(u32::MAX);
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(world.readiness.not_ready_reason(), Some(NotReady::TaskFailed));
    // Every ten seconds at the most, and every five at the least.
    assert!((360..=730).contains(&world.starts()), "{}", world.starts());
}

#[tokio::test(start_paused = true)]
async fn a_task_that_ends_by_itself_is_not_started_again() {
    let readiness = Readiness::starting();
    let starts = AtomicU32::new(0);
    let make = || {
        starts.fetch_add(1, Ordering::SeqCst);
        async {}
    };
    keep(&TaskMetrics::default().of("short"), readiness, &SeededEntropy::default(), make).await;
    assert_eq!(starts.load(Ordering::SeqCst), 1);
}
