//! The store: its connections, and how an operation runs on one of them.

use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::time::Duration;

use diesel_async::AsyncPgConnection;
use futures_util::future::BoxFuture;
use stream_domain::ports::{Entropy, PoolUsage, StoreError};
use stream_spans::{function_of, query, traced};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::coalesced_reads::CoalescedReads;
use crate::connector::{self, Connector};
use crate::error::too_slow;
use crate::pool::Connections;
use crate::schema::SYSTEM;
use crate::url::InvalidUrl;

/// How many connections coalesced reads have at most: one each for lookups and pages, and one more while that is slow.
const SHARED_CONNECTIONS: usize = 4;

/// The settings of a [`PostgresStore`].
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://…` or `postgresql://…`, as libpq reads it.
    pub url: String,
    /// How many connections at most, half of them for reads and half for writes; at least two.
    ///
    /// Up to half of those for reads serve lookups and pages of the public lists.
    pub pool_size: usize,
    /// How long an operation may take, waiting for a connection included.
    pub timeout: Duration,
}

impl std::fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The URL holds a password.
        f.debug_struct("PostgresOptions").field("pool_size", &self.pool_size).finish_non_exhaustive()
    }
}

/// All ports of a store, on PostgreSQL.
#[derive(Clone)]
pub struct PostgresStore {
    pub(crate) connector: Arc<Connector>,
    pub(crate) coalesced: CoalescedReads,
    coalesced_reads: Connections,
    pub(crate) reads: Connections,
    pub(crate) writes: Connections,
    timeout: Duration,
    pub(crate) users_table: Arc<AtomicU8>,
    pub(crate) runtime: Handle,
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl PostgresStore {
    /// Prepares the pools; connects when first asked something.
    ///
    /// Call it on a multi-thread runtime, which then carries every operation: one that a caller abandons half-way is
    /// finished there, or cancelled when its time is up.
    /// `entropy` spreads the reconnects of many instances.
    pub fn new(options: &PostgresOptions, entropy: Arc<dyn Entropy>) -> Result<Self, InvalidUrl> {
        let connector = Arc::new(Connector::new(&options.url, options.timeout, entropy)?);
        let writers = (options.pool_size / 2).max(1);
        let readers = options.pool_size.saturating_sub(writers).max(1);
        let shared = (readers / 2).min(SHARED_CONNECTIONS);
        let connections = |size, planning| Connections::new(&connector, size, options.timeout, planning);
        let reads = connections(readers - shared, connector::PLAN_FREELY);
        let writes = connections(writers, connector::PLAN_ONCE);
        let coalesced_reads =
            if shared == 0 { reads.clone() } else { connections(shared, connector::PLAN_LOOKUPS).or(&reads) };
        let runtime = Handle::current();
        Ok(Self {
            coalesced: CoalescedReads::new(&coalesced_reads, options.timeout, &runtime),
            coalesced_reads,
            reads,
            writes,
            connector,
            timeout: options.timeout,
            users_table: Arc::default(),
            runtime,
        })
    }

    /// What the connections of each pool do at the moment.
    pub(crate) fn pools(&self) -> Vec<PoolUsage> {
        vec![self.coalesced_reads.usage("lookups"), self.reads.usage("reads"), self.writes.usage("writes")]
    }

    /// Closes every connection that is idle, and each other one when its operation ends.
    pub fn close(&self) {
        self.coalesced_reads.close();
        self.reads.close();
        self.writes.close();
    }

    /// Runs a step on one of these connections, and waits for its end until the time-out.
    ///
    /// The step runs on the store's own runtime, to its end even if the caller leaves: a connection whose query was
    /// dropped half-way would be in an unknown state, and the HTTP server's worker threads may drop one at any time.
    pub(crate) async fn on<T, E>(
        &self,
        connections: &Connections,
        step: impl for<'c> FnOnce(&'c mut AsyncPgConnection) -> BoxFuture<'c, Result<T, E>>
        + Clone
        + Send
        + Sync
        + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let connections = connections.clone();
        let span = query(SYSTEM, function_of(&step));
        let run = self.runtime.spawn(async move { connections.run(step).await });
        let in_time = async {
            match timeout(self.timeout, run).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(panic)) => Err(StoreError::failed(panic).into()),
                Err(_elapsed) => Err(too_slow().into()),
            }
        };
        traced(span, in_time).await
    }
}
