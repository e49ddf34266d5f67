//! From PostgreSQL's errors to the domain's.

use diesel::result::{DatabaseErrorKind, Error};
use diesel_async::pooled_connection::deadpool::PoolError;
use stream_domain::ports::StoreError;

/// The unique constraint on `streams.stream_key`, as PostgreSQL names it by itself.
const KEY_IS_UNIQUE: &str = "streams_stream_key_key";

/// The unique index on `streams.playback_id`.
const PLAYBACK_ID_IS_UNIQUE: &str = "streams_playback_id";

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

/// A query failed: is the database away, or is it us?
///
/// Diesel knows no SQLSTATE, and the server's messages come in its own language, so what is not plainly a defect of
/// a statement counts as the state of the server: shutting down, read-only, out of disk, too slow.
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

/// Why a database URL cannot be used; shows nothing of it, since it holds a password.
#[derive(Debug, thiserror::Error)]
pub enum InvalidUrl {
    /// It is not of the form that libpq reads.
    #[error("not a PostgreSQL URL of the form postgresql://user:password@host:5432/database")]
    Malformed(#[source] tokio_postgres::Error),
    /// Its `sslmode` is none of libpq's.
    #[error("sslmode is one of disable, prefer, require, verify-ca, verify-full")]
    SslMode,
    /// Its `sslrootcert` is no file of PEM certificates.
    #[error("sslrootcert names no readable file of PEM certificates")]
    RootCertificates,
}
