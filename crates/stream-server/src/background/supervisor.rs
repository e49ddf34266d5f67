//! Restarts background tasks that panic; one that keeps panicking makes the service not ready.

use std::collections::VecDeque;
use std::time::Duration;

use stream_domain::ports::{Entropy, jittered};
use stream_http::Readiness;
use stream_metrics::TaskMeter;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// The pauses before a restart: from the first to the longest, doubling.
const PAUSES: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(10);

/// A task that panics this often within [`WINDOW`] has failed.
const MAX_PANICS: usize = 5;

/// The period in which panics are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// A task that has failed and then runs for this long is healthy again.
const HEALTHY_AFTER: Duration = Duration::from_secs(30);

/// Runs a task until it returns; after a panic it starts again, with growing pauses.
///
/// The panic itself is logged where it happens, see [`crate::telemetry`].
/// Dropping the returned future ends the task.
pub(super) async fn keep<F>(
    meter: &TaskMeter,
    readiness: Readiness,
    entropy: &dyn Entropy,
    make: impl Fn() -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let name = meter.task();
    let mut panics: VecDeque<Instant> = VecDeque::new();
    let mut has_failed = false;
    loop {
        let mut task = JoinSet::new();
        task.spawn(make());
        let mut ended = if has_failed { timeout(HEALTHY_AFTER, task.join_next()).await.ok() } else { None };
        if ended.is_none() {
            if has_failed {
                has_failed = false;
                panics.clear();
                readiness.task_failed(name, false);
                tracing::info!(task = name, "the background task runs again");
            }
            ended = Some(task.join_next().await);
        }
        if !matches!(ended, Some(Some(Err(error))) if error.is_panic()) {
            if has_failed {
                readiness.task_failed(name, false);
            }
            return;
        }
        panics.push_back(Instant::now());
        meter.restarted();
        while panics.front().is_some_and(|first| first.elapsed() > WINDOW) {
            panics.pop_front();
        }
        if panics.len() >= MAX_PANICS && !has_failed {
            has_failed = true;
            readiness.task_failed(name, true);
            tracing::error!(
                task = name,
                "the background task keeps panicking: not ready until it runs again"
            );
        }
        let doublings = u32::try_from(panics.len() - 1).unwrap_or(u32::MAX).min(10);
        let pause = jittered(PAUSES.start().saturating_mul(1 << doublings).min(*PAUSES.end()), entropy);
        tracing::error!(
            task = name,
            panics = panics.len(),
            pause_ms = pause.as_millis(),
            "a background task panicked and starts again"
        );
        sleep(pause).await;
    }
}

#[cfg(test)]
mod tests;
