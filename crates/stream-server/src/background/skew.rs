//! Clock skew between this machine and the database.
//!
//! Leases and expiries are compared with each instance's own clock, so clocks that disagree end sessions too early or
//! too late; docs/operations/scale.md says by how much they may.

use std::sync::Arc;
use std::time::Duration;

use stream_domain::Timestamp;
use stream_domain::ports::{Clock, StoreError, StoreHealth, chain_of};
use stream_metrics::{ServiceMetrics, TaskMeter};

use crate::background::ticks::every;

/// How often the clocks are compared.
const INTERVAL: Duration = Duration::from_secs(60);

/// The skew from which the log warns: half of what leases tolerate.
const WARN_FROM: time::Duration = time::Duration::seconds(2);

/// The skew that leases no longer tolerate: they run for 12 seconds and are renewed after 8 at the latest.
const TOO_MUCH_FROM: time::Duration = time::Duration::seconds(4);

/// Compares the clocks once a minute and logs each change; returns at once for a store without a clock of its own.
pub(super) async fn watch(
    store: Arc<dyn StoreHealth>,
    clock: Arc<dyn Clock>,
    service: ServiceMetrics,
    meter: TaskMeter,
) {
    let mut ticks = every(INTERVAL);
    let mut before = Degree::Tolerable;
    loop {
        ticks.tick().await;
        match measure(&*store, &*clock).await {
            Ok(None) => return,
            Ok(Some(skew)) => {
                let degree = skew.degree();
                meter.succeeded();
                service.set_skew(skew.ahead);
                skew.log(degree, before);
                before = degree;
            }
            // Readiness and requests report a database that is away.
            Err(error) => {
                meter.failed();
                tracing::debug!(error = chain_of(&error), "the clocks could not be compared");
            }
        }
    }
}

/// How bad a skew is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Degree {
    Tolerable,
    Noticeable,
    TooMuch,
}

/// The difference between two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Skew {
    /// How far the database's clock is ahead of this machine's.
    pub(crate) ahead: time::Duration,
    /// By how much that may be wrong, because of the time that the answer took.
    uncertainty: time::Duration,
}

impl Skew {
    fn between(asked: Timestamp, theirs: Timestamp, answered: Timestamp) -> Self {
        let micros = |later: Timestamp, earlier: Timestamp| {
            time::Duration::microseconds(later.unix_micros() - earlier.unix_micros())
        };
        let uncertainty = micros(answered, asked).abs() / 2;
        Self { ahead: micros(theirs, asked) - micros(answered, asked) / 2, uncertainty }
    }

    /// The least difference that is certain.
    fn certainly(self) -> time::Duration {
        (self.ahead.abs() - self.uncertainty).max(time::Duration::ZERO)
    }

    /// How bad it is.
    pub(crate) fn degree(self) -> Degree {
        match self.certainly() {
            skew if skew >= TOO_MUCH_FROM => Degree::TooMuch,
            skew if skew >= WARN_FROM => Degree::Noticeable,
            _ => Degree::Tolerable,
        }
    }

    /// Logs what is worse than before, or tolerable again.
    fn log(self, degree: Degree, before: Degree) {
        let skew_ms = i64::try_from(self.ahead.whole_milliseconds()).unwrap_or(i64::MAX);
        let uncertainty_ms = i64::try_from(self.uncertainty.whole_milliseconds()).unwrap_or(i64::MAX);
        match degree {
            Degree::TooMuch if degree > before => tracing::error!(
                skew_ms,
                uncertainty_ms,
                "the clock of this machine and the database's are further apart than leases tolerate: sessions end \
                 too early or too late; synchronise the clocks, with NTP for example"
            ),
            Degree::Noticeable if degree > before => tracing::warn!(
                skew_ms,
                uncertainty_ms,
                "the clock of this machine and the database's drift apart; from 4 seconds on sessions end too early \
                 or too late; synchronise the clocks, with NTP for example"
            ),
            Degree::Tolerable if degree < before => {
                tracing::info!(skew_ms, uncertainty_ms, "the clocks agree again");
            }
            _ => tracing::debug!(skew_ms, uncertainty_ms, "compared the clocks"),
        }
    }
}

/// Asks the store for its time; `None` if it has no clock of its own.
pub(crate) async fn measure(store: &dyn StoreHealth, clock: &dyn Clock) -> Result<Option<Skew>, StoreError> {
    let asked = clock.now();
    let theirs = store.clock().await?;
    Ok(theirs.map(|theirs| Skew::between(asked, theirs, clock.now())))
}

#[cfg(test)]
mod tests;
