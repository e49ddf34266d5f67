//! Connections that a lane keeps to itself, each with what is known from it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use deadpool::managed::{Object, Pool};
use diesel_async::AsyncPgConnection;
use futures_util::future::BoxFuture;
use stream_domain::ports::StoreError;

use crate::attempts::Attempts;
use crate::pool::{self, Connector, Link, Links, Planning};
use crate::too_slow;

/// A lane's connections: one, and the spare ones for when a query takes too long.
///
/// They are made when they are needed, on the runtime of those who ask, and stay there.
/// Where the server gives no further one, and where so few are allowed that the lane has none of its own, one of the
/// pool serves.
pub(crate) struct Readers<Memory> {
    connector: Arc<Connector>,
    reads: Pool<Links>,
    limit: Duration,
    planning: Planning,
    has_own: bool,
    idle: Mutex<Vec<(Link, Memory)>>,
    is_closed: AtomicBool,
}

/// A connection for one reading; what is known from it is forgotten with it, since the next one may lead to another
/// server.
enum Reader<Memory> {
    Own(Link, Memory),
    Borrowed(Object<Links>, Memory),
}

impl<Memory: Default + Send> Readers<Memory> {
    /// Connects when first asked something; each connection begins with the settings of `planning`.
    pub(crate) fn new(
        connector: &Arc<Connector>,
        reads: &Pool<Links>,
        limit: Duration,
        planning: Planning,
        has_own: bool,
    ) -> Self {
        let (connector, reads) = (connector.clone(), reads.clone());
        let (idle, is_closed) = (Mutex::default(), AtomicBool::default());
        Self { connector, reads, limit, planning, has_own, idle, is_closed }
    }

    /// Reads in time, or gives the connection up.
    ///
    /// A reading that somebody else was in the way of, and one that met a server of the wrong kind, is tried again.
    pub(crate) async fn read<T>(
        &self,
        step: impl for<'c> FnOnce(
            &'c mut AsyncPgConnection,
            &'c mut Memory,
        ) -> BoxFuture<'c, Result<T, StoreError>>
        + Clone,
    ) -> Result<T, StoreError> {
        let mut attempts = Attempts::within(self.limit, self.connector.entropy());
        loop {
            let mut reader = self.acquire().await?;
            let (link, memory) = match &mut reader {
                Reader::Own(link, memory) => (link, memory),
                Reader::Borrowed(link, memory) => (&mut **link, memory),
            };
            if !attempts.takes(link.made_at()) {
                if let Reader::Borrowed(link, _) = reader {
                    drop(Object::take(link));
                }
                continue;
            }
            let canceller = link.canceller();
            let Some(outcome) =
                self.connector.in_time(canceller, self.limit, step.clone()(link, memory)).await
            else {
                if let Reader::Borrowed(link, _) = reader {
                    drop(Object::take(link));
                }
                return Err(too_slow());
            };
            let again = self.connector.judge(link);
            if let Reader::Own(link, memory) = reader
                && !self.is_closed.load(Ordering::Relaxed)
            {
                // Behind a pooler the next statement may reach another server, of which nothing is known.
                let memory = if link.is_pooled() { Memory::default() } else { memory };
                self.idle().push((link, memory));
            }
            if outcome.is_ok() || !attempts.next(again).await {
                return outcome;
            }
        }
    }

    /// Closes what is idle, and the rest when its reading ends.
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Link, Memory)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn acquire(&self) -> Result<Reader<Memory>, StoreError> {
        if self.has_own {
            if let Some(own) = self.next_idle() {
                return Ok(own);
            }
            match self.connector.connect(self.planning).await {
                Ok(link) => return Ok(Reader::Own(link, Memory::default())),
                Err(error) if self.reads.status().size == 0 => return Err(error.into()),
                Err(_) => {}
            }
        }
        let link = pool::acquire(&self.reads, self.limit).await?;
        Ok(Reader::Borrowed(link, Memory::default()))
    }

    fn next_idle(&self) -> Option<Reader<Memory>> {
        let mut idle = self.idle();
        while let Some((mut link, memory)) = idle.pop() {
            if link.is_fit(&self.connector) {
                return Some(Reader::Own(link, memory));
            }
        }
        None
    }
}
