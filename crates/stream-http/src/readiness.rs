//! Whether the service is ready for requests, and if not, why.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use stream_domain::ports::StoreError;
use strum::{IntoStaticStr, VariantArray};

use crate::error::ErrorCode;

/// Why the service is not ready; clients see this word, the log has the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum NotReady {
    /// The database was not checked yet.
    Starting,
    /// The database is being migrated, by this instance or another.
    Migrating,
    /// The service is stopping.
    Draining,
    /// The database does not answer.
    DatabaseUnreachable,
    /// The database answers and refuses writes.
    DatabaseReadOnly,
    /// The database denies a privilege that the service needs.
    DatabaseDenied,
    /// The service cannot work with the database's version, schema or pooler.
    DatabaseIncompatible,
    /// A background task ended and could not be restarted.
    TaskFailed,
}

impl NotReady {
    /// All of them, in the order of docs/http-api.md.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The word in the response's `reason`: the variant in snake case, which is never renamed.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// A sentence for a person, without hosts, roles and settings.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Starting => "The service is starting.",
            Self::Migrating => "The service is preparing its database.",
            Self::Draining => "The service is stopping.",
            Self::DatabaseUnreachable => "The database cannot be reached; the log has the cause.",
            Self::DatabaseReadOnly => "The database refuses writes; the log has the cause.",
            Self::DatabaseDenied => "The database denies access; the log has the cause.",
            Self::DatabaseIncompatible => "The database is incompatible; the log has the cause.",
            Self::TaskFailed => "A background task has failed; the log has the cause.",
        }
    }

    /// Whether the database answers all the same.
    pub(crate) fn is_connected(self) -> bool {
        !matches!(self, Self::Starting | Self::DatabaseUnreachable)
    }
}

impl From<&StoreError> for NotReady {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::DatabaseUnreachable,
            StoreError::ReadOnly(_) => Self::DatabaseReadOnly,
            StoreError::Denied(_) => Self::DatabaseDenied,
            StoreError::Corrupt { .. } | StoreError::Failed(_) => Self::DatabaseIncompatible,
        }
    }
}

/// The service's state, shared by the tasks that change it and the handlers that read it.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<RwLock<State>>);

#[derive(Debug)]
struct State {
    phase: Phase,
    /// The background tasks that ended and could not be restarted.
    failed_tasks: BTreeSet<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Starting(NotReady),
    Ready,
    Draining { was_started: bool },
}

impl Readiness {
    /// Not ready yet.
    pub fn starting() -> Self {
        let phase = Phase::Starting(NotReady::Starting);
        Self(Arc::new(RwLock::new(State { phase, failed_tasks: BTreeSet::new() })))
    }

    /// Still not ready, for this reason.
    pub fn still_starting(&self, reason: NotReady) {
        self.change(|state| {
            if matches!(state.phase, Phase::Starting(_)) {
                state.phase = Phase::Starting(reason);
            }
        });
    }

    /// Ready from now on.
    pub fn ready(&self) {
        self.change(|state| {
            if matches!(state.phase, Phase::Starting(_)) {
                state.phase = Phase::Ready;
            }
        });
    }

    /// About to stop: requests are still answered, and load balancers should send no more.
    pub fn draining(&self) {
        self.change(|state| {
            let was_started = state.phase.is_started();
            state.phase = Phase::Draining { was_started };
        });
    }

    /// A background task ended and could not be restarted, or runs again.
    pub fn task_failed(&self, task: &'static str, has_failed: bool) {
        self.change(|state| {
            if has_failed {
                state.failed_tasks.insert(task);
            } else {
                state.failed_tasks.remove(task);
            }
        });
    }

    /// Why the service is not ready, as far as it knows without asking the database; `None` if it is.
    pub fn not_ready_reason(&self) -> Option<NotReady> {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match state.phase {
            Phase::Starting(reason) => Some(reason),
            Phase::Draining { .. } => Some(NotReady::Draining),
            Phase::Ready if !state.failed_tasks.is_empty() => Some(NotReady::TaskFailed),
            Phase::Ready => None,
        }
    }

    /// Whether the store is ready for requests.
    pub fn is_started(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).phase.is_started()
    }

    pub(crate) fn is_draining(&self) -> bool {
        matches!(self.0.read().unwrap_or_else(PoisonError::into_inner).phase, Phase::Draining { .. })
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Phase {
    fn is_started(&self) -> bool {
        matches!(self, Self::Ready | Self::Draining { was_started: true })
    }
}

/// Use cases that need the store, and so are refused until it is ready.
#[derive(Debug, Clone)]
pub(crate) struct AfterStart<T> {
    readiness: Readiness,
    use_cases: T,
}

impl<T> AfterStart<T> {
    pub(crate) fn new(use_cases: T, readiness: &Readiness) -> Self {
        Self { readiness: readiness.clone(), use_cases }
    }

    /// The use cases, or `not_ready` before the store is ready.
    pub(crate) fn get(&self) -> Result<&T, ErrorCode> {
        if self.readiness.is_started() { Ok(&self.use_cases) } else { Err(ErrorCode::NotReady) }
    }
}
