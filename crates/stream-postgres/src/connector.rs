//! How connections are made, how long anything may take, and how the service returns to a server that was lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel_async::AsyncPgConnection;
use futures_util::future::BoxFuture;
use stream_domain::ports::{Entropy, jittered};

use crate::attempts::Again;
use crate::connect::{self, Canceller, Connected, NotConnected};
use crate::error::Meaning;
use crate::generations::Generations;
use crate::link::Link;
use crate::socket::CONNECT_TIMEOUT;
use crate::tls::Tls;
use crate::url::InvalidUrl;

/// How long a connection to one of several hosts may take to be made, unless the URL says otherwise.
const CONNECT_TIMEOUT_OF_MANY: Duration = Duration::from_millis(800);

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

/// Settings of a session, by their names.
pub(crate) type Planning = &'static [(&'static str, &'static str)];

/// How statements are planned that write: once, since planning an admission takes longer than carrying it out, and never
/// by reading a whole table, which looks cheap to a plan that is made while the table is empty, and then is kept.
pub(crate) const PLAN_ONCE: Planning =
    &[("plan_cache_mode", "force_generic_plan"), ("enable_seqscan", "off"), ("jit", "off")];

/// How lookups and pages are planned: once, each key by the index, and a page in the order of its index. With a limit that
/// it does not know, a plan would rather sort all active streams.
pub(crate) const PLAN_LOOKUPS: Planning = &[
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_seqscan", "off"),
    ("enable_bitmapscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("enable_sort", "off"),
    ("jit", "off"),
];

/// How statements are planned that only read: as the server thinks best.
pub(crate) const PLAN_FREELY: Planning = &[];

/// Makes connections, and keeps many callers from storming a server that is away.
pub(crate) struct Connector {
    config: tokio_postgres::Config,
    tls: Tls,
    timeout: Duration,
    entropy: Arc<dyn Entropy>,
    backoff: Mutex<Backoff>,
    generations: Generations,
    /// Whether a prepared statement got lost, as it does behind some poolers.
    has_lost_statements: AtomicBool,
}

#[derive(Default)]
struct Backoff {
    failures: u32,
    not_before: Option<Instant>,
    last_error: Option<NotConnected>,
}

impl Connector {
    pub(crate) fn new(url: &str, timeout: Duration, entropy: Arc<dyn Entropy>) -> Result<Self, InvalidUrl> {
        let (mut config, tls) = Tls::read_url(url)?;
        if config.get_application_name().is_none() {
            config.application_name("stream-service");
        }
        if config.get_connect_timeout().is_none() {
            // A host that is gone without a word must leave time for the others.
            let hosts = u32::try_from(config.get_hosts().len().max(1)).unwrap_or(u32::MAX);
            let share = CONNECT_TIMEOUT_OF_MANY.min(timeout / hosts.saturating_add(1));
            config.connect_timeout(if hosts > 1 { share } else { CONNECT_TIMEOUT });
        }
        config.tcp_user_timeout(TCP_USER_TIMEOUT).keepalives_idle(Duration::from_secs(30));
        Ok(Self {
            config,
            tls,
            timeout,
            entropy,
            backoff: Mutex::default(),
            generations: Generations::default(),
            has_lost_statements: AtomicBool::default(),
        })
    }

    pub(crate) fn entropy(&self) -> &dyn Entropy {
        &*self.entropy
    }

    /// A connection for requests: the server itself ends a statement that takes too long.
    ///
    /// Behind a pooler nothing is set, since it would be set for others, too; there the store's own time-outs must do.
    pub(crate) async fn connect(&self, planning: Planning) -> Result<Link, NotConnected> {
        if let Some(last_error) = self.reason_to_pause() {
            return Err(last_error);
        }
        // Later than our own time-out, which cancels the statement and reports it as failed: a commit that waits
        // for a standby is reported as done when the server's own time-out ends the wait.
        let limit = (self.timeout + Duration::from_secs(1)).as_millis();
        let limits = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"];
        let limits = limits.map(|name| format!("set_config('{name}', '{limit}', false)"));
        let planning = planning.iter().map(|(name, value)| format!("set_config('{name}', '{value}', false)"));
        let settings = limits.into_iter().chain(planning).collect::<Vec<_>>().join(", ");
        let generation = self.generations.current();
        let connected = in_time(self.timeout, self.connect_in_time(&settings)).await;
        self.remember(connected.as_ref().err());
        connected.map(|connected| Link::new(connected, generation))
    }

    /// A connection for migrations, which may take as long as they need.
    pub(crate) async fn connect_without_limits(&self) -> Result<AsyncPgConnection, NotConnected> {
        // Its driver ends with it.
        self.connect_in_time("").await.map(|connected| connected.connection)
    }

    async fn connect_in_time(&self, settings: &str) -> Result<Connected, NotConnected> {
        // The time-out for each address does not cover a server that then says nothing.
        let each = self.config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
        let addresses = u32::try_from(self.config.get_hosts().len().max(1)).unwrap_or(u32::MAX);
        // A name has an address of either family, as a rule.
        let all = each.saturating_mul(2).saturating_mul(addresses) + GREETING_TIMEOUT;
        in_time(all, connect::connect(&self.config, &self.tls, &*self.entropy, settings)).await
    }

    /// The generation of connections that counts now.
    pub(crate) fn generation(&self) -> u64 {
        self.generations.current()
    }

    /// Has every connection replaced when it is next idle, since the server that they lead to is not the right one;
    /// every half second at most.
    pub(crate) fn renew_all(&self) {
        self.generations.renew();
    }

    /// The same at once, if it is due or there is a new reason: there is a server that takes writes, so this is the last
    /// time.
    pub(crate) fn renew_rest(&self, is_needed: bool) {
        self.generations.renew_now(is_needed);
    }

    /// Whether a prepared statement got lost behind a pooler.
    pub(crate) fn has_lost_statements(&self) -> bool {
        self.has_lost_statements.load(Ordering::Relaxed)
    }

    /// Prepared statements were seen to work.
    pub(crate) fn forget_lost_statements(&self) {
        self.has_lost_statements.store(false, Ordering::Relaxed);
    }

    /// Judges a connection by what the server said last on it, and gives it up if it leads to the wrong place; tells
    /// whether a step that failed may be tried again.
    pub(crate) fn judge(&self, link: &mut Link) -> Option<Again> {
        let state = link.take_error()?;
        let meaning = Meaning::of(state);
        if meaning.ends_connection() {
            link.give_up();
            // What was made since then is judged by itself.
            if link.generation() == self.generations.current() {
                self.renew_all();
            }
        }
        match meaning {
            Meaning::Contention => Some(Again::Later),
            // Where others were just given up as well, this one is likely to be the last of its kind.
            Meaning::WrongNode | Meaning::Denied if link.generation() < self.generations.current() => {
                Some(Again::Elsewhere(Instant::now()))
            }
            Meaning::Stale => {
                if link.is_pooled() && !self.has_lost_statements.swap(true, Ordering::Relaxed) {
                    tracing::warn!(
                        %state,
                        "a pooler between this service and PostgreSQL lost a prepared statement"
                    );
                }
                Some(Again::Elsewhere(Instant::now()))
            }
            _ => None,
        }
    }

    /// Waits for a connection's step until the time-out; `None` if it took longer.
    ///
    /// It is then cancelled at the server, and the connection must be given up, even if the step has ended by then: a
    /// cancellation that comes late would end another statement.
    pub(crate) async fn in_time<T>(
        &self,
        canceller: Canceller,
        limit: Duration,
        mut running: BoxFuture<'_, T>,
    ) -> Option<T> {
        if let Ok(outcome) = tokio::time::timeout(limit, &mut running).await {
            return Some(outcome);
        }
        // Whether it helped shows in the step itself.
        let _ = tokio::time::timeout(CANCEL_TIMEOUT, canceller.cancel(&self.config, &self.tls)).await;
        let _ = tokio::time::timeout(CANCEL_PATIENCE, running).await;
        None
    }

    /// While a pause lasts, what it is for.
    fn reason_to_pause(&self) -> Option<NotConnected> {
        let backoff = self.backoff.lock().unwrap_or_else(PoisonError::into_inner);
        let is_pausing = backoff.not_before.is_some_and(|instant| Instant::now() < instant);
        backoff.last_error.as_ref().filter(|_| is_pausing).map(NotConnected::while_pausing)
    }

    fn remember(&self, failure: Option<&NotConnected>) {
        let mut backoff = self.backoff.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(failure) = failure else {
            *backoff = Backoff::default();
            return;
        };
        let pause = self.pause_after(backoff.failures);
        backoff.failures = backoff.failures.saturating_add(1);
        backoff.not_before = Some(Instant::now() + pause);
        backoff.last_error = Some(failure.clone());
    }

    /// A doubling pause, with jitter.
    pub(crate) fn pause_after(&self, failures: u32) -> Duration {
        let doubled = PAUSES.start().saturating_mul(1 << failures.min(10));
        jittered(doubled.min(*PAUSES.end()), &*self.entropy)
    }
}

async fn in_time<T>(
    limit: Duration,
    connecting: impl Future<Output = Result<T, NotConnected>>,
) -> Result<T, NotConnected> {
    let connected = tokio::time::timeout(limit, connecting).await;
    connected.unwrap_or_else(|_elapsed| {
        Err(NotConnected::new(format!("the server did not answer within {limit:?}")))
    })
}
