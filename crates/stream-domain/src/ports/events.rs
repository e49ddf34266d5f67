//! The log of events.

use async_trait::async_trait;

use super::StoreError;
use crate::Timestamp;
use crate::events::{Event, EventQuery, Extent};

/// Keeps the log of events.
///
/// An event MUST be in the log if and only if the change that it tells of is committed, whoever made the change.
/// Positions MUST be 1, 2, 3 and so on, and who reads the log MUST see a beginning of it: never a position before those
/// that are smaller.
/// The events of one stream MUST have the order in which they happened, and each [`StreamLive`](crate::events::EventKind)
/// MUST be followed by one `StreamOffline` before the next.
/// What an event says MUST never change, and MUST NOT contain a key.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Gives at most `limit` events that have none their positions, unless another instance is doing so, and returns what
    /// the log has then.
    async fn sequence(&self, limit: u32) -> Result<Extent, StoreError>;

    /// What the log has.
    async fn extent(&self) -> Result<Extent, StoreError>;

    /// The events that are wanted, in the order of their positions, and what the log has at the same moment.
    async fn read_events(&self, query: &EventQuery) -> Result<(Extent, Vec<Event>), StoreError>;

    /// Writes that a stream is offline, for at most `limit` streams whose last publisher left before `left_before` and in
    /// whose place none is admitted at `now`; returns how many.
    async fn note_offline(
        &self,
        left_before: Timestamp,
        now: Timestamp,
        limit: u32,
    ) -> Result<u32, StoreError>;

    /// Looks at most `limit` schedules over that ended by `ended_by` and were not canceled, each once, and writes which
    /// were missed; returns how many it looked over.
    async fn settle_schedules(&self, ended_by: Timestamp, limit: u32) -> Result<u32, StoreError>;

    /// Forgets at most `limit` of the first events, up to the first that was written at or after `before`; never the last
    /// one. Returns how many.
    ///
    /// What was written at or after `spared_from` MUST be kept while an endpoint that is sent to has yet to get it.
    async fn forget_events(
        &self,
        before: Timestamp,
        spared_from: Timestamp,
        limit: u32,
    ) -> Result<u32, StoreError>;
}
