//! Pools of connections, and how steps run on them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool::managed::{Manager, Metrics, Object, Pool, PoolError, RecycleError, RecycleResult};
use diesel_async::AsyncPgConnection;
use futures_util::future::BoxFuture;
use stream_domain::ports::{PoolUsage, StoreError, Waits};

use crate::attempts::Attempts;
use crate::connect::NotConnected;
use crate::connector::{Connector, Planning};
use crate::error::{self, too_slow};
use crate::link::Link;

/// The pauses between looks for another connection of the pool: from the first to the longest, doubling.
const OTHERS_PAUSES: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(5)..=Duration::from_millis(100);

/// Makes and looks after the connections of a pool.
pub(crate) struct Links {
    connector: Arc<Connector>,
    planning: Planning,
}

impl Manager for Links {
    type Type = Link;
    type Error = NotConnected;

    async fn create(&self) -> Result<Link, NotConnected> {
        self.connector.connect(self.planning).await
    }

    async fn recycle(&self, link: &mut Link, _: &Metrics) -> RecycleResult<NotConnected> {
        // Nothing is asked of the server: a connection that was lost meanwhile is seen without that.
        if link.is_fit(self.connector.generation()) { Ok(()) } else { Err(RecycleError::message("given up")) }
    }
}

/// A pool of connections, and how steps run on them.
#[derive(Clone)]
pub(crate) struct Connections {
    connector: Arc<Connector>,
    pool: Pool<Links>,
    /// Serves while the server gives this pool no connection at all.
    fallback: Option<Pool<Links>>,
    timeout: Duration,
    waits: Arc<Waits>,
}

impl Connections {
    /// At most `size` connections, each with the settings of `planning`; connects when first used.
    ///
    /// Waiting for one takes at most `timeout`, and so does a step.
    pub(crate) fn new(
        connector: &Arc<Connector>,
        size: usize,
        timeout: Duration,
        planning: Planning,
    ) -> Self {
        let pool = Pool::builder(Links { connector: connector.clone(), planning })
            .max_size(size)
            .runtime(deadpool::Runtime::Tokio1)
            .wait_timeout(Some(timeout))
            // Making one keeps the time-out by itself.
            .create_timeout(Some(timeout + Duration::from_secs(1)))
            .recycle_timeout(Some(timeout))
            .build()
            .expect("a pool with time-outs has a runtime to keep them");
        Self { connector: connector.clone(), pool, fallback: None, timeout, waits: Arc::default() }
    }

    /// The same, with those of another pool while the server gives this one none.
    pub(crate) fn or(self, other: &Self) -> Self {
        Self { fallback: Some(other.pool.clone()), ..self }
    }

    /// What its connections do at the moment, under this name.
    pub(crate) fn usage(&self, name: &'static str) -> PoolUsage {
        let status = self.pool.status();
        PoolUsage {
            name,
            max: status.max_size,
            open: status.size,
            in_use: status.size.saturating_sub(status.available),
            waiting: status.waiting,
            acquired: self.waits.number(),
            waited: self.waits.total(),
        }
    }

    /// Closes what is idle, and the rest when its step ends.
    pub(crate) fn close(&self) {
        self.pool.close();
    }

    /// Runs a step until the time-out.
    ///
    /// A step that takes too long is cancelled, and its connection given up rather than kept from the others.
    /// One that another client was in the way of, and one that met a server of the wrong kind, is tried again.
    pub(crate) async fn run<T, E: From<StoreError>>(
        &self,
        step: impl for<'c> FnOnce(&'c mut AsyncPgConnection) -> BoxFuture<'c, Result<T, E>> + Clone,
    ) -> Result<T, E> {
        let mut attempts = Attempts::within(self.timeout, self.connector.entropy());
        loop {
            let mut link = self.acquire().await?;
            if !attempts.takes(link.made_at()) {
                drop(Object::take(link));
                continue;
            }
            let canceller = link.canceller();
            let running = step.clone()(&mut link);
            let Some(outcome) = self.connector.in_time(canceller, self.timeout, running).await else {
                drop(Object::take(link));
                return Err(too_slow().into());
            };
            let again = self.connector.judge(&mut link);
            drop(link);
            if outcome.is_ok() || !attempts.next(again).await {
                return outcome;
            }
        }
    }

    async fn acquire(&self) -> Result<Object<Links>, StoreError> {
        let asked_at = Instant::now();
        let outcome = acquire(&self.pool, self.timeout).await;
        self.waits.note(asked_at.elapsed());
        match &self.fallback {
            Some(other) if outcome.is_err() && self.pool.status().size == 0 && other.status().size > 0 => {
                acquire(other, self.timeout).await
            }
            _ => outcome,
        }
    }
}

/// Takes a connection of the pool; waits for one of the others if the server gives no further one.
async fn acquire(pool: &Pool<Links>, timeout: Duration) -> Result<Object<Links>, StoreError> {
    let give_up = Instant::now() + timeout;
    let mut pause = *OTHERS_PAUSES.start();
    loop {
        match pool.get().await {
            // The server refuses further connections, but those that it gave us still work.
            Err(PoolError::Backend(_)) if pool.status().size > 0 && Instant::now() < give_up => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(*OTHERS_PAUSES.end());
            }
            outcome => return outcome.map_err(error::pool),
        }
    }
}
