//! Why a publisher is refused.

use crate::lifecycle::NotPublishable;

/// Why a publisher is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The name cannot be a key, or a playback id where one is wanted.
    #[error(
        "what was published is not the name of a stream key alone: take away blanks, quotes, slashes and parts of \
         an address before and behind it"
    )]
    MalformedKey,
    /// The name is a public one, and no key stands behind it.
    #[error(
        "the stream key is missing: publish to the whole address, with what stands behind the question mark"
    )]
    NoKey,
    /// A good key is in a part of the address where it is refused, since viewers would see it or miss the stream.
    #[error(
        "the stream key is in the wrong place, such as where the playback id belongs: enter the server and the stream \
         key that `ingest` of the stream gives"
    )]
    KeyInWrongField,
    /// No stream has the key.
    #[error("no stream has this key")]
    UnknownKey,
    /// The owner stopped the stream.
    #[error("the stream was stopped; ask for a new key")]
    Stopped,
    /// The key expired.
    #[error("the stream key has expired; ask for a new key")]
    Expired,
    /// The key belongs to another playback id.
    #[error("the stream key belongs to another playback id")]
    WrongPlaybackId,
    /// Another publisher is live with the key.
    #[error("another encoder is live with this key")]
    AlreadyLive,
    /// The session has ended, by a takeover or a stop, and its publisher is still there.
    #[error("this session has ended")]
    SessionEnded,
    /// The media server's request is not as its family sends it, or fields were injected into it.
    #[error(
        "the media server's request is malformed, or a field was put into it again with another value, such as `key`"
    )]
    MalformedRequest,
    /// The application is not the one of our addresses.
    #[error(
        "the application is not the one that streams are published to: correct the part of the server address behind \
         the host"
    )]
    ForeignApplication,
    /// The virtual host is not the one of our addresses.
    #[error(
        "the virtual host is not the one that streams are published to: correct the host, or take `vhost` away"
    )]
    ForeignHost,
    /// The answer was not ready in time.
    #[error("the stream service could not answer in time")]
    TooLate,
    /// The store is unavailable.
    #[error("the stream service cannot reach its database")]
    StoreUnavailable,
}

impl Refusal {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 14] = [
        Self::MalformedKey,
        Self::NoKey,
        Self::KeyInWrongField,
        Self::UnknownKey,
        Self::Stopped,
        Self::Expired,
        Self::WrongPlaybackId,
        Self::AlreadyLive,
        Self::SessionEnded,
        Self::MalformedRequest,
        Self::ForeignApplication,
        Self::ForeignHost,
        Self::TooLate,
        Self::StoreUnavailable,
    ];

    /// The word that the database and the API use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MalformedKey => "malformed_key",
            Self::NoKey => "no_key",
            Self::KeyInWrongField => "key_in_wrong_field",
            Self::UnknownKey => "unknown_key",
            Self::Stopped => "stopped",
            Self::Expired => "expired",
            Self::WrongPlaybackId => "wrong_playback_id",
            Self::AlreadyLive => "already_live",
            Self::SessionEnded => "session_ended",
            Self::MalformedRequest => "malformed_request",
            Self::ForeignApplication => "foreign_application",
            Self::ForeignHost => "foreign_host",
            Self::TooLate => "too_late",
            Self::StoreUnavailable => "store_unavailable",
        }
    }

    /// Reads the database's word; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.as_str() == word)
    }
}

impl From<NotPublishable> for Refusal {
    fn from(ended: NotPublishable) -> Self {
        match ended {
            NotPublishable::Stopped => Self::Stopped,
            NotPublishable::Expired => Self::Expired,
        }
    }
}
