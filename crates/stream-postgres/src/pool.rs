//! Connections: how they are made, how long anything may take, and how a lost server is come back to.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::pooled_connection::deadpool::{Object, Pool, PoolError};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use stream_domain::ports::{Entropy, StoreError, chain_of, jittered};
use tokio_postgres::CancelToken;

use crate::error;
use crate::tls::Tls;
use crate::{InvalidUrl, PostgresOptions};

/// How long a connection to one address may take to be made, unless the URL says otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a server may be silent after that, before it is ready for queries.
const GREETING_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a cancelled step may take to end before its connection is given up.
const CANCEL_PATIENCE: Duration = Duration::from_secs(2);

/// How long a request to cancel a statement may take.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);

/// How long sent bytes may stay unacknowledged before the connection counts as lost.
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(10);

/// The pauses between attempts to connect to a server that was lost: from the first to the longest, doubling.
const PAUSES: std::ops::RangeInclusive<Duration> = Duration::from_millis(50)..=Duration::from_secs(1);

/// The pauses between looks for another connection of the pool: from the first to the longest, doubling.
const OTHERS_PAUSES: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(5)..=Duration::from_millis(100);

/// How statements are planned that write: once, since planning an admission takes longer than carrying it out, and never
/// by reading a whole table, which looks cheap to a plan that is made while the table is empty, and then is kept.
pub(crate) const PLAN_ONCE: &str =
    "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off";

/// How batches are planned that write: once, row by row in the order that they have, and without waiting long for a row
/// that somebody else holds, since others wait along.
pub(crate) const PLAN_BATCHES: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; \
     SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off; SET lock_timeout = 200";

/// How lookups are planned: once, and each key by the index.
pub(crate) const PLAN_LOOKUPS: &str = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; \
     SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off";

/// How statements are planned that only read: as the server thinks best.
pub(crate) const PLAN_FREELY: &str = "";

/// Makes connections, and keeps many callers from storming a server that is away.
pub(crate) struct Connector {
    config: tokio_postgres::Config,
    tls: Tls,
    timeout: Duration,
    entropy: Arc<dyn Entropy>,
    backoff: Mutex<Backoff>,
}

#[derive(Default)]
struct Backoff {
    failures: u32,
    not_before: Option<Instant>,
    last_error: String,
}

impl Connector {
    pub(crate) fn new(options: &PostgresOptions, entropy: Arc<dyn Entropy>) -> Result<Self, InvalidUrl> {
        let (mut config, tls) = Tls::read_url(&options.url)?;
        if config.get_application_name().is_none() {
            config.application_name("stream-service");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        config.tcp_user_timeout(TCP_USER_TIMEOUT).keepalives_idle(Duration::from_secs(30));
        Ok(Self { config, tls, timeout: options.timeout, entropy, backoff: Mutex::default() })
    }

    /// A connection for requests: the server itself ends a statement that takes too long.
    pub(crate) async fn connect(&self, settings: &'static str) -> ConnectionResult<AsyncPgConnection> {
        if let Some(last_error) = self.reason_to_pause() {
            let reason =
                format!("the next attempt to connect is due shortly; the last one failed: {last_error}");
            return Err(ConnectionError::BadConnection(reason));
        }
        let connected = async {
            let mut connection = self.connect_without_limits().await?;
            // Later than our own time-out, which cancels the statement and reports it as failed: a commit that waits
            // for a standby is reported as done when the server's own time-out ends the wait.
            let limits = format!(
                "SET statement_timeout = {0}; SET lock_timeout = {0}; SET idle_in_transaction_session_timeout = {0}; \
                 {settings}",
                (self.timeout + Duration::from_secs(1)).as_millis()
            );
            let set = connection.batch_execute(&limits).await;
            set.map_err(ConnectionError::CouldntSetupConfiguration)?;
            Ok(connection)
        };
        let connected = in_time(self.timeout, connected).await;
        self.remember(connected.as_ref().err());
        connected
    }

    /// A connection for migrations, which may take as long as they need.
    pub(crate) async fn connect_without_limits(&self) -> ConnectionResult<AsyncPgConnection> {
        // The driver's own time-out covers each address alone, and not a server that then says nothing.
        let each = self.config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
        let addresses = u32::try_from(self.config.get_hosts().len().max(1)).unwrap_or(u32::MAX);
        // A name has an address of either family, as a rule.
        let all = each.saturating_mul(2).saturating_mul(addresses) + GREETING_TIMEOUT;
        in_time(all, self.connect_in_time()).await
    }

    /// Waits for a connection's step until the time-out; `None` if it took longer.
    ///
    /// It is then cancelled at the server, and the connection must be given up, even if the step has ended by then: a
    /// cancellation that comes late would end somebody else's.
    pub(crate) async fn in_time<T>(
        &self,
        token: CancelToken,
        limit: Duration,
        mut running: BoxFuture<'_, T>,
    ) -> Option<T> {
        if let Ok(outcome) = tokio::time::timeout(limit, &mut running).await {
            return Some(outcome);
        }
        self.cancel(token).await;
        let _ = tokio::time::timeout(CANCEL_PATIENCE, running).await;
        None
    }

    /// Asks the server to end what a connection is doing.
    async fn cancel(&self, token: CancelToken) {
        let cancel = async {
            match &self.tls {
                Tls::Off => token.cancel_query(tokio_postgres::NoTls).await,
                Tls::On(connector) => token.cancel_query(connector.clone()).await,
            }
        };
        // Whether it helped shows in the step itself.
        let _ = tokio::time::timeout(CANCEL_TIMEOUT, cancel).await;
    }

    async fn connect_in_time(&self) -> ConnectionResult<AsyncPgConnection> {
        // The driver keeps the telling part of an error, such as "connection refused", in its source.
        let bad = |error: tokio_postgres::Error| ConnectionError::BadConnection(chain_of(&error));
        match &self.tls {
            Tls::Off => {
                let (client, connection) = self.config.connect(tokio_postgres::NoTls).await.map_err(bad)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await
            }
            Tls::On(connector) => {
                let (client, connection) = self.config.connect(connector.clone()).await.map_err(bad)?;
                AsyncPgConnection::try_from_client_and_connection(client, connection).await
            }
        }
    }

    /// While a pause lasts, what it is for.
    fn reason_to_pause(&self) -> Option<String> {
        let backoff = self.backoff.lock().unwrap_or_else(PoisonError::into_inner);
        let is_pausing = backoff.not_before.is_some_and(|instant| Instant::now() < instant);
        is_pausing.then(|| backoff.last_error.clone())
    }

    fn remember(&self, failure: Option<&ConnectionError>) {
        let mut backoff = self.backoff.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(failure) = failure else {
            *backoff = Backoff::default();
            return;
        };
        let pause = self.pause_after(backoff.failures);
        backoff.failures = backoff.failures.saturating_add(1);
        backoff.not_before = Some(Instant::now() + pause);
        backoff.last_error = chain_of(failure);
    }

    /// A doubling pause, with jitter.
    pub(crate) fn pause_after(&self, failures: u32) -> Duration {
        let doubled = PAUSES.start().saturating_mul(1 << failures.min(10));
        jittered(doubled.min(*PAUSES.end()), &*self.entropy)
    }
}

async fn in_time<T>(
    limit: Duration,
    connecting: impl Future<Output = ConnectionResult<T>>,
) -> ConnectionResult<T> {
    let connected = tokio::time::timeout(limit, connecting).await;
    connected.unwrap_or_else(|_elapsed| {
        Err(ConnectionError::BadConnection(format!("the server did not answer within {limit:?}")))
    })
}

/// A pool of at most `size` connections; waiting for one takes at most `timeout`, which making one keeps by itself.
///
/// Each connection begins with `settings`.
pub(crate) fn build(
    connector: &Arc<Connector>,
    size: usize,
    timeout: Duration,
    settings: &'static str,
) -> Pool<AsyncPgConnection> {
    let connector = connector.clone();
    let mut manager = ManagerConfig::default();
    // The default asks `SELECT 1` before each use; a connection that was lost meanwhile is seen without that.
    manager.recycling_method = RecyclingMethod::Fast;
    manager.custom_setup = Box::new(move |_url| {
        let connector = connector.clone();
        async move { connector.connect(settings).await }.boxed()
    });
    let manager = AsyncDieselConnectionManager::new_with_config(String::new(), manager);
    Pool::builder(manager)
        .max_size(size)
        .runtime(deadpool::Runtime::Tokio1)
        .wait_timeout(Some(timeout))
        .create_timeout(Some(timeout + Duration::from_secs(1)))
        .recycle_timeout(Some(timeout))
        .build()
        .expect("a pool with time-outs has a runtime to keep them")
}

/// Takes a connection of the pool; waits for one of the others if no further one is to be had.
pub(crate) async fn acquire(
    pool: &Pool<AsyncPgConnection>,
    patience: Duration,
) -> Result<Object<AsyncPgConnection>, StoreError> {
    let give_up = Instant::now() + patience;
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
