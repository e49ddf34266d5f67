//! Counts what a store holds, and what its connections do, for operators.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use crate::Timestamp;
use crate::broadcasts::session::{EndReason, SessionId};
use crate::media_server::ServerName;

/// Counts for operators.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Statistics: Send + Sync {
    /// Counts streams and sessions as they are at `now`; they MUST agree with the public lists of that time.
    async fn count(&self, now: Timestamp) -> Result<Counts, StoreError>;

    /// Every session that ended after `after`, in any order.
    async fn list_ended(&self, after: Timestamp) -> Result<Vec<EndedSession>, StoreError>;

    /// What the store's connections and shared reads do at the moment; asks nothing of the database.
    fn usage(&self) -> StoreUsage;
}

/// How many streams and sessions there are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    /// Streams whose key may publish.
    pub active: u64,
    /// Those of them that are live.
    pub live: u64,
    /// Open sessions at each media server that has any, in any order.
    pub open_sessions: Vec<(ServerName, u64)>,
    /// Tables, columns, indexes and triggers that the database should have and lacks.
    pub missing_objects: u64,
}

impl Counts {
    /// Counts as a database has them; a name that cannot be read is of a newer version, and is left out.
    pub fn read(active: i64, live: i64, open_sessions: impl IntoIterator<Item = (String, i64)>) -> Self {
        let number = |count: i64| u64::try_from(count).unwrap_or_default();
        let named = open_sessions.into_iter().filter_map(|(name, count)| {
            let name = ServerName::parse(&name).ok()?;
            Some((name, number(count)))
        });
        let open_sessions = named.collect();
        Self { active: number(active), live: number(live), open_sessions, missing_objects: 0 }
    }
}

/// A session that ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedSession {
    /// Its number.
    pub session: SessionId,
    /// When it ended.
    pub at: Timestamp,
    /// How.
    pub reason: EndReason,
}

impl EndedSession {
    /// A session as a database has it; `None` for a reason that only a newer version knows.
    pub fn read(session: i64, at: Timestamp, reason: &str) -> Option<Self> {
        Some(Self { session: SessionId(session), at, reason: EndReason::parse(reason)? })
    }
}

/// What a store does at the moment, and has done since the process began.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StoreUsage {
    /// Its pools of connections.
    pub pools: Vec<PoolUsage>,
    /// Its shared reads.
    pub shared_reads: Vec<SharedReadUsage>,
    /// Its errors by class, see [`StoreError::class`].
    pub errors: Vec<(&'static str, u64)>,
}

/// Errors of a store, counted by class.
#[derive(Debug, Default)]
pub struct ErrorTally([AtomicU64; StoreError::CLASSES.len()]);

impl ErrorTally {
    /// None so far.
    pub const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; StoreError::CLASSES.len()])
    }

    /// Counts an error, and gives it back.
    pub fn counted(&self, error: StoreError) -> StoreError {
        let place = StoreError::CLASSES.iter().position(|class| *class == error.class());
        if let Some(number) = place.and_then(|place| self.0.get(place)) {
            number.fetch_add(1, Ordering::Relaxed);
        }
        error
    }

    /// How many there were of each class.
    pub fn numbers(&self) -> Vec<(&'static str, u64)> {
        let numbers = self.0.iter().map(|number| number.load(Ordering::Relaxed));
        StoreError::CLASSES.into_iter().zip(numbers).collect()
    }
}

/// How often operations took a connection of a pool, and for how long they waited for it.
#[derive(Debug, Default)]
pub struct Waits {
    number: AtomicU64,
    micros: AtomicU64,
}

impl Waits {
    /// An operation took a connection, or gave up, after this time.
    pub fn note(&self, waited: Duration) {
        let micros = u64::try_from(waited.as_micros()).unwrap_or(u64::MAX);
        self.number.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    /// How long all of them waited together.
    pub fn total(&self) -> Duration {
        Duration::from_micros(self.micros.load(Ordering::Relaxed))
    }
}

/// A pool of connections.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolUsage {
    /// What it is for: `reads`, `writes` or `lookups`.
    pub name: &'static str,
    /// The most connections that it opens.
    pub max: usize,
    /// How many are open.
    pub open: usize,
    /// How many of them are in use.
    pub in_use: usize,
    /// How many operations wait for one.
    pub waiting: usize,
    /// How many operations have waited for one or taken one at once.
    pub acquired: u64,
    /// For how long all of them together.
    pub waited: Duration,
}

/// Reads that many requests share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedReadUsage {
    /// What is read: `lookups` or `pages`.
    pub name: &'static str,
    /// How many reads there were.
    pub reads: u64,
    /// How many requests they served.
    pub requests: u64,
    /// How many requests wait for the next one.
    pub waiting: usize,
}
