//! Bringing the file to the shape that this service needs.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use diesel::migration::{Migration, MigrationSource as _};
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;
use diesel::{QueryResult, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};
use diesel_migrations::MigrationHarness as _;
use stream_domain::ports::StoreError;

use crate::objects::MIGRATIONS;
use crate::pool::Mode;
use crate::store::SqliteStore;
use crate::{error, objects, pool};

/// From which length on, in bytes, a file is looked through less thoroughly at start.
const LONG: u64 = 64 * 1024 * 1024;

/// How much a write needs at least, in bytes.
const PAGE: usize = 4 * 1024;

/// One text of a row.
#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

impl SqliteStore {
    /// Makes the file and its folder if need be, runs the migrations that are still to be run, and returns their
    /// names.
    ///
    /// Of several instances one migrates while the others wait; to run it again changes nothing.
    /// What is made is readable by its owner alone, since it holds stream keys.
    pub async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        let (path, timeout) = (self.path.clone(), self.timeout);
        let run = self.runtime.spawn_blocking(move || migrate(&path, timeout));
        let done = run.await.map_err(StoreError::failed)??;
        self.remember_file();
        Ok(done)
    }

    /// What [`SqliteStore::migrate`] would do now; reads only.
    pub async fn plan_migration(&self) -> Result<Plan, StoreError> {
        let (path, timeout) = (self.path.clone(), self.timeout);
        let run = self.runtime.spawn_blocking(move || Plan::read(&path, timeout));
        run.await.map_err(StoreError::failed)?
    }
}

fn migrate(path: &Path, timeout: Duration) -> Result<Vec<String>, StoreError> {
    let folder = error::folder_of(path);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    made.map_err(|error| error::file(path, error))?;
    let _lock = lock(path)?;
    open_private(path).map_err(|error| error::file(path, error))?;
    let opened = pool::open(path, Mode::Create, timeout);
    let mut connection = opened.map_err(|error| error::connection(path, error))?;
    error::naming(path, || {
        check(&mut connection, path)?;
        let done = connection.run_pending_migrations(MIGRATIONS).map_err(|error| migration(error, path))?;
        let done = done.iter().map(ToString::to_string).collect();
        let made_again = objects::make_whole(&mut connection).map_err(StoreError::Failed)?;
        if !made_again.is_empty() {
            tracing::warn!(objects = made_again.join(", "), "made again what the database lacked");
        }
        Ok(done)
    })
}

/// Refuses a file that is damaged, such as one that was restored beside the `-wal` of another.
pub(crate) fn check(connection: &mut SqliteConnection, path: &Path) -> Result<(), StoreError> {
    let is_long = std::fs::metadata(path).is_ok_and(|found| found.len() > LONG);
    // The quick one does not compare indexes with their tables.
    let statement = if is_long { "quick_check" } else { "integrity_check" };
    let found = sql_query(format!("SELECT {statement} AS name FROM pragma_{statement} LIMIT 1"));
    match found.load::<Name>(connection).map_err(error::query)?.as_slice() {
        [Name { name }] if name != "ok" => Err(error::damaged(path, name)),
        _ => Ok(()),
    }
}

/// The harness keeps Diesel's error in a box.
fn migration(error: Box<dyn std::error::Error + Send + Sync>, path: &Path) -> StoreError {
    error::naming(path, || match error.downcast::<diesel::result::Error>() {
        Ok(error) => error::query(*error),
        Err(error) => error::query(diesel::result::Error::QueryBuilderError(error)),
    })
}

/// A lock beside the database that is given up when the file is closed, at the latest by the process's end.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = open_private(&PathBuf::from(name)).map_err(|error| error::file(path, error))?;
    file.lock().map_err(|error| error::file(path, error))?;
    Ok(file)
}

/// Whether there is room beside the file, and whether it may be taken: what the next write needs.
pub(crate) fn try_to_write_beside(path: &Path) -> Result<(), StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let written = open_private(&PathBuf::from(name)).and_then(|mut file| {
        let written = file.write_all(&[0; PAGE]);
        file.set_len(0)?;
        written
    });
    written.map_err(|error| error::file(path, error))
}

fn open_private(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).append(true).mode(0o600);
    options.open(path)
}

/// What a migration would change, line by line, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// One change each; empty if there is nothing to do.
    pub changes: Vec<String>,
}

impl Plan {
    fn read(path: &Path, timeout: Duration) -> Result<Self, StoreError> {
        let (mut changes, mut pending) = (Vec::new(), all()?);
        if path.exists() {
            let opened = pool::open(path, Mode::Look, timeout);
            let mut connection = opened.map_err(|error| error::connection(path, error))?;
            pending = error::naming(path, || self::pending(&mut connection))?;
            if pending.is_empty() {
                let missing = objects::missing(&mut connection).map_err(StoreError::Failed)?;
                changes.extend(
                    missing.into_iter().map(|what| format!("make again, since it is missing: {what}")),
                );
            }
        } else {
            changes.push(format!("make the file {}", path.display()));
        }
        changes.extend(pending.iter().map(|name| format!("run the migration {name}")));
        Ok(Self { changes })
    }
}

/// The names of all migrations, in their order.
fn all() -> Result<Vec<String>, StoreError> {
    let all: Vec<Box<dyn Migration<Sqlite>>> = MIGRATIONS.migrations().map_err(StoreError::failed)?;
    Ok(all.iter().map(|migration| migration.name().to_string()).collect())
}

/// The names of those that have not run; reads only.
pub(crate) fn pending(connection: &mut SqliteConnection) -> Result<Vec<String>, StoreError> {
    let applied = applied_versions(connection).map_err(error::query)?;
    let all: Vec<Box<dyn Migration<Sqlite>>> = MIGRATIONS.migrations().map_err(StoreError::failed)?;
    let names = all.iter().map(|migration| migration.name());
    let pending = names.filter(|name| !applied.contains(&name.version().to_string()));
    Ok(pending.map(ToString::to_string).collect())
}

/// The migrations that have run; Diesel's harness would create its own table to find out.
fn applied_versions(connection: &mut SqliteConnection) -> QueryResult<Vec<String>> {
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
