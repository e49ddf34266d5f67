//! Migrating the database at start, with retries for as long as it takes.

use std::sync::Arc;
use std::time::Duration;

use stream_domain::ports::{StoreError, StoreHealth, chain_of, jittered};
use stream_http::{NotReady, Readiness};
use stream_metrics::TaskMeter;
use tokio::time::{Instant, sleep};

use crate::store::Store;
use crate::system::OsEntropy;

/// The pauses between attempts to reach a database that is away at start: from the first to the longest.
const PAUSES: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(10);

/// When the same error is logged again.
const LOG_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Migrates; retries with growing pauses while the database is away or cannot be used.
pub(super) async fn prepare(
    store: Store,
    health: Arc<dyn StoreHealth>,
    readiness: Readiness,
    meter: TaskMeter,
) {
    let mut pause = *PAUSES.start();
    let mut log = ErrorLog::default();
    loop {
        match attempt(&store, &*health, &readiness).await {
            Ok(done) => {
                meter.succeeded();
                if done.is_empty() {
                    return tracing::info!("the database is up to date");
                }
                return tracing::info!(migrations = done.join(", "), "migrated the database");
            }
            Err(error) => {
                meter.failed();
                log.report(&error);
            }
        }
        sleep(jittered(pause, &OsEntropy)).await;
        pause = (pause * 2).min(*PAUSES.end());
    }
}

/// Migrates if the database answers, and reports to readiness what it is waiting for.
async fn attempt(
    store: &Store,
    health: &dyn StoreHealth,
    readiness: &Readiness,
) -> Result<Vec<String>, StoreError> {
    health.clock().await.inspect_err(|error| readiness.still_starting(NotReady::from(error)))?;
    // Here, or by another instance, for which this one waits.
    readiness.still_starting(NotReady::Migrating);
    store.migrate().await.inspect_err(|error| {
        // It has just answered: if it is unavailable now, it is busy, or another client holds a lock.
        if !matches!(error, StoreError::Unavailable(_)) {
            readiness.still_starting(NotReady::from(error));
        }
    })
}

/// The error that was logged last, so that a database that is away for a day does not fill the log.
#[derive(Default)]
struct ErrorLog(Option<(String, Instant)>);

impl ErrorLog {
    /// Logs the error with its cure, unless it was logged a moment ago.
    fn report(&mut self, error: &StoreError) {
        let cause = chain_of(error);
        let is_known =
            self.0.as_ref().is_some_and(|(known, at)| *known == cause && at.elapsed() < LOG_AGAIN_AFTER);
        if is_known {
            return;
        }
        let (is_permanent, cure) = outlook(error, &cause);
        if is_permanent {
            tracing::error!(error = cause, cure, "the database is not ready, and waiting will not mend it");
        } else {
            tracing::warn!(error = cause, cure, "the database is not ready");
        }
        self.0 = Some((cause, Instant::now()));
    }
}

/// Whether an operator has to act, and how; the service retries in any case, since the cure may be applied elsewhere.
fn outlook(error: &StoreError, cause: &str) -> (bool, &'static str) {
    match error {
        // It may be about to be created or restored, so clients are asked to retry.
        StoreError::Unavailable(_) if is_missing(cause) => {
            (true, "create the database, or correct its name in DB_URL")
        }
        StoreError::Unavailable(_) => {
            (false, "start the database, or correct host, port and sslmode in DB_URL")
        }
        StoreError::ReadOnly(_) => (
            true,
            "name the primary in DB_URL, or every node with target_session_attrs=read-write: a standby, and a node that \
             was made read-only, take no writes",
        ),
        StoreError::Denied(_) => (
            true,
            "correct user and password in DB_URL, or grant the role the privileges that docs/operations/postgresql.md lists",
        ),
        StoreError::Corrupt { .. } | StoreError::Failed(_) => {
            (true, "look at what `stream-server migrate --dry-run` says, and restore what is missing")
        }
    }
}

/// Whether the server answered that it has no database of this name.
fn is_missing(cause: &str) -> bool {
    cause.contains("3D000") || cause.contains("database \"") && cause.contains("does not exist")
}

#[cfg(test)]
mod tests;
