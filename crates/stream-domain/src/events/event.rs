//! An event, and its place in the log.

use crate::{StreamId, Timestamp, UserId};

/// A place in the log: 1, 2, 3 and so on, without a gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogPosition(pub i64);

/// What happened; it never changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its place in the log.
    pub position: LogPosition,
    /// One of the words of [`EventKind`](super::EventKind), or a word of a later version.
    pub kind: String,
    /// Whose stream or schedule it concerns; `None` where the platform knows no owner.
    pub user: Option<UserId>,
    /// The stream that it concerns.
    pub stream: Option<StreamId>,
    /// When the store wrote it.
    pub at: Timestamp,
    /// The facts: a JSON object, which never has a key in it.
    pub data: String,
}
