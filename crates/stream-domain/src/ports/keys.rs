//! Keeps stream keys, and the streams that they stand for.

use async_trait::async_trait;

use super::StoreError;
use crate::blocks::Block;
use crate::pace::TooSoon;
use crate::{NewStream, PageRequest, PlaybackId, Stream, StreamKey, StreamPage, Timestamp, UserId};

/// Begins and ends the streams of users.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// Stores a new active stream and returns it with its number.
    ///
    /// A user MUST have at most one active stream, whatever runs at the same time; a second start returns
    /// [`StartError::AlreadyActive`] with the stream that is in the way.
    /// An active stream that has expired at `new.created_at` MUST NOT be in the way; it is marked expired in the
    /// same step.
    /// A user whose `new.pace` is exceeded at `new.created_at` MUST be refused with [`StartError::TooSoon`], by all
    /// instances together; starts at the same moment may be counted late.
    /// A user who is blocked MUST be refused with [`StartError::Blocked`].
    /// A key or a playback id that any stream ever had MUST be refused with [`StartError::KeyTaken`].
    async fn start(&self, new: &NewStream) -> Result<Stream, StartError>;

    /// Stops the user's active, unexpired stream and returns it as it is now; `None` if there is none.
    ///
    /// Of several calls at once, exactly one MUST get the stream.
    async fn stop_active(&self, user: UserId, now: Timestamp) -> Result<Option<Stream>, UserStreamsError>;

    /// The user's streams in every state, newest first.
    async fn list_by_user(&self, user: UserId, page: &PageRequest) -> Result<StreamPage, UserStreamsError>;

    /// Marks at most `limit` active streams that have expired at `now`, and returns how many it marked.
    ///
    /// Each stream MUST be marked once, whatever runs at the same time.
    async fn expire_overdue(&self, now: Timestamp, limit: u32) -> Result<u32, StoreError>;
}

/// Finds streams by what they are called.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait KeyLookup: Send + Sync {
    /// The stream that has or had this key, in whatever state; `None` if no stream ever had it.
    ///
    /// Keys MUST be compared byte by byte.
    async fn find_by_key(&self, key: &StreamKey) -> Result<Option<Stream>, StoreError>;

    /// The stream of this public name, in whatever state; `None` if there is none.
    async fn find_by_playback_id(&self, id: &PlaybackId) -> Result<Option<Stream>, StoreError>;
}

/// Why a stream was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The user has an active stream: this one.
    #[error("the user already has an active stream")]
    AlreadyActive(Box<Stream>),
    /// The user has to wait.
    #[error(transparent)]
    TooSoon(#[from] TooSoon),
    /// The user may not stream.
    #[error("the user is blocked")]
    Blocked(Box<Block>),
    /// Another stream has or had the same key, or the same playback id.
    #[error("the key is taken")]
    KeyTaken,
    /// The platform does not know the user.
    #[error("the platform does not know the user")]
    UnknownUser,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a user's streams could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum UserStreamsError {
    /// The platform does not know the user.
    #[error("the platform does not know the user")]
    UnknownUser,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
