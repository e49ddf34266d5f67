//! The migrations that this build carries, and which of them are still to be run.

use diesel::sql_types::Text;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _};
use stream_domain::ports::StoreError;

use crate::catalog_tables::is_true;
use crate::error;

/// The migrations by name, in their order, with their statements.
///
/// Diesel's harness begins and ends its transactions itself, so that the lock could not belong to them.
pub(crate) const MIGRATIONS: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

/// What Diesel records of a migration: its folder's number without the dashes.
pub(super) fn version_of(name: &str) -> String {
    name.split('_').next().unwrap_or_default().replace('-', "")
}

/// The names of the migrations that have not run; those that a newer version of this service ran are none of ours.
pub(crate) async fn pending(connection: &mut AsyncPgConnection) -> Result<Vec<&'static str>, StoreError> {
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
    let names = MIGRATIONS.iter().map(|(name, _)| *name);
    Ok(names.filter(|name| !applied.iter().any(|row| row.version == version_of(name))).collect())
}
