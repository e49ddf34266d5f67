//! The lock that lets one instance change the schema at a time.
//!
//! It belongs to a transaction and ends with it, so that nothing stays behind where a pooler hands the server's
//! connection to the next client.

use std::time::{Duration, Instant};

use diesel::sql_types::{Nullable, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};
use stream_domain::ports::StoreError;

use crate::catalog_tables::is_true;
use crate::error;

/// Names the lock: `stream` in ASCII.
const LOCK: i64 = 0x7374_7265_616d;

/// How long an instance waits between its tries for the lock.
const PAUSE: Duration = Duration::from_millis(100);

/// Begins a transaction that no time-out of the role or the database ends; locks are waited for for five seconds, so
/// that no client queues for longer than that behind a migration that itself waits for a long transaction.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED;
    SELECT set_config(name, '0', true) FROM pg_settings
    WHERE name IN ('statement_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout');
    SET LOCAL lock_timeout = '5s'";

/// Who waits for the lock, and for how long still.
#[derive(Debug)]
pub(crate) struct Turn {
    patience: Duration,
    since: Option<Instant>,
}

impl Turn {
    /// Waits for the lock for so long, all in all.
    pub(crate) fn within(patience: Duration) -> Self {
        Self { patience, since: None }
    }

    /// Begins a transaction that holds the lock.
    ///
    /// The lock is asked for again and again, since a statement that waits for it would hold a snapshot.
    pub(crate) async fn begin(&mut self, connection: &mut AsyncPgConnection) -> Result<(), StoreError> {
        loop {
            begin(connection).await?;
            if is_true(connection, &format!("pg_try_advisory_xact_lock({LOCK})")).await? {
                return Ok(());
            }
            let holder = holder(connection).await?;
            rollback(connection).await?;
            if self.since.is_none() {
                tracing::info!(holder, "another instance is migrating; waiting for it");
            }
            if self.since.get_or_insert_with(Instant::now).elapsed() >= self.patience {
                return Err(StoreError::unavailable(format!(
                    "the lock for migrations is still held after {} seconds, by {holder}; if that is no migration \
                     that runs, end it with: SELECT pg_terminate_backend(PID)",
                    self.patience.as_secs()
                )));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Begins a transaction without the lock.
pub(crate) async fn begin(connection: &mut AsyncPgConnection) -> Result<(), StoreError> {
    connection.batch_execute(BEGIN).await.map_err(error::query)
}

pub(crate) async fn commit(connection: &mut AsyncPgConnection) -> Result<(), StoreError> {
    connection.batch_execute("COMMIT").await.map_err(error::query)
}

pub(crate) async fn rollback(connection: &mut AsyncPgConnection) -> Result<(), StoreError> {
    connection.batch_execute("ROLLBACK").await.map_err(error::query)
}

/// Who holds the lock: the server process, and what can be seen of it.
async fn holder(connection: &mut AsyncPgConnection) -> Result<String, StoreError> {
    #[derive(QueryableByName)]
    struct Holder {
        #[diesel(sql_type = Nullable<Text>)]
        told: Option<String>,
    }
    let query = format!(
        "SELECT string_agg(format('process %s (%s, %s, %s)', pid,
             COALESCE(NULLIF(application_name, ''), 'unnamed application'),
             COALESCE('from ' || host(client_addr), 'local'),
             CASE WHEN state = 'idle' THEN 'idle: a lock that was left behind'
                 ELSE COALESCE(state, 'state not visible') END), ', ') AS told
         FROM pg_locks LEFT JOIN pg_stat_activity USING (pid)
         WHERE locktype = 'advisory' AND granted AND objsubid = 1
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
         AND classid::bigint = {} AND objid::bigint = {}",
        LOCK >> 32,
        LOCK & 0xffff_ffff
    );
    let row: Holder = sql_query(query).get_result(connection).await.map_err(error::query)?;
    Ok(row.told.unwrap_or_else(|| "a client that has just released it".to_owned()))
}
