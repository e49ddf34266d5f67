//! The store on PostgreSQL, in the database that is shared with the user-service.
//!
//! Diesel over `tokio-postgres`, without libpq.
//! Reads and writes have a pool each, so that writes that hang (on a synchronous standby that is away, say) never
//! keep a media server from an answer.
//! Its twin is `stream-sqlite`, file for file.

#![warn(clippy::future_not_send)]

mod error;
mod migrate;
mod pool;
mod row;
mod schema;
mod session_row;
mod sessions;
mod statement;
mod streams;
mod tls;
mod users;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::AtomicU8;
use std::time::Duration;

use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use futures_util::future::BoxFuture;
use stream_domain::ports::{Entropy, StoreError};
use tokio::runtime::Handle;
use tokio::time::timeout;

pub use error::InvalidUrl;
pub use migrate::Plan;

use crate::pool::Connector;

/// How long a cancelled step may take to end before its connection is given up.
const CANCEL_PATIENCE: Duration = Duration::from_secs(2);

/// What the store is told at start.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://…` or `postgresql://…`, as libpq reads it.
    pub url: String,
    /// How many connections at most, half of them for reads and half for writes; at least two.
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

/// A [`stream_domain::ports::StreamRepository`] and [`stream_domain::ports::SessionRepository`] on PostgreSQL.
#[derive(Clone)]
pub struct PostgresStore {
    connector: Arc<Connector>,
    reads: Pool<AsyncPgConnection>,
    writes: Pool<AsyncPgConnection>,
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
        let half = (options.pool_size / 2).max(1);
        let pool = |settings| pool::build(&connector, half, options.timeout, settings);
        Ok(Self {
            reads: pool(pool::PLAN_FREELY),
            writes: pool(pool::PLAN_ONCE),
            connector,
            timeout: options.timeout,
            users_table: Arc::default(),
            runtime: Handle::current(),
        })
    }

    /// Closes every connection that is idle, and each other one when its operation ends.
    pub fn close(&self) {
        self.reads.close();
        self.writes.close();
    }

    /// Runs a step on a connection of this pool, and waits for its end until the time-out.
    ///
    /// The step runs on the store's own runtime, to its end even if the caller goes away: a connection whose query was
    /// dropped half-way would be in an unknown state, and the HTTP server's worker threads may drop one at any time.
    /// A step that takes too long is cancelled at the server, and its connection given up rather than kept from the
    /// others.
    async fn on<T, E>(
        &self,
        pool: &Pool<AsyncPgConnection>,
        step: impl for<'c> FnOnce(&'c mut AsyncPgConnection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (pool, connector, limit) = (pool.clone(), self.connector.clone(), self.timeout);
        let run = async move {
            let mut connection = pool::acquire(&pool, limit).await?;
            let token = connection.cancel_token();
            let mut running = step(&mut connection);
            if let Ok(outcome) = timeout(limit, &mut running).await {
                return outcome;
            }
            connector.cancel(token).await;
            let _ = timeout(CANCEL_PATIENCE, running).await;
            // Even if that ended the step: a cancellation that comes late would end somebody else's.
            drop(Object::take(connection));
            Err(too_slow().into())
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
