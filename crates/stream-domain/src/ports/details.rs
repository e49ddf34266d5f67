//! Keeps what owners say of their streams.

use async_trait::async_trait;

use super::StoreError;
use crate::details::Details;
use crate::{StreamId, Timestamp, UserId};

/// Keeps details of streams, and of channels: what a user's new streams begin with.
///
/// A stream MUST begin with its [`details`](crate::NewStream::details) or, where it has none, with those that its user's
/// channel has at that moment, whoever writes it; a later change of the channel MUST NOT change it.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait DetailsStore: Send + Sync {
    /// The details of this stream; the default where nothing was said, or there is no such stream.
    async fn details_of(&self, stream: StreamId) -> Result<Details, StoreError>;

    /// The same, if the stream is the user's; `None` if it is not.
    async fn own_details(&self, user: UserId, stream: StreamId) -> Result<Option<Details>, StoreError>;

    /// Replaces the details of a stream that is the user's, active, and unexpired at `now`.
    ///
    /// From then on lists and searches MUST show these.
    async fn describe(
        &self,
        user: UserId,
        stream: StreamId,
        details: &Details,
        now: Timestamp,
    ) -> Result<(), DescribeStreamError>;

    /// What the user's next stream begins with; the default where nothing was said.
    async fn channel(&self, user: UserId) -> Result<Details, StoreError>;

    /// Replaces what the user's next stream begins with.
    async fn set_channel(&self, user: UserId, details: &Details, now: Timestamp) -> Result<(), StoreError>;

    /// How many public streams are live at `now`, by the slug of their category; those without one are not counted.
    async fn count_live(&self, now: Timestamp) -> Result<Vec<(String, u64)>, StoreError>;
}

/// Why a stream was not described.
#[derive(Debug, thiserror::Error)]
pub enum DescribeStreamError {
    /// The user has no such stream.
    #[error("the user has no such stream")]
    NoSuchStream,
    /// It has ended.
    #[error("the stream has ended")]
    Ended,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
