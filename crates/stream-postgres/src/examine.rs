//! An examination of the database for operators: what is there, what is missing, and what to do about each.
//!
//! It asks the questions of a migration and of the health check, each in a transaction that is rolled back, and changes
//! nothing.

mod told;

use std::time::{Duration, Instant};

use diesel::sql_types::{Bool, Text};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use stream_domain::ports::{StoreError, StoreHealth as _};
use stream_domain::{Finding, FindingState};
use tokio::time::timeout;

use crate::advisory_lock::{begin, rollback};
use crate::catalog_tables::is_true;
use crate::migrate::{LOCAL_DEFAULTS, access, pending};
use crate::store::PostgresStore;
use crate::users::Referable;
use crate::{error, objects, users};
use told::{POOLER, failed, not_connected, timed_out};

/// The subject of tables and columns, which are looked at once every migration has run.
const SCHEMA: &str = "database schema";

/// Reads what the first line tells: `current_setting('TimeZone')` is what the driver has set.
const WHO: &str = "SELECT current_setting('server_version') AS version, current_user::text AS role,
    current_database()::text AS name, (SELECT reset_val FROM pg_settings WHERE name = 'TimeZone') AS zone,
    pg_is_in_recovery() AS is_standby, current_setting('transaction_read_only')::boolean AS is_read_only";

#[derive(QueryableByName)]
struct Who {
    #[diesel(sql_type = Text)]
    version: String,
    #[diesel(sql_type = Text)]
    role: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    zone: String,
    #[diesel(sql_type = Bool)]
    is_standby: bool,
    #[diesel(sql_type = Bool)]
    is_read_only: bool,
}

impl PostgresStore {
    /// Examines the database; each of its four steps takes at most `limit`: to connect, to look, to check the pooler and
    /// the health.
    ///
    /// Without a connection there is one finding, a failure.
    pub async fn examine(&self, limit: Duration) -> Vec<Finding> {
        let store = self.clone();
        let run = self.runtime.spawn(async move { store.examine_in_steps(limit).await });
        run.await.unwrap_or_else(|panic| vec![failed("database", &StoreError::failed(panic))])
    }

    async fn examine_in_steps(&self, limit: Duration) -> Vec<Finding> {
        let began = Instant::now();
        let connected = timeout(limit, self.connector.connect_without_limits()).await;
        let mut connection = match connected {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => return vec![not_connected(error)],
            Err(_elapsed) => return vec![timed_out("database", limit)],
        };
        let took = began.elapsed();
        let mut findings = Vec::new();
        match timeout(limit, look(&mut connection, took, &mut findings)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => findings.push(failed("database", &error)),
            Err(_elapsed) => findings.push(timed_out("database", limit)),
        }
        // Not meanwhile: what occupies a pooler's connections hides that it loses statements.
        let pooler = timeout(limit, self.check_pooler()).await;
        findings.push(match pooler {
            Ok(Ok(false)) => Finding::ok(POOLER, "no pooler stands in between"),
            Ok(Ok(true)) => Finding::ok(POOLER, "a pooler stands in between, and keeps prepared statements"),
            Ok(Err(error)) => failed(POOLER, &error),
            Err(_elapsed) => timed_out(POOLER, limit),
        });
        // Its questions need every table, and would only repeat what was found.
        let is_whole = findings.iter().any(|finding| finding.subject == SCHEMA);
        if is_whole && findings.iter().all(|finding| finding.state != FindingState::Failure) {
            findings.push(match timeout(limit, self.check()).await {
                Ok(Ok(_)) => Finding::ok(
                    "database health",
                    "reads and writes work, on connections as the service has them",
                ),
                Ok(Err(error)) => failed("database health", &error),
                Err(_elapsed) => timed_out("database health", limit),
            });
        }
        findings
    }
}

/// Everything that one connection can tell, a subject after the other.
async fn look(
    connection: &mut AsyncPgConnection,
    took: Duration,
    findings: &mut Vec<Finding>,
) -> Result<(), StoreError> {
    begin(connection).await?;
    let who: Result<Who, _> = sql_query(WHO).get_result(connection).await;
    let version = access::require_version(connection).await;
    rollback(connection).await?;
    let who = who.map_err(error::query)?;
    findings.push(Finding::ok(
        "database",
        format!("{} answers the role {} within {} ms", who.name, who.role, took.as_millis().max(1)),
    ));
    findings.push(match version {
        Ok(()) => Finding::ok("database version", format!("PostgreSQL {}", who.version)),
        Err(error) => failed("database version", &error),
    });
    findings.push(writes(&who));
    begin(connection).await?;
    let record = access::require_record(connection).await;
    rollback(connection).await?;
    if let Err(error) = record {
        findings.push(failed("database rights", &error));
        return Ok(());
    }
    begin(connection).await?;
    let pending = pending(connection).await;
    let ownership = access::require_ownership(connection).await;
    let rights = access::require_privileges(connection).await;
    rollback(connection).await?;
    let pending = pending?;
    let is_migrated = pending.is_empty();
    findings.push(migrations(&pending, ownership.as_ref().err()));
    findings.push(match rights {
        Ok(()) => Finding::ok("database rights", "the role has every right that it needs"),
        Err(error) => failed("database rights", &error),
    });
    if is_migrated {
        begin(connection).await?;
        let missing = objects::missing(connection).await;
        rollback(connection).await?;
        findings.extend(objects_found(&missing?));
    }
    begin(connection).await?;
    let users = users::look(connection).await;
    let has_local_defaults = is_true(connection, &format!("EXISTS ({LOCAL_DEFAULTS})")).await;
    rollback(connection).await?;
    findings.push(foreign_key(users?));
    findings.push(time_zone(&who.zone, has_local_defaults?));
    Ok(())
}

fn writes(who: &Who) -> Finding {
    let what = match (who.is_standby, who.is_read_only) {
        (false, false) => return Finding::ok("database writes", "the server takes writes"),
        (true, _) => "the server takes no writes: it is a standby",
        (false, true) => "the server takes no writes: it was set read-only",
    };
    let cure = "name the primary in DB_URL, or every node with target_session_attrs=read-write; if it is the primary, look \
                for default_transaction_read_only, which a full disk or a fence may have set";
    Finding::failure("database writes", what, cure)
}

fn migrations(pending: &[&str], refusal: Option<&StoreError>) -> Finding {
    let subject = "database migrations";
    match (pending, refusal) {
        ([], _) => Finding::ok(subject, "all have run"),
        (_, Some(error)) => failed(subject, error),
        (names, None) => Finding::warning(
            subject,
            format!("{} have not run: {}", names.len(), names.join(", ")),
            "start the service, which runs them, or run `stream-server migrate`",
        ),
    }
}

/// Tables with their columns, indexes and triggers, each with what is missing of them.
fn objects_found(missing: &[String]) -> Vec<Finding> {
    let is_index = |what: &&String| what.starts_with("the index") || what.starts_with("the unique index");
    let is_trigger = |what: &&String| what.starts_with("the trigger");
    let found = |subject: &str, missing: Vec<&str>| match missing.as_slice() {
        [] => Finding::ok(subject, "all are there"),
        missing => Finding::failure(
            subject,
            format!("missing, disabled or invalid: {}", missing.join(", ")),
            "run `stream-server migrate` as the tables' owner, or restart the service: it makes them again",
        ),
    };
    let names = |of: &dyn Fn(&&String) -> bool| missing.iter().filter(of).map(String::as_str).collect();
    vec![
        found(SCHEMA, names(&|what| !is_index(what) && !is_trigger(what))),
        found("database indexes", names(&is_index)),
        found("database triggers", names(&is_trigger)),
    ]
}

fn foreign_key(users: Referable) -> Finding {
    let subject = "database foreign key";
    match users {
        Referable::Validated => Finding::ok(subject, "every stream refers to a user"),
        Referable::NotValidated => Finding::warning(
            subject,
            "new streams refer to a user; older ones name users that do not exist",
            "delete or correct them (SELECT FROM streams WHERE user_id NOT IN (SELECT id FROM users)), and restart the service",
        ),
        Referable::Possible => Finding::warning(
            subject,
            "streams do not refer to users yet",
            "start the service, which adds the key, or run `stream-server migrate`",
        ),
        Referable::Missing => Finding::warning(
            subject,
            "there is no table users, so every user of a valid token may stream",
            "if the platform has one, name its database in DB_URL, and its schema by options=-c%20search_path%3DNAME",
        ),
        Referable::Impossible(why) => Finding::warning(
            subject,
            format!("streams cannot refer to users: {why}"),
            "mend that; the service then adds the key by itself",
        ),
    }
}

fn time_zone(zone: &str, has_local_defaults: bool) -> Finding {
    let subject = "database time zone";
    let is_utc = ["UTC", "Etc/UTC", "GMT", "Etc/GMT", "Etc/UCT", "UCT", "Zulu"].contains(&zone);
    if is_utc {
        return Finding::ok(subject, zone);
    }
    if has_local_defaults {
        return Finding::warning(
            subject,
            format!("{zone}, and the table's defaults are local times, which are read as UTC"),
            "run `stream-server migrate`, which makes the defaults UTC, or ALTER DATABASE … SET timezone = 'UTC'",
        );
    }
    Finding::ok(subject, format!("{zone} for others; this service sets UTC, and so do the table's defaults"))
}
