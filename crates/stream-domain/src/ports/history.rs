//! What was: sessions and refused attempts, for their owner.

use async_trait::async_trait;

use super::StoreError;
use crate::broadcasts::admission::Attempt;
use crate::broadcasts::session::Session;
use crate::{StreamId, Timestamp, UserId};

/// Reads and forgets what was.
///
/// Each method is one atomic step, may be called from any number of instances at once, and is finished once begun.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait History: Send + Sync {
    /// The last `limit` sessions of the user's stream, newest first; `None` if the user has no such stream.
    async fn list_sessions(
        &self,
        user: UserId,
        stream: StreamId,
        limit: u32,
    ) -> Result<Option<Vec<Session>>, StoreError>;

    /// The last `limit` refused attempts on the user's keys, newest first.
    async fn list_attempts(&self, user: UserId, limit: u32) -> Result<Vec<Attempt>, StoreError>;

    /// Forgets at most `limit` sessions that ended, and attempts that were last seen, before `before`.
    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u32, StoreError>;
}
