//! Keeps open sessions in step with what media servers say of them.

use async_trait::async_trait;
use time::Duration;

use super::StoreError;
use crate::Timestamp;
use crate::broadcasts::{PublisherList, SyncOutcome};
use crate::media_server::ServerName;

/// Renews open sessions, and ends those that are over.
///
/// Each method is one atomic step, may be called from any number of instances at once, and is finished once begun.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Presence: Send + Sync {
    /// Compares the open sessions of a server with its list, as [`ListIndex::sighting`](crate::broadcasts::ListIndex::sighting) says.
    ///
    /// Those that move are renewed and confirmed.
    /// Those that stall are not live from `now` on, where their lease ends; they stay open for a lease after each list
    /// that has them, and one that moves again goes on as the same session of the same broadcast.
    async fn sync_publishers(
        &self,
        list: &PublisherList,
        lease: Duration,
        now: Timestamp,
    ) -> Result<SyncOutcome, StoreError>;

    /// Renews the live sessions of a server that says that it is well, and notes its boot; returns how many ended.
    ///
    /// It confirms no session, since it names none.
    /// A boot that was never seen before MUST end what the boots before had live; what comes late from an earlier boot
    /// MUST do nothing.
    /// A name that two boots use side by side is shared: see [`Boots`](crate::broadcasts::boots::Boots).
    async fn heartbeat(
        &self,
        server: &ServerName,
        boot_id: Option<String>,
        lease: Duration,
        now: Timestamp,
    ) -> Result<u32, StoreError>;

    /// Ends at most `limit` sessions whose lease has run out, as lost, and returns how many there were.
    async fn expire_leases(&self, now: Timestamp, limit: u32) -> Result<u32, StoreError>;
}
