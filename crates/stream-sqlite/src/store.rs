//! The store: its file, its connections, and how an operation runs on one of them.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use diesel::SqliteConnection;
use stream_domain::ports::{PoolUsage, StoreError};
use stream_spans::{function_of, query, traced};
use tokio::runtime::Handle;
use tracing::Span;

use crate::coalesced_reads::CoalescedReads;
use crate::error::{self, too_slow};
use crate::pool::{self, Connections};
use crate::schema::SYSTEM;

/// The settings of a [`SqliteStore`].
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
    pub(crate) path: PathBuf,
    /// Which file was at the path when it was first looked at: its device and number.
    pub(crate) file: Arc<OnceLock<(u64, u64)>>,
    pub(crate) coalesced: CoalescedReads,
    coalesced_reads: Connections,
    reads: Connections,
    writes: Connections,
    pub(crate) timeout: Duration,
    pub(crate) runtime: Handle,
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
            coalesced: CoalescedReads::new(&coalesced_reads, options.timeout, &runtime),
            coalesced_reads,
            reads: connections(pool::READERS),
            writes: connections(1),
            timeout: options.timeout,
            runtime,
        }
    }

    /// What the connections of each pool do at the moment.
    pub(crate) fn pools(&self) -> Vec<PoolUsage> {
        vec![self.coalesced_reads.usage("lookups"), self.reads.usage("reads"), self.writes.usage("writes")]
    }

    /// Whether the file is there.
    pub fn exists(&self) -> bool {
        self.path.exists()
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

    pub(crate) async fn read<T, E>(
        &self,
        step: impl FnOnce(&mut SqliteConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let span = query(SYSTEM, function_of(&step));
        self.step(&self.reads, span, step).await
    }

    /// Runs a step in a transaction that is a writer's from its beginning, and so never fails for having read first.
    pub(crate) async fn write<T, E>(
        &self,
        step: impl FnOnce(&mut SqliteConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let span = query(SYSTEM, function_of(&step));
        self.step(&self.writes, span, |connection| {
            let mut refusal = None;
            let outcome = connection.immediate_transaction(|connection| {
                step(connection).map_err(|error| {
                    refusal = Some(error);
                    // Undoes the transaction; what counts is the refusal, even if there is nothing left to undo.
                    diesel::result::Error::RollbackTransaction
                })
            });
            outcome.map_err(|failure| refusal.unwrap_or_else(|| error::query(failure).into()))
        })
        .await
    }

    async fn step<T, E>(
        &self,
        connections: &Connections,
        span: Span,
        step: impl FnOnce(&mut SqliteConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let connections = connections.clone();
        traced(span, self.detached(async move { connections.run(step).await })).await
    }
}
