//! Whether the service takes work, and if not, why.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use stream_domain::ports::StoreError;

/// Why the service should get no work; strangers see this word, the log has the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotReady {
    /// The database was not looked at yet.
    Starting,
    /// The database is being migrated, by this instance or another.
    Migrating,
    /// The service was told to stop.
    Draining,
    /// The database does not answer.
    DatabaseUnreachable,
    /// The database answers and takes no writes.
    DatabaseReadOnly,
    /// The database denies a privilege that the service needs.
    DatabaseDenied,
    /// The database's version, schema or pooler is none that the service can work with.
    DatabaseIncompatible,
    /// A background task ended and could not be started again.
    TaskFailed,
}

impl NotReady {
    /// All of them, in the order of docs/http-api.md.
    pub const ALL: [Self; 8] = [
        Self::Starting,
        Self::Migrating,
        Self::Draining,
        Self::DatabaseUnreachable,
        Self::DatabaseReadOnly,
        Self::DatabaseDenied,
        Self::DatabaseIncompatible,
        Self::TaskFailed,
    ];

    /// The word in the answer's `reason`, which is never renamed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Migrating => "migrating",
            Self::Draining => "draining",
            Self::DatabaseUnreachable => "database_unreachable",
            Self::DatabaseReadOnly => "database_read_only",
            Self::DatabaseDenied => "database_denied",
            Self::DatabaseIncompatible => "database_incompatible",
            Self::TaskFailed => "task_failed",
        }
    }

    /// The same as a sentence for a person; says nothing of hosts, roles and settings.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Starting => "The service is starting.",
            Self::Migrating => "The service is preparing its database.",
            Self::Draining => "The service is stopping.",
            Self::DatabaseUnreachable => "The database cannot be reached; the log has the cause.",
            Self::DatabaseReadOnly => "The database takes no writes; the log has the cause.",
            Self::DatabaseDenied => "The database denies access; the log has the cause.",
            Self::DatabaseIncompatible => {
                "The database cannot be worked with as it is; the log has the cause."
            }
            Self::TaskFailed => "A background task does not run; the log has the cause.",
        }
    }

    /// Whether the database is known to answer all the same.
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

/// The service's state, shared by those who change it and those who ask.
#[derive(Debug, Clone)]
pub struct Readiness(Arc<RwLock<State>>);

#[derive(Debug)]
struct State {
    trigger: Trigger,
    /// The background tasks that ended and could not be started again.
    failed_tasks: BTreeSet<&'static str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Trigger {
    Starting(NotReady),
    Ready,
    Draining { was_started: bool },
}

impl Readiness {
    /// Not ready yet.
    pub fn starting() -> Self {
        let trigger = Trigger::Starting(NotReady::Starting);
        Self(Arc::new(RwLock::new(State { trigger, failed_tasks: BTreeSet::new() })))
    }

    /// Still not ready, for this reason.
    pub fn still_starting(&self, why: NotReady) {
        self.change(|state| {
            if matches!(state.trigger, Trigger::Starting(_)) {
                state.trigger = Trigger::Starting(why);
            }
        });
    }

    /// Ready from now on.
    pub fn ready(&self) {
        self.change(|state| {
            if matches!(state.trigger, Trigger::Starting(_)) {
                state.trigger = Trigger::Ready;
            }
        });
    }

    /// About to stop: what comes is answered still, and nobody should send more.
    pub fn draining(&self) {
        self.change(|state| {
            let was_started = state.trigger.is_started();
            state.trigger = Trigger::Draining { was_started };
        });
    }

    /// A background task ended and could not be started again, or runs again.
    pub fn task_failed(&self, task: &'static str, has_failed: bool) {
        self.change(|state| {
            if has_failed {
                state.failed_tasks.insert(task);
            } else {
                state.failed_tasks.remove(task);
            }
        });
    }

    /// Why the service should get no work, as far as it knows without a look at the database; `None` if it should.
    pub fn not_ready_reason(&self) -> Option<NotReady> {
        let state = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match state.trigger {
            Trigger::Starting(why) => Some(why),
            Trigger::Draining { .. } => Some(NotReady::Draining),
            Trigger::Ready if !state.failed_tasks.is_empty() => Some(NotReady::TaskFailed),
            Trigger::Ready => None,
        }
    }

    /// Whether requests can be carried out at all.
    pub fn is_started(&self) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).trigger.is_started()
    }

    pub(crate) fn is_draining(&self) -> bool {
        matches!(self.0.read().unwrap_or_else(PoisonError::into_inner).trigger, Trigger::Draining { .. })
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Trigger {
    fn is_started(&self) -> bool {
        matches!(self, Self::Ready | Self::Draining { was_started: true })
    }
}
