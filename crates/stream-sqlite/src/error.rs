//! From SQLite's errors to the domain's.

use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::pooled_connection::deadpool::PoolError;
use stream_domain::ports::StoreError;

/// Which of the database's rules a write broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BrokenRule {
    /// The user has an active stream: the index `streams_one_active_per_user`.
    OneActivePerUser,
    /// The key, or the playback id, belongs to another stream.
    KeyIsUnique,
}

/// Reads the rule from an error; `None` for every other error.
///
/// SQLite names columns, never the index, and Diesel passes only the message on.
pub(crate) fn broken_rule(error: &Error) -> Option<BrokenRule> {
    let Error::DatabaseError(DatabaseErrorKind::UniqueViolation, details) = error else {
        return None;
    };
    match details.message() {
        "UNIQUE constraint failed: streams.user_id" => Some(BrokenRule::OneActivePerUser),
        "UNIQUE constraint failed: streams.stream_key" | "UNIQUE constraint failed: streams.playback_id" => {
            Some(BrokenRule::KeyIsUnique)
        }
        _ => None,
    }
}

/// A query failed: is the database away, or is it us?
///
/// What is not plainly a defect of a statement counts as the state of the file: locked by another process, on a full
/// or lost disk.
pub(crate) fn query(error: Error) -> StoreError {
    let defect = match &error {
        Error::DatabaseError(kind, _) => matches!(
            kind,
            DatabaseErrorKind::UniqueViolation
                | DatabaseErrorKind::ForeignKeyViolation
                | DatabaseErrorKind::NotNullViolation
                | DatabaseErrorKind::CheckViolation
        ),
        Error::BrokenTransactionManager => false,
        _ => true,
    };
    if defect { StoreError::failed(error) } else { StoreError::unavailable(error) }
}

/// No connection was to be had.
pub(crate) fn pool(error: PoolError) -> StoreError {
    StoreError::unavailable(error)
}
