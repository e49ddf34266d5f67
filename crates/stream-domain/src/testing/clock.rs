//! A clock that stands still until it is told to move.

use std::sync::atomic::{AtomicI64, Ordering};

use time::Duration;

use crate::Timestamp;
use crate::ports::Clock;

/// A [`Clock`] for tests: it starts at 2026-01-02T03:04:05.678901Z.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl Default for ManualClock {
    fn default() -> Self {
        Self(AtomicI64::new(1_767_323_045_678_901))
    }
}

impl ManualClock {
    /// Moves the clock, back as well for a negative duration.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.whole_microseconds()).expect("tests stay within the calendar");
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_unix_micros(self.0.load(Ordering::SeqCst)).expect("tests stay within the calendar")
    }
}
