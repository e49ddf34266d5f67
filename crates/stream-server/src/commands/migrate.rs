//! `migrate`: brings the database to the shape that this version needs.

mod progress;

use crate::commands::output::print;
use crate::config::DatabaseConfig;
use crate::failure::Failure;
use crate::store::Store;

/// Migrates, or prints what would change.
pub(super) async fn migrate(database: &DatabaseConfig, is_dry_run: bool) -> Result<(), Failure> {
    let store = Store::open(database)?;
    if is_dry_run {
        return print(&store.plan_migration().await?);
    }
    let done = store.migrate_showing(progress::shown()).await?;
    if done.is_empty() {
        return print("The database is up to date.");
    }
    print(&format!("Ran the migrations {}.", done.join(", ")))
}
