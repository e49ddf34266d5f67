//! What the domain needs of the outside world.
//!
//! To write another store, implement [`StreamRepository`] and [`SessionRepository`] and run `testing::laws` on it: each
//! sentence with MUST has a law.

mod media;
mod sessions;

use std::time::Duration;

use async_trait::async_trait;

use crate::token::TokenError;
use crate::{
    BearerToken, NewStream, PageRequest, PlaybackId, Stream, StreamKey, StreamPage, Timestamp, UserId,
};

#[cfg(feature = "testing")]
pub use media::MockMediaServer;
pub use media::{Kick, KickPatience, Listed, Listing, MediaServer, MediaServerError, Process};
#[cfg(feature = "testing")]
pub use sessions::MockSessionRepository;
pub use sessions::{
    Absent, Clues, KICK_EXPIRES_AFTER, KICK_RETRY_AFTER, ListIndex, PublisherList, RESTART_MARGIN,
    SETTLED_AFTER, SessionRepository, SessionSelector, Sighting, SyncOutcome,
};

/// Keeps streams.
///
/// Streams that are read MUST tell whether they have an open session that is confirmed, and until when its lease runs.
/// Each method is one atomic step, may be called from any number of instances at once, and is finished once
/// begun: a caller that goes away does not undo or halve it.
/// A stored row that the domain cannot represent is [`StoreError::Corrupt`] where it is asked for by itself, and
/// is left out of lists, with an error in the log that names table and number.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait StreamRepository: Send + Sync {
    /// Stores a new active stream and returns it with its number.
    ///
    /// A user MUST have at most one active stream, whatever runs at the same time; a second start returns
    /// [`StartError::AlreadyActive`] with the stream that is in the way.
    /// An active stream that has expired at `new.created_at` MUST NOT be in the way; it is marked expired in the
    /// same step.
    /// A key or a playback id that any stream ever had MUST be refused with [`StartError::KeyTaken`].
    async fn start(&self, new: &NewStream) -> Result<Stream, StartError>;

    /// Stops the user's active, unexpired stream and returns it as it is now; `None` if there is none.
    ///
    /// Of several calls at once, exactly one MUST get the stream.
    async fn stop_active(&self, user: UserId, now: Timestamp) -> Result<Option<Stream>, UserStreamsError>;

    /// The stream that has or had this key, in whatever state; `None` if no stream ever had it.
    ///
    /// Keys MUST be compared byte by byte.
    async fn find_by_key(&self, key: &StreamKey) -> Result<Option<Stream>, StoreError>;

    /// The stream of this public name, in whatever state; `None` if there is none.
    async fn find_by_playback_id(&self, id: &PlaybackId) -> Result<Option<Stream>, StoreError>;

    /// The user's streams in every state, newest first.
    async fn list_by_user(&self, user: UserId, page: &PageRequest) -> Result<StreamPage, UserStreamsError>;

    /// All streams that are active and unexpired at `now`, newest first.
    async fn list_active(&self, now: Timestamp, page: &PageRequest) -> Result<StreamPage, StoreError>;

    /// Those of [`Self::list_active`] that are on air at `now`.
    async fn list_live(&self, now: Timestamp, page: &PageRequest) -> Result<StreamPage, StoreError>;

    /// Marks at most `limit` active streams that have expired at `now`, and returns how many it marked.
    ///
    /// Each stream MUST be marked once, whatever runs at the same time.
    async fn expire_overdue(&self, now: Timestamp, limit: u32) -> Result<u32, StoreError>;
}

/// Tells how the store is doing.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait StoreHealth: Send + Sync {
    /// Asks whether the store can do its work now: it answers, takes writes, and lets this service read and write its
    /// tables. Soon answered or failed.
    ///
    /// MUST be [`StoreError::ReadOnly`] or [`StoreError::Denied`] where every write would fail so.
    async fn check(&self) -> Result<UsersTable, StoreError>;

    /// What the store's own clock says now; `None` for a store that has none and goes by this machine's.
    ///
    /// Instances on several machines share only this clock, so it is what theirs are compared with.
    async fn clock(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(None)
    }
}

/// How the store's streams are tied to the platform's users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsersTable {
    /// This store knows no users: any id of a valid token may stream.
    NotUsed,
    /// The `users` table does not exist yet; the foreign key will be added when it does.
    Missing,
    /// The `users` table exists, but may not or cannot be referred to; the log says why.
    NotReferenced,
    /// New streams must name an existing user; older rows were not all found to.
    ReferencedByNewStreams,
    /// Every stream names an existing user.
    Referenced,
}

/// Turns a bearer token into the user it was issued to.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait TokenVerifier: Send + Sync {
    /// Checks signature, algorithm and times at `now`, and reads the user's id.
    fn verify(&self, token: &BearerToken, now: Timestamp) -> Result<UserId, TokenError>;
}

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now; a use case asks once.
    fn now(&self) -> Timestamp;
}

/// Gives randomness that nobody can predict.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait Entropy: Send + Sync {
    /// Fills the bytes, or fails and leaves no promise about them.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError>;
}

/// Why a stream was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The user has an active stream: this one.
    #[error("the user already has an active stream")]
    AlreadyActive(Box<Stream>),
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

/// What a store's source of an error is kept as.
pub type BoxedSource = Box<dyn std::error::Error + Send + Sync>;

/// A store's failure, with its cause.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store is away, overloaded or too slow; the same call may succeed later.
    #[error("the store is unavailable")]
    Unavailable(#[source] BoxedSource),
    /// The store answers and takes no writes: a standby, a demoted primary, a file or disk that cannot be written.
    ///
    /// The same call may succeed later, on another node.
    #[error("the store is read-only")]
    ReadOnly(#[source] BoxedSource),
    /// The store answers and the service lacks a privilege there: waiting does not help, an operator does.
    #[error("the store denies access")]
    Denied(#[source] BoxedSource),
    /// A stored row says something that the domain has no word for.
    #[error("{table} row {id} is unreadable: {reason}")]
    Corrupt {
        /// The table's name.
        table: &'static str,
        /// The row's primary key.
        id: i64,
        /// Which column, and what is wrong with it; never a key.
        reason: &'static str,
    },
    /// The store refused or misunderstood the call: a defect, here or in the schema.
    #[error("the store failed")]
    Failed(#[source] BoxedSource),
}

impl StoreError {
    /// The store is away because of this.
    pub fn unavailable(source: impl Into<BoxedSource>) -> Self {
        Self::Unavailable(source.into())
    }

    /// What is at the bottom of the failure, such as "connection refused".
    pub fn innermost_cause(&self) -> String {
        let mut cause: &dyn std::error::Error = self;
        while let Some(source) = cause.source() {
            cause = source;
        }
        cause.to_string()
    }

    /// The same failure for another caller, who was waiting for the same answer.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        match self {
            Self::Unavailable(source) => Self::unavailable(chain_of(&**source)),
            Self::ReadOnly(source) => Self::read_only(chain_of(&**source)),
            Self::Denied(source) => Self::denied(chain_of(&**source)),
            Self::Corrupt { table, id, reason } => Self::Corrupt { table, id: *id, reason },
            Self::Failed(source) => Self::failed(chain_of(&**source)),
        }
    }

    /// The store takes no writes because of this.
    pub fn read_only(source: impl Into<BoxedSource>) -> Self {
        Self::ReadOnly(source.into())
    }

    /// The store denies access because of this.
    pub fn denied(source: impl Into<BoxedSource>) -> Self {
        Self::Denied(source.into())
    }

    /// The store failed because of this.
    pub fn failed(source: impl Into<BoxedSource>) -> Self {
        Self::Failed(source.into())
    }
}

/// The operating system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("no randomness is to be had")]
pub struct EntropyError(#[source] pub BoxedSource);

/// Between half and all of a pause, so that many instances that wait for the same thing do not come back in step.
pub fn jittered(pause: Duration, entropy: &dyn Entropy) -> Duration {
    let mut byte = [u8::MAX];
    // Without randomness the pause is merely whole.
    let _ = entropy.fill(&mut byte);
    pause / 2 + pause / 2 * u32::from(byte[0]) / u32::from(u8::MAX)
}

/// An error with its causes in one line, for the log; what an error repeats of its cause is said once.
pub fn chain_of(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
