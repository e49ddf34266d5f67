//! Bringing the database to the shape that this service needs, whoever made it.
//!
//! A fresh database gets the documented schema; the earlier service's table is adopted as it is.

use std::fmt;
use std::time::Duration;

use diesel::migration::{Migration, MigrationSource as _};
use diesel::pg::Pg;
use diesel::sql_types::{BigInt, Bool, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};
use stream_domain::ports::StoreError;

use crate::{PostgresStore, error, users};

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// Names the lock that lets one instance migrate at a time: `stream` in ASCII.
const LOCK: i64 = 0x7374_7265_616d;

/// How long an instance waits between its tries for the lock.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// How many rows are changed in one short transaction.
const BATCH: i64 = 5_000;

impl PostgresStore {
    /// Runs the migrations that are still to be run and returns their names.
    ///
    /// Of several instances one migrates while the others wait; to run it again changes nothing.
    /// The error is [`StoreError::Unavailable`] while the database is away, and the whole can then be tried again.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        let store = self.clone();
        // On the store's own multi-thread runtime, which Diesel's harness needs.
        let run = self.runtime.spawn(async move {
            let mut connection = store.lock_for_migration().await?;
            prepare_rows(&mut connection).await?;
            let mut harness = AsyncMigrationHarness::new(connection);
            let done = harness.run_pending_migrations(MIGRATIONS).map_err(StoreError::unavailable)?;
            let done: Vec<String> = done.iter().map(ToString::to_string).collect();
            drop(harness.into_inner());
            store.tie_to_users().await?;
            Ok(done)
        });
        run.await.map_err(StoreError::failed)?
    }

    /// What [`PostgresStore::migrate`] would do now; reads only.
    pub async fn plan_migration(&self) -> Result<Plan, StoreError> {
        let store = self.clone();
        let run = self.runtime.spawn(async move {
            let connection =
                store.connector.connect_without_limits().await.map_err(StoreError::unavailable)?;
            Plan::read(connection).await
        });
        run.await.map_err(StoreError::failed)?
    }

    /// A connection that holds the migration lock until it is dropped.
    ///
    /// The lock is asked for again and again, since a statement that waits for it would hold a snapshot.
    /// No lock on a table is waited for longer than five seconds, so that nobody queues behind a migration that
    /// itself waits for a long transaction.
    pub(crate) async fn lock_for_migration(&self) -> Result<AsyncPgConnection, StoreError> {
        let mut connection =
            self.connector.connect_without_limits().await.map_err(StoreError::unavailable)?;
        connection.batch_execute("SET lock_timeout = '5s'").await.map_err(error::query)?;
        while !is_true(&mut connection, &format!("pg_try_advisory_lock({LOCK})")).await? {
            tokio::time::sleep(LOCK_PAUSE).await;
        }
        Ok(connection)
    }
}

/// Changes rows in short transactions, as the migration itself would, so that it has few left to do under its lock.
async fn prepare_rows(connection: &mut AsyncPgConnection) -> Result<(), StoreError> {
    if !is_true(connection, "to_regclass('streams') IS NOT NULL").await? {
        return Ok(());
    }
    let complete_expiries = format!(
        "WITH incomplete AS MATERIALIZED (
             SELECT id FROM streams WHERE expires_at IS NULL AND created_at IS NOT NULL
             LIMIT {BATCH} FOR UPDATE SKIP LOCKED)
         UPDATE streams SET expires_at = created_at + INTERVAL '24 hours'
         FROM incomplete WHERE streams.id = incomplete.id"
    );
    let stop_surplus = format!(
        "WITH ranked AS (
             SELECT id, row_number() OVER (
                 PARTITION BY user_id ORDER BY created_at DESC NULLS LAST, id DESC) AS place
             FROM streams WHERE status = 'active' AND user_id IS NOT NULL),
         surplus AS MATERIALIZED (SELECT id FROM ranked WHERE place > 1 LIMIT {BATCH})
         UPDATE streams SET status = 'stopped', updated_at = timezone('UTC', now())
         FROM surplus WHERE streams.id = surplus.id AND streams.status = 'active'"
    );
    for (statement, done) in [
        (complete_expiries, "completed missing expiries as created_at + 24 hours"),
        (stop_surplus, "stopped active streams whose users have newer ones"),
    ] {
        loop {
            let rows = sql_query(statement.as_str()).execute(connection).await.map_err(error::query)?;
            if rows == 0 {
                break;
            }
            tracing::info!(rows, "{done}");
        }
    }
    Ok(())
}

/// What a migration would change, line by line, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// One change each; empty if there is nothing to do.
    pub changes: Vec<String>,
}

impl Plan {
    async fn read(mut connection: AsyncPgConnection) -> Result<Self, StoreError> {
        let mut changes = Vec::new();
        let has_users = is_true(&mut connection, "to_regclass('users') IS NOT NULL").await?;
        if is_true(&mut connection, "to_regclass('streams') IS NULL").await? {
            changes.push("create the table streams in the documented schema".to_owned());
        } else {
            changes.extend(adoption(&mut connection).await?);
        }
        if has_users && !is_true(&mut connection, users::HAS_FOREIGN_KEY).await? {
            changes.push("add the foreign key streams_user_id_fkey to users, then validate it".to_owned());
        }
        changes.extend(pending(&mut connection).await?);
        Ok(Self { changes })
    }
}

/// What adopting an existing table would change in its rows.
async fn adoption(connection: &mut AsyncPgConnection) -> Result<Vec<String>, StoreError> {
    let mut changes = Vec::new();
    let without_expiry = "SELECT count(*) AS answer FROM streams
                          WHERE expires_at IS NULL AND created_at IS NOT NULL";
    let rows = count(connection, without_expiry).await?;
    if rows > 0 {
        changes.push(format!("{rows} rows without expires_at get created_at + 24 hours"));
    }
    let surplus = "SELECT COALESCE(sum(active - 1), 0)::bigint AS answer FROM (
                       SELECT count(*) AS active FROM streams
                       WHERE status = 'active' AND user_id IS NOT NULL GROUP BY user_id) AS users";
    let rows = count(connection, surplus).await?;
    if rows > 0 {
        changes.push(format!("{rows} active rows become stopped, since their users have newer active ones"));
    }
    Ok(changes)
}

/// The migrations that have not run; Diesel's harness would create its own table to find out.
async fn pending(connection: &mut AsyncPgConnection) -> Result<Vec<String>, StoreError> {
    #[derive(QueryableByName)]
    struct Applied {
        #[diesel(sql_type = Text)]
        version: String,
    }
    let mut applied: Vec<Applied> = Vec::new();
    if is_true(connection, "to_regclass('__diesel_schema_migrations') IS NOT NULL").await? {
        let versions = sql_query("SELECT version FROM __diesel_schema_migrations");
        applied = versions.load(connection).await.map_err(error::query)?;
    }
    let all: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().map_err(StoreError::failed)?;
    let names =
        all.iter().map(|migration| (migration.name().version().to_string(), migration.name().to_string()));
    let pending = names.filter(|(version, _)| !applied.iter().any(|row| row.version == *version));
    Ok(pending.map(|(_, name)| format!("run the migration {name}")).collect())
}

async fn count(connection: &mut AsyncPgConnection, query: &str) -> Result<i64, StoreError> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        answer: i64,
    }
    let row: Count = sql_query(query).get_result(connection).await.map_err(error::query)?;
    Ok(row.answer)
}

/// Whether an expression that reads no table row is true.
pub(crate) async fn is_true(
    connection: &mut AsyncPgConnection,
    expression: &str,
) -> Result<bool, StoreError> {
    #[derive(QueryableByName)]
    struct Truth {
        #[diesel(sql_type = Bool)]
        answer: bool,
    }
    let query = sql_query(format!("SELECT {expression} AS answer"));
    let row: Truth = query.get_result(connection).await.map_err(error::query)?;
    Ok(row.answer)
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.changes.is_empty() {
            return f.write_str("Nothing would change.");
        }
        f.write_str("This would change:")?;
        self.changes.iter().try_for_each(|change| write!(f, "\n  - {change}"))
    }
}
