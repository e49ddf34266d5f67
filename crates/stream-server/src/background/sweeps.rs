//! Sweeps: what expires by itself is written down, and memory that is no longer needed is freed.

use std::time::Duration;

use stream_domain::ports::chain_of;
use stream_domain::{Broadcasts, Keys, Schedules};
use stream_http::Limits;
use stream_metrics::TaskMeter;
use tokio::time::Instant;

use crate::background::ticks::every;

/// How long media servers have, after a start, to report who is live before sessions are ended as lost.
const FIRST_SESSION_SWEEP: Duration = Duration::from_secs(10);

/// How often the limits forget users and clients that sent nothing lately.
const LIMIT_INTERVAL: Duration = Duration::from_secs(30);

/// Frees the memory of the limits, again and again.
pub(super) async fn forget_quiet_users(limits: Limits, meter: TaskMeter) {
    let mut ticks = every(LIMIT_INTERVAL);
    loop {
        ticks.tick().await;
        limits.forget_quiet();
        meter.succeeded();
    }
}

/// Marks expired streams in the database once each period.
pub(super) async fn sweep_streams(keys: Keys, period: Duration, meter: TaskMeter) {
    let mut ticks = every(period);
    loop {
        ticks.tick().await;
        match keys.sweep().await {
            Ok(expired) => {
                meter.succeeded();
                if expired > 0 {
                    tracing::info!(expired, "marked expired streams");
                }
            }
            Err(error) => {
                meter.failed();
                tracing::warn!(error = chain_of(&error), "could not mark expired streams; trying again");
            }
        }
    }
}

/// Forgets schedules that ended long ago, once each period.
pub(super) async fn sweep_schedules(schedules: Schedules, period: Duration, meter: TaskMeter) {
    let mut ticks = every(period);
    loop {
        ticks.tick().await;
        match schedules.sweep().await {
            Ok(()) => meter.succeeded(),
            Err(error) => {
                meter.failed();
                tracing::warn!(error = chain_of(&error), "could not forget old schedules; trying again");
            }
        }
    }
}

/// Ends sessions whose lease expired, once each period.
pub(super) async fn sweep_sessions(broadcasts: Broadcasts, period: Duration, meter: TaskMeter) {
    let began = Instant::now();
    let mut ticks = every(period);
    loop {
        ticks.tick().await;
        // A media server that still lists a publisher renews its lease first.
        if began.elapsed() < FIRST_SESSION_SWEEP {
            continue;
        }
        match broadcasts.sweep().await {
            Ok(lost) => {
                meter.succeeded();
                if lost > 0 {
                    tracing::info!(lost, "ended sessions whose lease expired");
                }
            }
            Err(error) => {
                meter.failed();
                tracing::warn!(
                    error = chain_of(&error),
                    "could not end sessions whose lease expired; trying again"
                );
            }
        }
    }
}
