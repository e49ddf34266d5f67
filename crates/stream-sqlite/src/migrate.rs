//! Bringing the file to the shape that this service needs.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::migration::{Migration, MigrationSource as _};
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness as _, embed_migrations};
use stream_domain::ports::StoreError;

use crate::pool::Mode;
use crate::{SqliteStore, error, objects, pool};

pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

impl SqliteStore {
    /// Makes the file and its folder if need be, runs the migrations that are still to be run, and returns their
    /// names.
    ///
    /// Of several instances one migrates while the others wait; to run it again changes nothing.
    /// What is made is readable by its owner alone, since it holds stream keys.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        let (path, timeout) = (self.path.clone(), self.timeout);
        let run = self.runtime.spawn_blocking(move || migrate(&path, timeout));
        run.await.map_err(StoreError::failed)?
    }

    /// What [`SqliteStore::migrate`] would do now; reads only.
    pub async fn plan_migration(&self) -> Result<Plan, StoreError> {
        let (path, timeout) = (self.path.clone(), self.timeout);
        let run = self.runtime.spawn_blocking(move || Plan::read(&path, timeout));
        run.await.map_err(StoreError::failed)?
    }
}

fn migrate(path: &Path, timeout: Duration) -> Result<Vec<String>, StoreError> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(StoreError::unavailable)?;
    }
    let _lock = lock(path)?;
    open_private(path)?;
    let mut connection = pool::open(path, Mode::Create, timeout).map_err(StoreError::unavailable)?;
    let done = connection.run_pending_migrations(MIGRATIONS).map_err(StoreError::failed)?;
    let done = done.iter().map(ToString::to_string).collect();
    let made_again = objects::make_whole(&mut connection).map_err(StoreError::Failed)?;
    if !made_again.is_empty() {
        tracing::warn!(objects = made_again.join(", "), "made again what the database lacked");
    }
    Ok(done)
}

/// A lock beside the database that is given up when the file is closed, at the latest by the process's end.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = open_private(&PathBuf::from(name))?;
    file.lock().map_err(StoreError::unavailable)?;
    Ok(file)
}

fn open_private(path: &Path) -> Result<File, StoreError> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    options.open(path).map_err(StoreError::unavailable)
}

/// What a migration would change, line by line, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// One change each; empty if there is nothing to do.
    pub changes: Vec<String>,
}

impl Plan {
    fn read(path: &Path, timeout: Duration) -> Result<Self, StoreError> {
        let all: Vec<Box<dyn Migration<Sqlite>>> = MIGRATIONS.migrations().map_err(StoreError::failed)?;
        let (mut changes, mut applied) = (Vec::new(), Vec::new());
        if path.exists() {
            let mut connection = pool::open(path, Mode::Look, timeout).map_err(StoreError::unavailable)?;
            applied = applied_versions(&mut connection).map_err(error::query)?;
            if all.iter().all(|migration| applied.contains(&migration.name().version().to_string())) {
                let missing = objects::missing(&mut connection).map_err(StoreError::Failed)?;
                changes.extend(
                    missing.into_iter().map(|what| format!("make again, since it is missing: {what}")),
                );
            }
        } else {
            changes.push(format!("make the file {}", path.display()));
        }
        let names = all.iter().map(|migration| migration.name());
        let pending = names.filter(|name| !applied.contains(&name.version().to_string()));
        changes.extend(pending.map(|name| format!("run the migration {name}")));
        Ok(Self { changes })
    }
}

/// The migrations that have run; Diesel's harness would create its own table to find out.
fn applied_versions(connection: &mut SqliteConnection) -> QueryResult<Vec<String>> {
    #[derive(QueryableByName)]
    struct Name {
        #[diesel(sql_type = Text)]
        name: String,
    }
    let table = "SELECT name FROM sqlite_master WHERE name = '__diesel_schema_migrations'";
    if sql_query(table).load::<Name>(connection)?.is_empty() {
        return Ok(Vec::new());
    }
    let versions = sql_query("SELECT version AS name FROM __diesel_schema_migrations");
    Ok(versions.load::<Name>(connection)?.into_iter().map(|row| row.name).collect())
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
