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

/// How often a lock that keeps readers waiting is asked for before a migration gives up.
const COLUMN_TRIES: u32 = 30;

/// How long readers are let through between two such tries.
const COLUMN_PAUSE: Duration = Duration::from_millis(200);

/// The tables' unique indexes, each of them a rule that nothing else enforces.
const UNIQUE_INDEXES: [(&str, &str); 4] = [
    ("streams", "streams_one_active_per_user"),
    ("streams", "streams_playback_id"),
    ("publish_sessions", "publish_sessions_one_open_per_stream"),
    ("publish_sessions", "publish_sessions_one_open_per_server_session"),
];

/// The triggers on `streams`, which act for every writer.
const TRIGGERS: [&str; 2] = ["streams_make_room", "streams_cut_publisher"];

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
            store.check_pooler().await?;
            let mut connection =
                store.connector.connect_without_limits().await.map_err(StoreError::unavailable)?;
            let mut done = Vec::new();
            if !pending(&mut connection).await?.is_empty() {
                done = store.run_pending(store.lock_for_migration().await?).await?;
            }
            verify(&mut connection).await?;
            // What stands between us and the users table is no reason not to serve; it is tried again later.
            if let Err(error) = store.tie_to_users().await {
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
            let connection =
                store.connector.connect_without_limits().await.map_err(StoreError::unavailable)?;
            Plan::read(connection).await
        });
        run.await.map_err(StoreError::failed)?
    }

    async fn run_pending(&self, mut connection: AsyncPgConnection) -> Result<Vec<String>, StoreError> {
        require_ownership(&mut connection).await?;
        // Another instance may have been faster.
        if !pending(&mut connection).await?.is_empty() {
            prepare_rows(&mut connection).await?;
            add_playback_ids(&mut connection).await?;
        }
        let mut harness = AsyncMigrationHarness::new(connection);
        let done = harness.run_pending_migrations(MIGRATIONS).map_err(StoreError::unavailable)?;
        Ok(done.iter().map(ToString::to_string).collect())
    }

    /// A connection that holds the migration lock until it is dropped.
    ///
    /// The lock is asked for again and again, since a statement that waits for it would hold a snapshot.
    /// No lock on a table is waited for longer than five seconds, so that nobody queues for longer than that behind a
    /// migration that itself waits for a long transaction.
    pub(crate) async fn lock_for_migration(&self) -> Result<AsyncPgConnection, StoreError> {
        let mut connection =
            self.connector.connect_without_limits().await.map_err(StoreError::unavailable)?;
        connection.batch_execute("SET lock_timeout = '5s'").await.map_err(error::query)?;
        let mut told = false;
        while !is_true(&mut connection, &format!("pg_try_advisory_lock({LOCK})")).await? {
            if !std::mem::replace(&mut told, true) {
                tracing::info!("another instance is migrating; waiting for it");
            }
            tokio::time::sleep(LOCK_PAUSE).await;
        }
        Ok(connection)
    }
}

/// Refuses to begin what cannot be ended: only a table's owner may add an index or a trigger to it.
async fn require_ownership(connection: &mut AsyncPgConnection) -> Result<(), StoreError> {
    let owned = "to_regclass('streams') IS NULL OR (SELECT pg_has_role(relowner, 'USAGE') FROM pg_class
                 WHERE oid = to_regclass('streams'))";
    if is_true(connection, owned).await? {
        return Ok(());
    }
    Err(StoreError::failed(
        "the role in DB_URL does not own the table streams; make it the owner, or a member of the owner",
    ))
}

/// Makes sure that the rule is enforced: a restored or edited database may lack what its migrations once made.
async fn verify(connection: &mut AsyncPgConnection) -> Result<(), StoreError> {
    for index in UNIQUE_INDEXES {
        let (table, name) = index;
        let exists = format!(
            "EXISTS (SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
             WHERE indrelid = to_regclass('{table}') AND relname = '{name}' AND indisvalid)"
        );
        if !is_true(connection, &exists).await? {
            let what = format!("the index {name} is missing, though its migration has run; restore it");
            return Err(StoreError::failed(what));
        }
    }
    for name in TRIGGERS {
        let exists = format!(
            "EXISTS (SELECT FROM pg_trigger
             WHERE tgrelid = to_regclass('streams') AND tgname = '{name}' AND tgenabled <> 'D')"
        );
        if !is_true(connection, &exists).await? {
            let what = format!("the trigger {name} is missing, though its migration has run; restore it");
            return Err(StoreError::failed(what));
        }
    }
    Ok(())
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
         surplus AS MATERIALIZED (
             SELECT id FROM streams WHERE id IN (SELECT id FROM ranked WHERE place > 1) AND status = 'active'
             ORDER BY id LIMIT {BATCH} FOR UPDATE SKIP LOCKED)
         UPDATE streams SET status = 'stopped', updated_at = timezone('UTC', now())
         FROM surplus WHERE streams.id = surplus.id"
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

/// Adds the column that an existing table lacks, without keeping readers waiting.
///
/// The lock that it takes waits for those who read at the moment, and whoever wants to read then waits behind it.
/// So it waits for a fraction of a second at a time, and lets the others through in between.
async fn add_playback_ids(connection: &mut AsyncPgConnection) -> Result<(), StoreError> {
    let is_due = "to_regclass('streams') IS NOT NULL AND NOT EXISTS (SELECT FROM pg_attribute
                  WHERE attrelid = to_regclass('streams') AND attname = 'playback_id' AND atthasdef)";
    let add = "BEGIN; SET LOCAL lock_timeout = '200ms';
               ALTER TABLE streams ADD COLUMN IF NOT EXISTS playback_id VARCHAR(64);
               ALTER TABLE streams ALTER COLUMN playback_id SET DEFAULT replace(gen_random_uuid()::text, '-', '');
               COMMIT";
    let mut tries = 1;
    while is_true(connection, is_due).await? {
        match connection.batch_execute(add).await {
            Ok(()) => {}
            Err(failure) if tries == COLUMN_TRIES => return Err(error::query(failure)),
            Err(_) => {
                connection.batch_execute("ROLLBACK").await.map_err(error::query)?;
                tokio::time::sleep(COLUMN_PAUSE).await;
            }
        }
        tries += 1;
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
            changes.push("add the foreign key streams_user_id_fkey to users, and validate it if every row names an existing user".to_owned());
        }
        for migration in pending(&mut connection).await? {
            if migration.ends_with("one_active_stream_per_user") {
                changes.push(
                    "add the indexes streams_one_active_per_user, streams_active_newest_first and \
                     streams_active_by_expiry, and the trigger streams_make_room"
                        .to_owned(),
                );
            }
            if migration.ends_with("playback_ids") {
                changes.push("add the column streams.playback_id, with a random default".to_owned());
            }
            if migration.ends_with("publish_sessions") {
                changes.push(
                    "give active streams a playback_id, and add the index streams_playback_id, the tables \
                     publish_sessions and publish_attempts, and the trigger streams_cut_publisher"
                        .to_owned(),
                );
            }
            if migration.ends_with("confirmed_sessions") {
                changes.push(
                    "add the columns confirmed_at, stalled_until and supersedes to publish_sessions, and the \
                     table media_server_boots"
                        .to_owned(),
                );
            }
            changes.push(format!("run the migration {migration}"));
        }
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
    Ok(pending.map(|(_, name)| name).collect())
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

/// Whether an expression is true.
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
