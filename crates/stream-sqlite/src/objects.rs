//! What the migrations make, and whether all of it is there.
//!
//! What must exist is read from an empty database in memory that the migrations have just made; a file that was restored
//! in part, or edited, gets from there what it lacks.

use diesel::connection::SimpleConnection as _;
use diesel::migration::{Migration, MigrationSource as _, Result};
use diesel::sql_types::Text;
use diesel::sqlite::Sqlite;
use diesel::{Connection as _, QueryResult, QueryableByName, RunQueryDsl as _, SqliteConnection, sql_query};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

/// The migrations, compiled in.
pub(crate) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// Tables first, since the others are made on them.
const OBJECTS: &str = "SELECT type AS kind, name, sql FROM sqlite_master
    WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '__diesel%'
    ORDER BY CASE type WHEN 'table' THEN 0 WHEN 'index' THEN 1 ELSE 2 END, rowid";

/// Of several rows where one may be, which are there only if an index was lost, the newest stays.
const SETTLE: &str = "
    UPDATE streams SET status = 'stopped', updated_at = strftime('%Y-%m-%d %H:%M:%f', 'now') || '000' WHERE id IN (
        SELECT id FROM (
            SELECT id, row_number() OVER (PARTITION BY user_id ORDER BY created_at DESC, id DESC) AS place
            FROM streams WHERE status = 'active' AND user_id IS NOT NULL
        ) WHERE place > 1
    );
    UPDATE publish_sessions SET ended_at = strftime('%Y-%m-%d %H:%M:%f', 'now') || '000', end_reason = 'superseded',
        cut_because = 'superseded', cut_tried_at = NULL
    WHERE id IN (
        SELECT id FROM (
            SELECT id, row_number() OVER (PARTITION BY stream_id ORDER BY id DESC) AS of_stream,
                row_number() OVER (PARTITION BY server, server_session ORDER BY id DESC) AS of_connection
            FROM publish_sessions WHERE ended_at IS NULL
        ) WHERE of_stream > 1 OR of_connection > 1
    );";

#[derive(QueryableByName)]
struct Object {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    sql: String,
}

impl Object {
    fn told(&self) -> String {
        format!("the {} {}", self.kind, self.name)
    }
}

/// What a file lacks whose migrations have all run, each in words; reads only.
pub(crate) fn missing(connection: &mut SqliteConnection) -> Result<Vec<String>> {
    Ok(lacking(connection)?.iter().map(Object::told).collect())
}

/// Makes again what a file lacks whose migrations have all run, and tells what that was.
pub(crate) fn make_whole(connection: &mut SqliteConnection) -> Result<Vec<String>> {
    // Looked at without a lock, as it is whole nearly always.
    if lacking(connection)?.is_empty() {
        return Ok(Vec::new());
    }
    connection.immediate_transaction(|connection| {
        let objects = lacking(connection)?;
        let (tables, others): (Vec<_>, Vec<_>) = objects.iter().partition(|object| object.kind == "table");
        for table in &tables {
            connection.batch_execute(&table.sql)?;
        }
        connection.batch_execute(SETTLE)?;
        for other in &others {
            connection.batch_execute(&other.sql)?;
        }
        Ok(objects.iter().map(Object::told).collect())
    })
}

fn lacking(connection: &mut SqliteConnection) -> Result<Vec<Object>> {
    let there = objects(connection)?;
    let mut wanted = wanted()?;
    wanted.retain(|object| {
        !there.iter().any(|other| (&other.kind, &other.name) == (&object.kind, &object.name))
    });
    Ok(wanted)
}

fn wanted() -> Result<Vec<Object>> {
    let mut memory = SqliteConnection::establish(":memory:")?;
    for migration in in_order()? {
        migration.run(&mut memory)?;
    }
    Ok(objects(&mut memory)?)
}

fn in_order() -> Result<Vec<Box<dyn Migration<Sqlite>>>> {
    let mut all: Vec<Box<dyn Migration<Sqlite>>> = MIGRATIONS.migrations()?;
    all.sort_by_key(|migration| migration.name().version().as_owned());
    Ok(all)
}

fn objects(connection: &mut SqliteConnection) -> QueryResult<Vec<Object>> {
    sql_query(OBJECTS).load(connection)
}
