//! Publishers that their media servers have to end.

use async_trait::async_trait;
use time::Duration;

use super::StoreError;
use crate::Timestamp;
use crate::broadcasts::session::{PendingKick, SessionId};
use crate::media_server::ServerName;

/// Hands out the publishers that are to be kicked.
///
/// Each method is one atomic step, may be called from any number of instances at once, and is finished once begun.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Kicks: Send + Sync {
    /// Takes at most `limit` publishers of a server that are to be kicked: their session is marked, or its key expired.
    ///
    /// One that was taken MUST NOT be taken again for [`KICK_RETRY_AFTER`], and then MUST be until [`Self::mark_kicked`] or
    /// an end of it comes.
    /// One that gave way after `superseded_before` MUST be left alone: its server may be about to end it by itself.
    async fn claim_pending_kicks(
        &self,
        server: &ServerName,
        superseded_before: Timestamp,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<PendingKick>, StoreError>;

    /// The publisher is gone from its server; its session ends, if it has not, for the reason of the kick.
    async fn mark_kicked(&self, session: SessionId, now: Timestamp) -> Result<(), StoreError>;
}

/// How long a publisher that was kicked is given before it is kicked again.
pub const KICK_RETRY_AFTER: Duration = Duration::SECOND;

/// How long after a session's end a pending kick is still carried out; its id may be another's by then.
pub const KICK_EXPIRES_AFTER: Duration = Duration::minutes(10);
