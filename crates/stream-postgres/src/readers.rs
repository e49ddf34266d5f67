//! Connections that a lane keeps to itself, each with what is known from it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::PoolableConnection as _;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use futures_util::future::BoxFuture;
use stream_domain::ports::StoreError;

use crate::pool::{self, Connector};
use crate::too_slow;

/// A lane's connections: one, and the spare ones for when a query takes too long.
///
/// They are made when they are needed, on the runtime of those who ask, and stay there.
/// Where the server gives no further one, and where so few are allowed that the lane has none of its own, one of the
/// pool serves.
pub(crate) struct Readers<Memory> {
    connector: Arc<Connector>,
    reads: Pool<AsyncPgConnection>,
    limit: Duration,
    settings: &'static str,
    has_own: bool,
    idle: Mutex<Vec<(AsyncPgConnection, Memory)>>,
    is_closed: AtomicBool,
}

/// A connection for one reading; what is known from it is forgotten with it, since the next one may lead to another
/// server.
enum Reader<Memory> {
    Own(AsyncPgConnection, Memory),
    Borrowed(Object<AsyncPgConnection>, Memory),
}

impl<Memory: Default + Send> Readers<Memory> {
    /// Connects when first asked something; each connection begins with `settings`.
    pub(crate) fn new(
        connector: &Arc<Connector>,
        reads: &Pool<AsyncPgConnection>,
        limit: Duration,
        settings: &'static str,
        has_own: bool,
    ) -> Self {
        let (connector, reads) = (connector.clone(), reads.clone());
        let (idle, is_closed) = (Mutex::default(), AtomicBool::default());
        Self { connector, reads, limit, settings, has_own, idle, is_closed }
    }

    /// Reads in time, or gives the connection up.
    pub(crate) async fn read<T>(
        &self,
        step: impl for<'c> FnOnce(
            &'c mut AsyncPgConnection,
            &'c mut Memory,
        ) -> BoxFuture<'c, Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let mut reader = self.acquire().await?;
        let (connection, memory) = match &mut reader {
            Reader::Own(connection, memory) => (connection, memory),
            Reader::Borrowed(connection, memory) => (&mut **connection, memory),
        };
        let token = connection.cancel_token();
        let outcome = self.connector.in_time(token, self.limit, step(connection, memory)).await;
        match (reader, outcome) {
            (Reader::Own(connection, memory), Some(outcome)) => {
                if !self.is_closed.load(Ordering::Relaxed) {
                    self.idle().push((connection, memory));
                }
                outcome
            }
            (Reader::Borrowed(..), Some(outcome)) => outcome,
            (Reader::Own(..), None) => Err(too_slow()),
            (Reader::Borrowed(connection, _), None) => {
                drop(Object::take(connection));
                Err(too_slow())
            }
        }
    }

    /// Closes what is idle, and the rest when its reading ends.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(AsyncPgConnection, Memory)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn acquire(&self) -> Result<Reader<Memory>, StoreError> {
        if self.has_own {
            if let Some(own) = self.next_idle() {
                return Ok(own);
            }
            match self.connector.connect(self.settings).await {
                Ok(connection) => return Ok(Reader::Own(connection, Memory::default())),
                Err(error) if self.reads.status().size == 0 => return Err(StoreError::unavailable(error)),
                Err(_) => {}
            }
        }
        let connection = pool::acquire(&self.reads, self.limit).await?;
        Ok(Reader::Borrowed(connection, Memory::default()))
    }

    fn next_idle(&self) -> Option<Reader<Memory>> {
        let mut idle = self.idle();
        while let Some((mut connection, memory)) = idle.pop() {
            if !connection.is_broken() {
                return Some(Reader::Own(connection, memory));
            }
        }
        None
    }
}
