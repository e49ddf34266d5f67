//! The store in an SQLite file, the default that needs no set-up.
//!
//! SQLite is compiled in; it runs in WAL mode with `synchronous = FULL`, so that an acknowledged key survives a power
//! cut.
//! Reads have a few connections and writes have one, since SQLite lets one writer in at a time.
//! Its twin is `stream-postgres`, file for file; there are no `users` here to refer to.

#![warn(clippy::future_not_send)]

mod admissions;
mod catalog;
mod coalesced_reads;
mod error;
mod history;
mod keys;
mod kicks;
mod lists;
mod migrate;
mod objects;
mod pool;
mod presence;
mod row;
mod schema;
mod session_row;
mod sessions;

#[cfg(test)]
mod tests;

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use stream_domain::ports::StoreError;
use tokio::runtime::Handle;

pub use migrate::Plan;

use crate::coalesced_reads::CoalescedReads;
use crate::pool::Connections;

/// What the store is told at start.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The database file; it and its folder are made if need be.
    pub path: PathBuf,
    /// How long an operation may take, waiting for a connection included.
    pub timeout: Duration,
}

/// All ports of a store, in an SQLite file.
#[derive(Clone)]
pub struct SqliteStore {
    path: PathBuf,
    /// Which file was at the path when it was first looked at: its device and number.
    file: Arc<OnceLock<(u64, u64)>>,
    coalesced: CoalescedReads,
    coalesced_reads: Connections,
    reads: Connections,
    writes: Connections,
    timeout: Duration,
    runtime: Handle,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Prepares the pools; opens the file when first asked something.
    ///
    /// Call it on a multi-thread runtime, which then carries every operation: one that a caller abandons
    /// half-way is finished there.
    pub fn new(options: &SqliteOptions) -> Self {
        let connections = |size| Connections::new(&options.path, size, options.timeout);
        let (coalesced_reads, runtime) = (connections(pool::READERS), Handle::current());
        Self {
            path: options.path.clone(),
            file: Arc::default(),
            coalesced: CoalescedReads::new(&coalesced_reads, &runtime),
            coalesced_reads,
            reads: connections(pool::READERS),
            writes: connections(1),
            timeout: options.timeout,
            runtime,
        }
    }

    /// From now on another file at the path is a stranger.
    fn remember_file(&self) {
        if let Ok(found) = std::fs::metadata(&self.path) {
            self.file.get_or_init(|| (found.dev(), found.ino()));
        }
    }

    /// Whether the file is still there, and has room beside it.
    fn look_at_file(&self) -> Result<(), StoreError> {
        let found = std::fs::metadata(&self.path).map_err(|_| error::gone(&self.path))?;
        let found = (found.dev(), found.ino());
        if *self.file.get_or_init(|| found) != found {
            return Err(error::gone(&self.path));
        }
        migrate::try_to_write_beside(&self.path)
    }

    /// Closes every connection that is idle, and each other one when its operation ends.
    pub fn close(&self) {
        self.coalesced_reads.close();
        self.reads.close();
        self.writes.close();
    }

    /// Runs a step on the store's own runtime, to its end even if the caller goes away, and waits for it until
    /// the time-out.
    ///
    /// The connections block when a query is dropped half-way, which only a multi-thread runtime bears; the HTTP
    /// server's worker threads are none and may drop a query at any time.
    async fn detached<T, E>(&self, step: impl Future<Output = Result<T, E>> + Send + 'static) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        match tokio::time::timeout(self.timeout, self.runtime.spawn(step)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => Err(StoreError::failed(panic).into()),
            Err(_elapsed) => Err(too_slow().into()),
        }
    }
}

fn too_slow() -> StoreError {
    StoreError::unavailable("the database took too long")
}
