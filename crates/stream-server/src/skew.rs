//! How far this machine's clock is from the database's.
//!
//! Leases and expiries are compared with each instance's own clock, so clocks that disagree end sessions too early or
//! too late; docs/operations.md says by how much they may.

use std::sync::Arc;
use std::time::Duration;

use stream_domain::Timestamp;
use stream_domain::ports::{Clock, StoreError, StoreHealth, chain_of};
use tokio::time::{MissedTickBehavior, interval};

/// How often the clocks are compared.
const INTERVAL: Duration = Duration::from_secs(60);

/// From this difference on the log warns; half of what leases tolerate.
const WARNED_FROM: time::Duration = time::Duration::seconds(2);

/// What leases tolerate: they run for 12 seconds and are renewed at the latest when 8 have passed.
const TOLERATED_BELOW: time::Duration = time::Duration::seconds(4);

/// Compares the clocks about once a minute; returns at once for a store without a clock of its own.
pub(crate) async fn watch(store: Arc<dyn StoreHealth>, clock: Arc<dyn Clock>) {
    let mut ticks = interval(INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut before = Degree::Fine;
    loop {
        ticks.tick().await;
        match measure(&*store, &*clock).await {
            Ok(None) => return,
            Ok(Some(skew)) => {
                let degree = skew.degree();
                skew.tell(degree, before);
                before = degree;
            }
            // Readiness and requests tell of a database that is away.
            Err(error) => tracing::debug!(error = chain_of(&error), "the clocks could not be compared"),
        }
    }
}

/// How bad a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Degree {
    Fine,
    Warned,
    BeyondLeases,
}

/// The difference of two clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Skew {
    /// How far the database's clock is ahead of this machine's.
    ahead: time::Duration,
    /// By how much that may be wrong, since the answer took its time.
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

    /// The difference that there is at least.
    fn certainly(self) -> time::Duration {
        (self.ahead.abs() - self.uncertainty).max(time::Duration::ZERO)
    }

    fn degree(self) -> Degree {
        match self.certainly() {
            skew if skew >= TOLERATED_BELOW => Degree::BeyondLeases,
            skew if skew >= WARNED_FROM => Degree::Warned,
            _ => Degree::Fine,
        }
    }

    /// Says what is worse than before, or fine again.
    fn tell(self, degree: Degree, before: Degree) {
        let skew_ms = i64::try_from(self.ahead.whole_milliseconds()).unwrap_or(i64::MAX);
        let uncertainty_ms = i64::try_from(self.uncertainty.whole_milliseconds()).unwrap_or(i64::MAX);
        match degree {
            Degree::BeyondLeases if degree > before => tracing::error!(
                skew_ms,
                uncertainty_ms,
                "the clock of this machine and the database's are further apart than leases tolerate: sessions end \
                 too early or too late; synchronise the clocks, with NTP for example"
            ),
            Degree::Warned if degree > before => tracing::warn!(
                skew_ms,
                uncertainty_ms,
                "the clock of this machine and the database's drift apart; from 4 seconds on sessions end too early \
                 or too late; synchronise the clocks, with NTP for example"
            ),
            Degree::Fine if degree < before => {
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
