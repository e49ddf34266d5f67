//! The store on PostgreSQL, in the database that is shared with the user-service.
//!
//! Diesel over `tokio-postgres`, without libpq.
//! Reads and writes have a pool each, so that writes that hang (on a synchronous standby that is away, say) never
//! keep a media server from an answer.
//! Its twin is `stream-sqlite`, file for file.

#![warn(clippy::future_not_send)]

mod admissions;
mod attempts;
mod catalog;
mod connect;
mod cure;
mod error;
mod fresh;
mod generations;
mod health;
mod history;
mod keys;
mod kicks;
mod lists;
mod migrate;
mod objects;
mod pool;
mod pooler;
mod presence;
mod readers;
mod row;
mod schema;
mod session_row;
mod sessions;
mod statement;
mod tls;
mod url;
mod users;
mod wire;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::time::Duration;

use deadpool::managed::{Object, Pool};
use diesel_async::AsyncPgConnection;
use futures_util::future::BoxFuture;
use stream_domain::ports::{Entropy, StoreError};
use tokio::runtime::Handle;
use tokio::time::timeout;

pub use migrate::Plan;
pub use url::InvalidUrl;

use crate::attempts::Attempts;
use crate::fresh::Fresh;
use crate::pool::{Connector, Links};

/// What the store is told at start.
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

/// How the connections that read are shared out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Share {
    /// For operations one by one.
    pool: usize,
    /// How many lanes there are for what many ask at once, with a connection each.
    lanes: usize,
    /// How many more each lane may make while a statement takes too long.
    spare: usize,
}

impl Share {
    /// At most half for lanes, each with one to spare where there are enough; a core has one lane at most.
    fn of(connections: usize) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let lanes = (connections / 4).max(usize::from(connections > 1)).min(cores);
        let spare = usize::from(lanes > 0 && connections >= 4 * lanes);
        Self { pool: connections - lanes * (1 + spare), lanes, spare }
    }
}

/// All ports of a store, on PostgreSQL.
#[derive(Clone)]
pub struct PostgresStore {
    connector: Arc<Connector>,
    fresh: Fresh,
    reads: Pool<Links>,
    writes: Pool<Links>,
    timeout: Duration,
    users_table: Arc<AtomicU8>,
    runtime: Handle,
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
        let connector = Arc::new(Connector::new(options, entropy)?);
        let writers = (options.pool_size / 2).max(1);
        let readers = options.pool_size.saturating_sub(writers).max(1);
        let readers = Share::of(readers);
        let pool = |size, planning| pool::build(&connector, size, options.timeout, planning);
        let (reads, writes) = (pool(readers.pool, pool::PLAN_FREELY), pool(writers, pool::PLAN_ONCE));
        Ok(Self {
            fresh: Fresh::new(&connector, &reads, options.timeout, &readers),
            reads,
            writes,
            connector,
            timeout: options.timeout,
            users_table: Arc::default(),
            runtime: Handle::current(),
        })
    }

    /// Closes every connection that is idle, and each other one when its operation ends.
    pub fn close(&self) {
        self.fresh.close();
        self.reads.close();
        self.writes.close();
    }

    /// Runs a step on a connection of this pool, and waits for its end until the time-out.
    ///
    /// The step runs on the store's own runtime, to its end even if the caller goes away: a connection whose query was
    /// dropped half-way would be in an unknown state, and the HTTP server's worker threads may drop one at any time.
    /// A step that takes too long is cancelled, and its connection given up rather than kept from the others.
    /// One that somebody else was in the way of, and one that met a server of the wrong kind, is tried again.
    async fn on<T, E>(
        &self,
        pool: &Pool<Links>,
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
        let (pool, connector, limit) = (pool.clone(), self.connector.clone(), self.timeout);
        let run = async move {
            let mut attempts = Attempts::within(limit, connector.entropy());
            loop {
                let mut link = pool::acquire(&pool, limit).await?;
                if !attempts.takes(link.made_at()) {
                    drop(Object::take(link));
                    continue;
                }
                let outcome = connector.in_time(link.canceller(), limit, step.clone()(&mut link)).await;
                let Some(outcome) = outcome else {
                    drop(Object::take(link));
                    return Err(too_slow().into());
                };
                let again = connector.judge(&mut link);
                drop(link);
                if outcome.is_ok() || !attempts.next(again).await {
                    return outcome;
                }
            }
        };
        match timeout(limit, self.runtime.spawn(run)).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => Err(StoreError::failed(panic).into()),
            Err(_elapsed) => Err(too_slow().into()),
        }
    }
}

fn too_slow() -> StoreError {
    StoreError::unavailable("the database took too long")
}
