//! What is done to an existing table before its migrations, so that these have little left to do under their locks.

use std::time::Duration;

use diesel::sql_query;
use diesel_async::{AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};
use stream_domain::ports::{Progress, StoreError};

use crate::advisory_lock::{Turn, commit, rollback};
use crate::catalog_tables::{count, is_true};
use crate::error;

/// How often a lock that keeps readers waiting is asked for before a migration gives up.
const COLUMN_TRIES: u32 = 30;

/// How long readers are let through between two such tries.
const COLUMN_PAUSE: Duration = Duration::from_millis(200);

/// How many rows are changed in one short transaction.
const BATCH: i64 = 5_000;

/// The columns whose default is the writer's local time, as an SQL query.
pub(crate) const LOCAL_DEFAULTS: &str = "SELECT attname FROM pg_attribute
    JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attrelid = to_regclass('streams') AND attname IN ('created_at', 'updated_at')
    AND atttypid = 'timestamp'::regtype
    AND pg_get_expr(adbin, adrelid) ~* '(now|_timestamp|localtimestamp)'
    AND pg_get_expr(adbin, adrelid) !~* '(timezone|at time zone)'";

/// How many rows have no expiry, as an SQL query.
pub(super) const WITHOUT_EXPIRY: &str = "SELECT count(*) AS answer FROM streams
    WHERE expires_at IS NULL AND created_at IS NOT NULL";

/// How many active rows have a newer one of the same user, as an SQL query.
pub(super) const SURPLUS: &str = "SELECT COALESCE(sum(active - 1), 0)::bigint AS answer FROM (
    SELECT count(*) AS active FROM streams
    WHERE status = 'active' AND user_id IS NOT NULL GROUP BY user_id) AS users";

/// Changes rows and columns as the migrations would, a little at a time.
pub(super) async fn prepare(
    connection: &mut AsyncPgConnection,
    turn: &mut Turn,
    progress: &dyn Progress,
) -> Result<(), StoreError> {
    turn.begin(connection).await?;
    let is_there = is_true(connection, "to_regclass('streams') IS NOT NULL").await?;
    commit(connection).await?;
    if !is_there {
        return Ok(());
    }
    complete_and_stop(connection, turn, progress).await?;
    let is_due = "NOT EXISTS (SELECT FROM pg_attribute
                  WHERE attrelid = to_regclass('streams') AND attname = 'playback_id' AND atthasdef)";
    let add = "ALTER TABLE streams ADD COLUMN IF NOT EXISTS playback_id VARCHAR(64);
               ALTER TABLE streams ALTER COLUMN playback_id SET DEFAULT replace(gen_random_uuid()::text, '-', '')";
    alter(connection, turn, is_due, add).await?;
    let is_due = format!("EXISTS ({LOCAL_DEFAULTS})");
    let change = format!(
        "DO $$
         DECLARE local_column name;
         BEGIN
             FOR local_column IN {LOCAL_DEFAULTS} LOOP
                 EXECUTE format('ALTER TABLE streams ALTER COLUMN %I SET DEFAULT timezone(''UTC'', now())', local_column);
             END LOOP;
         END $$"
    );
    alter(connection, turn, &is_due, &change).await
}

/// Changes rows in short transactions, as the migration itself would, so that it has few left to do under its lock.
async fn complete_and_stop(
    connection: &mut AsyncPgConnection,
    turn: &mut Turn,
    progress: &dyn Progress,
) -> Result<(), StoreError> {
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
    for (statement, step, due) in [
        (complete_expiries, "completing missing expiries as created_at + 24 hours", WITHOUT_EXPIRY),
        (stop_surplus, "stopping active streams whose users have newer ones", SURPLUS),
    ] {
        turn.begin(connection).await?;
        let due = count(connection, due).await?;
        commit(connection).await?;
        if due == 0 {
            continue;
        }
        progress.begin(step, u64::try_from(due).ok());
        loop {
            turn.begin(connection).await?;
            let rows = sql_query(statement.as_str()).execute(connection).await.map_err(error::query)?;
            commit(connection).await?;
            if rows == 0 {
                break;
            }
            progress.advance(rows as u64);
        }
        progress.end();
    }
    Ok(())
}

/// Changes columns for as long as that is due, without keeping readers waiting.
///
/// The lock that it takes waits for current readers, and new readers wait behind it.
/// So it waits for a fraction of a second at a time, and lets the others through in between.
async fn alter(
    connection: &mut AsyncPgConnection,
    turn: &mut Turn,
    is_due: &str,
    statements: &str,
) -> Result<(), StoreError> {
    let mut tries = 1;
    loop {
        turn.begin(connection).await?;
        if !is_true(connection, is_due).await? {
            return commit(connection).await;
        }
        let alter = format!("SET LOCAL lock_timeout = '200ms'; {statements}; COMMIT");
        match connection.batch_execute(&alter).await {
            Ok(()) => {}
            Err(failure) if tries == COLUMN_TRIES => return Err(error::query(failure)),
            Err(_) => {
                rollback(connection).await?;
                tokio::time::sleep(COLUMN_PAUSE).await;
            }
        }
        tries += 1;
    }
}
