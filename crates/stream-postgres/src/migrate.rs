//! Migrations: the database in the shape that this service needs.
//!
//! A fresh database gets the documented schema; the earlier service's table is adopted as it is; one that was restored
//! in part is made whole.
//! Everything happens in transactions that hold the lock for migrations, on one connection and without a setting that
//! outlives its transaction, so that it works through a pooler as well.

pub(crate) mod access;
mod embedded;
mod plan;
mod rows;
mod steps;

use std::sync::Arc;
use std::time::Duration;

use diesel::sql_query;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};
use stream_domain::ports::{Progress, StoreError};

use crate::advisory_lock::{Turn, begin, commit};
use crate::store::PostgresStore;
use crate::{error, objects};
use embedded::version_of;
pub(crate) use steps::LoggedSteps;

#[cfg(test)]
pub(crate) use access::too_old;
pub(crate) use embedded::{MIGRATIONS, pending};
pub use plan::Plan;
pub(crate) use rows::LOCAL_DEFAULTS;

/// How long to wait for another instance's migration, before a service reports it and tries again.
const PATIENCE: Duration = Duration::from_secs(60);

/// The record of what has run, as Diesel's command line reads and writes it too.
const RECORD: &str = "CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (
    version VARCHAR(50) PRIMARY KEY NOT NULL, run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)";

impl PostgresStore {
    /// Runs the migrations that are still to be run and returns their names; makes again what a restore left out.
    ///
    /// Of several instances one migrates while the others wait; to run it again changes nothing.
    /// The error is [`StoreError::Unavailable`] while the database is away or another instance migrates for longer
    /// than a minute, and the whole can then be tried again.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        self.migrate_within(PATIENCE).await
    }

    /// The same, and shows what it is at.
    pub async fn migrate_showing(&self, progress: Arc<dyn Progress>) -> Result<Vec<String>, StoreError> {
        self.migrate_as(PATIENCE, progress).await
    }

    /// The same, with another bound on the wait for another instance.
    pub(crate) async fn migrate_within(&self, patience: Duration) -> Result<Vec<String>, StoreError> {
        self.migrate_as(patience, Arc::new(LoggedSteps::default())).await
    }

    async fn migrate_as(
        &self,
        patience: Duration,
        progress: Arc<dyn Progress>,
    ) -> Result<Vec<String>, StoreError> {
        let store = self.clone();
        let run = self.runtime.spawn(async move {
            store.check_pooler().await?;
            let connection =
                store.connector.connect_without_limits().await.map_err(StoreError::unavailable)?;
            let done = bring_up_to_date(connection, Turn::within(patience), &*progress).await?;
            // What stands between us and the users table is no reason not to serve; it is tried again later.
            if let Err(error) = store.add_users_foreign_key().await {
                tracing::warn!(cause = error.innermost_cause(), "streams cannot refer to the users table");
            }
            Ok(done)
        });
        run.await.map_err(StoreError::failed)?
    }

    /// What [`PostgresStore::migrate`] would do now; reads only.
    pub async fn plan_migration(&self) -> Result<Plan, StoreError> {
        let store = self.clone();
        let run = self.runtime.spawn(async move {
            let mut connection =
                store.connector.connect_without_limits().await.map_err(StoreError::unavailable)?;
            begin(&mut connection).await?;
            Plan::read(connection).await
        });
        run.await.map_err(StoreError::failed)?
    }
}

/// Everything that [`PostgresStore::migrate`] does, on one connection.
pub(crate) async fn bring_up_to_date(
    mut connection: AsyncPgConnection,
    mut turn: Turn,
    progress: &dyn Progress,
) -> Result<Vec<String>, StoreError> {
    begin(&mut connection).await?;
    access::require_version(&mut connection).await?;
    access::require_record(&mut connection).await?;
    let mut done = Vec::new();
    if !pending(&mut connection).await?.is_empty() {
        access::require_ownership(&mut connection).await?;
        commit(&mut connection).await?;
        rows::prepare(&mut connection, &mut turn, progress).await?;
        for &(name, statements) in MIGRATIONS {
            turn.begin(&mut connection).await?;
            connection.batch_execute(RECORD).await.map_err(error::query)?;
            // Another instance may have been faster.
            if pending(&mut connection).await?.contains(&name) {
                progress.begin(&format!("running the migration {name}"), None);
                connection.batch_execute(statements).await.map_err(error::query)?;
                let record = sql_query("INSERT INTO __diesel_schema_migrations (version) VALUES ($1)");
                let record = record.bind::<Text, _>(version_of(name));
                record.execute(&mut connection).await.map_err(error::query)?;
                done.push(version_of(name));
            }
            commit(&mut connection).await?;
            progress.end();
        }
        begin(&mut connection).await?;
    }
    let missing = objects::missing(&mut connection).await?;
    if !missing.is_empty() {
        access::require_ownership_to_mend(&mut connection, &missing).await?;
        commit(&mut connection).await?;
        mend(&mut connection, &mut turn, progress).await?;
        tracing::warn!(objects = missing.join(", "), "made again what the database lacked");
        begin(&mut connection).await?;
    }
    access::require_privileges(&mut connection).await?;
    commit(&mut connection).await?;
    Ok(done)
}

/// Runs the migrations again, all in one transaction: each makes what it finds missing.
async fn mend(
    connection: &mut AsyncPgConnection,
    turn: &mut Turn,
    progress: &dyn Progress,
) -> Result<(), StoreError> {
    rows::prepare(connection, turn, progress).await?;
    turn.begin(connection).await?;
    connection.batch_execute(&objects::drop_invalid()).await.map_err(error::query)?;
    for (_, statements) in MIGRATIONS {
        connection.batch_execute(statements).await.map_err(error::query)?;
    }
    let missing = objects::missing(connection).await?;
    if missing.is_empty() {
        return commit(connection).await;
    }
    let lacks = format!("the database lacks {}, and it could not be made again", missing.join(", "));
    Err(StoreError::failed(lacks))
}
