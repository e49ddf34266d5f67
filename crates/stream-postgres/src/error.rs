//! From PostgreSQL's errors to the domain's.

use deadpool::managed::PoolError;
use diesel::result::{DatabaseErrorKind, Error};
use stream_domain::ports::{BoxedSource, ErrorTally, StoreError};

use crate::connect::NotConnected;
use crate::wire::{self, SqlState};

/// The unique constraint on `streams.stream_key`, as PostgreSQL names it by itself.
const KEY_IS_UNIQUE: &str = "streams_stream_key_key";

/// The unique index on `streams.playback_id`.
const PLAYBACK_ID_IS_UNIQUE: &str = "streams_playback_id";

/// What went wrong so far, for operators.
pub(crate) static TALLY: ErrorTally = ErrorTally::new();

/// Which of the database's rules a write broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BrokenRule {
    /// The key, or the playback id, belongs to another stream.
    KeyIsUnique,
    /// The user is not in `users`.
    UserExists,
}

/// Reads the rule from an error; `None` for every other error.
pub(crate) fn broken_rule(error: &Error) -> Option<BrokenRule> {
    let Error::DatabaseError(kind, details) = error else {
        return None;
    };
    match kind {
        DatabaseErrorKind::ForeignKeyViolation => Some(BrokenRule::UserExists),
        // An adopted table may carry the constraint under another name; the columns tell as well.
        DatabaseErrorKind::UniqueViolation => {
            let by_name = details
                .constraint_name()
                .is_some_and(|name| [KEY_IS_UNIQUE, PLAYBACK_ID_IS_UNIQUE].contains(&name));
            let by_column = details.details().is_some_and(|text| text.contains("(stream_key)"));
            (by_name || by_column).then_some(BrokenRule::KeyIsUnique)
        }
        _ => None,
    }
}

/// What an error says of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// It is away, or about to be, and so is everybody who is connected to it.
    Away,
    /// It is there, and can do no more at the moment.
    Busy,
    /// It is not the one that takes writes.
    WrongNode,
    /// It takes no writes for want of space.
    Full,
    /// It denies access.
    Denied,
    /// Another transaction was in the way; the statement did nothing and may be tried again.
    Contention,
    /// It no longer knows the statement as it was prepared: it changed its tables, or is another than before.
    Stale,
    /// None of these: a defect, here or in the schema.
    Defect,
}

/// The SQLSTATEs that are no defects, by their beginnings; the first that fits counts.
const MEANINGS: [(&str, Meaning); 21] = [
    // Connection exceptions; a pooler reports its own troubles so as well.
    ("08", Meaning::Away),
    // A plan that no longer fits its tables ("cached plan must not change result type").
    ("0A000", Meaning::Stale),
    ("0P000", Meaning::Denied),
    // A read-only transaction, which is all that a standby or a fenced primary has.
    ("25006", Meaning::WrongNode),
    // A transaction that took too long: idle, or as a whole.
    ("25P03", Meaning::Busy),
    ("25P04", Meaning::Busy),
    // Behind a pooler that does not carry prepared statements along, one is unknown, or known already.
    ("26000", Meaning::Stale),
    ("42P05", Meaning::Stale),
    ("28", Meaning::Denied),
    // The database does not exist: it is being restored, say.
    ("3D000", Meaning::Away),
    ("40001", Meaning::Contention),
    ("40P01", Meaning::Contention),
    ("55P03", Meaning::Contention),
    // A read-only file system counts as a missing privilege to PostgreSQL.
    ("42501", Meaning::Denied),
    ("53100", Meaning::Full),
    // Out of memory, connections or temporary files.
    ("53", Meaning::Busy),
    // A statement that was cancelled, by its time-out as a rule.
    ("57014", Meaning::Busy),
    // Shutting down, crashed, starting, or recovering.
    ("57P", Meaning::Away),
    ("55006", Meaning::Busy),
    ("40003", Meaning::Away),
    // An input or output error of the operating system.
    ("58030", Meaning::Busy),
];

impl Meaning {
    pub(crate) fn of(state: SqlState) -> Self {
        let known = MEANINGS.iter().find(|(beginning, _)| state.starts_with(beginning));
        known.map_or(Self::Defect, |(_, meaning)| *meaning)
    }

    /// Whether the connection is of no further use.
    ///
    /// One that was denied something keeps plans from before the role was given what it lacked.
    pub(crate) fn ends_connection(self) -> bool {
        matches!(self, Self::Away | Self::WrongNode | Self::Denied | Self::Stale)
    }

    /// The error for callers, with this cause.
    fn to_error(self, cause: impl Into<BoxedSource>) -> StoreError {
        match self {
            Self::Away | Self::Busy | Self::Contention => StoreError::unavailable(cause),
            Self::WrongNode | Self::Full => StoreError::read_only(cause),
            Self::Denied => StoreError::denied(cause),
            Self::Stale | Self::Defect => StoreError::failed(cause),
        }
    }
}

/// A statement's error, with the SQLSTATE that Diesel leaves out.
#[derive(Debug, thiserror::Error)]
#[error("SQLSTATE {state}")]
struct Refused {
    state: SqlState,
    #[source]
    error: Error,
}

/// What is said where a pooler loses prepared statements; to wait does not help.
#[derive(Debug, thiserror::Error)]
#[error(
    "a pooler in front of PostgreSQL loses prepared statements: with PgBouncer set max_prepared_statements above 0 \
     (version 1.21 or later) or pool_mode = session, or let DB_URL lead to PostgreSQL itself"
)]
pub(crate) struct BrokenPooler(#[source] pub(crate) BoxedSource);

/// A statement failed: is the database away, or is it us?
///
/// Told by the SQLSTATE, since messages come in the server's own language.
pub(crate) fn query(error: Error) -> StoreError {
    let state = match &error {
        // The driver's own words: the connection is lost.
        Error::DatabaseError(
            DatabaseErrorKind::UnableToSendCommand | DatabaseErrorKind::ClosedConnection,
            _,
        )
        | Error::BrokenTransactionManager => return TALLY.counted(StoreError::unavailable(error)),
        Error::DatabaseError(_, details) => wire::state_of(details.message()),
        _ => None,
    };
    TALLY.counted(match state {
        Some(state) => Meaning::of(state).to_error(Refused { state, error }),
        None => StoreError::failed(error),
    })
}

impl From<NotConnected> for StoreError {
    /// Without a word from a server, it is away.
    fn from(error: NotConnected) -> Self {
        match error.state.map_or(Meaning::Away, Meaning::of) {
            Meaning::Denied => Self::denied(error),
            Meaning::WrongNode => Self::read_only(error),
            // A connection that is new has no other way to lose what it has just prepared.
            Meaning::Stale => Self::failed(BrokenPooler(error.into())),
            _ => Self::unavailable(error),
        }
    }
}

/// No connection was to be had.
pub(crate) fn pool(error: PoolError<NotConnected>) -> StoreError {
    TALLY.counted(match error {
        PoolError::Backend(error) => error.into(),
        error => StoreError::unavailable(error),
    })
}

/// An operation took longer than the store's time-out.
pub(crate) fn too_slow() -> StoreError {
    TALLY.counted(StoreError::unavailable("the database took too long"))
}
