//! The foreign key from streams to the platform's `users` table, which may appear later or be impossible to refer to.

use std::ops::RangeInclusive;
use std::time::Duration;

use stream_domain::ports::{StoreError, UsersTable};
use stream_metrics::TaskMeter;
use tokio::time::sleep;

use crate::store::Store;

/// The pauses between attempts: the first for a table that is missing, doubling to the last for one that refuses.
const PAUSES: RangeInclusive<Duration> = Duration::from_secs(30)..=Duration::from_secs(3_600);

/// Adds the foreign key to the platform's users, now or once their table appears; logs each state once.
///
/// Returns when the key is there, or when the store has no such table.
pub(super) async fn add_foreign_key(store: Store, meter: TaskMeter) {
    let (mut logged, mut pause) = (String::new(), *PAUSES.start());
    // The migration has just checked.
    let mut tied: Result<UsersTable, StoreError> = Ok(store.users_table());
    loop {
        match &tied {
            Ok(_) => meter.succeeded(),
            Err(_) => meter.failed(),
        }
        let cannot_be = matches!(tied, Ok(UsersTable::NotReferenced) | Err(_));
        let state = match tied {
            Ok(UsersTable::NotUsed) => return,
            Ok(UsersTable::Referenced) => return tracing::info!("streams refer to the platform's users"),
            Ok(UsersTable::ReferencedByNewStreams) => {
                return tracing::warn!(
                    "new streams refer to the platform's users; some older ones name users who do not exist, or this \
                     role may not check them"
                );
            }
            Ok(UsersTable::Missing) => {
                "there is no users table yet: streams are kept without a foreign key until it appears"
                    .to_owned()
            }
            // The migration logged why.
            Ok(UsersTable::NotReferenced) => String::new(),
            Err(error) => format!("streams cannot refer to the users table: {}", error.innermost_cause()),
        };
        if state != logged {
            if !state.is_empty() {
                tracing::warn!("{state}");
            }
            logged = state;
        }
        sleep(pause).await;
        pause = if cannot_be { (pause * 2).min(*PAUSES.end()) } else { *PAUSES.start() };
        tied = store.add_users_foreign_key().await;
    }
}
