//! A timer for tasks that repeat.

use std::time::Duration;

use tokio::time::{Interval, MissedTickBehavior, interval};

/// Ticks now and then once each period; a tick that was missed delays the next ones instead of bunching them.
pub(super) fn every(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
