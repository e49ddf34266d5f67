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
