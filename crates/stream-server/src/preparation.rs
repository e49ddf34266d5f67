//! Bringing the database to the shape that this version needs, for as long as it takes.

use std::sync::Arc;
use std::time::Duration;

use stream_domain::ports::{StoreError, StoreHealth, chain_of, jittered};
use stream_http::{NotReady, Readiness};
use tokio::time::{Instant, sleep};

use crate::app::Store;
use crate::system::OsEntropy;

/// The pauses between attempts to reach a database that is away at start: from the first to the longest.
const PAUSES: std::ops::RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(10);

/// How often the same trouble is told again.
const TOLD_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// Migrates, again and again with growing pauses while the database is away or not as it must be.
pub(crate) async fn prepare(store: Store, health: Arc<dyn StoreHealth>, readiness: Readiness) {
    let mut pause = *PAUSES.start();
    let mut told = Told::default();
    loop {
        match attempt(&store, &*health, &readiness).await {
            Ok(done) if done.is_empty() => return tracing::info!("the database is up to date"),
            Ok(done) => return tracing::info!(migrations = done.join(", "), "migrated the database"),
            Err(error) => told.tell(&error),
        }
        sleep(jittered(pause, &OsEntropy)).await;
        pause = (pause * 2).min(*PAUSES.end());
    }
}

/// Looks whether the database answers, and migrates it if so.
async fn attempt(
    store: &Store,
    health: &dyn StoreHealth,
    readiness: &Readiness,
) -> Result<Vec<String>, StoreError> {
    health.clock().await.inspect_err(|error| readiness.still_starting(NotReady::from(error)))?;
    // By this instance, or by another one that it waits for.
    readiness.still_starting(NotReady::Migrating);
    store.migrate().await.inspect_err(|error| {
        // It has just answered, so it is busy with the migration or with somebody who holds the table.
        if !matches!(error, StoreError::Unavailable(_)) {
            readiness.still_starting(NotReady::from(error));
        }
    })
}

/// What was told last, so that a database that is away for a day does not fill the log.
#[derive(Default)]
struct Told(Option<(String, Instant)>);

impl Told {
    fn tell(&mut self, error: &StoreError) {
        let cause = chain_of(error);
        let is_known =
            self.0.as_ref().is_some_and(|(known, at)| *known == cause && at.elapsed() < TOLD_AGAIN_AFTER);
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

/// Whether somebody has to act, and how; the service goes on trying all the same, since that may happen elsewhere.
fn outlook(error: &StoreError, cause: &str) -> (bool, &'static str) {
    match error {
        // It may be about to be made or restored, so requests are told to try again; here it is told by its name.
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
            "correct user and password in DB_URL, or grant the role the privileges that docs/operations.md lists",
        ),
        StoreError::Corrupt { .. } | StoreError::Failed(_) => {
            (true, "look at what `stream-server migrate --dry-run` says, and restore what is missing")
        }
    }
}

/// Whether the server is there, and has no database of this name.
fn is_missing(cause: &str) -> bool {
    cause.contains("3D000") || cause.contains("database \"") && cause.contains("does not exist")
}

#[cfg(test)]
mod tests;
