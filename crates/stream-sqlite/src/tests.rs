//! The store on real files, one a test.

mod coalesced_reads;
mod files;
mod laws;
mod restored;
mod troubles;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;

use crate::{SqliteOptions, SqliteStore};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(future)
}

fn store_at(path: &Path) -> SqliteStore {
    SqliteStore::new(&SqliteOptions { path: path.to_owned(), timeout: Duration::from_secs(5) })
}

async fn migrated() -> (TempDir, Arc<SqliteStore>) {
    let folder = tempfile::tempdir().unwrap();
    let store = store_at(&folder.path().join("streams.db"));
    store.migrate().await.unwrap();
    (folder, Arc::new(store))
}
