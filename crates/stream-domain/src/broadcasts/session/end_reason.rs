//! How a session ends.

use crate::lifecycle::NotPublishable;

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// The publisher left, or its connection broke.
    Left,
    /// Nothing was heard of it any more: its lease ran out.
    Lost,
    /// Another session of the same key took over.
    Superseded,
    /// The same connection went on to publish something else.
    Republished,
    /// Its media server has restarted.
    ServerRestarted,
    /// The answer to its media server came too late, so it was refused.
    AnsweredTooLate,
    /// The owner stopped the stream.
    Stopped,
    /// The key expired.
    Expired,
    /// The stream, or its user, was deleted.
    Deleted,
    /// An operator kicked the publisher; its key may still publish.
    Kicked,
}

impl EndReason {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Left,
        Self::Lost,
        Self::Superseded,
        Self::Republished,
        Self::ServerRestarted,
        Self::AnsweredTooLate,
        Self::Stopped,
        Self::Expired,
        Self::Deleted,
        Self::Kicked,
    ];

    /// The word that the database and the API use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Lost => "lost",
            Self::Superseded => "superseded",
            Self::Republished => "republished",
            Self::ServerRestarted => "server_restarted",
            Self::AnsweredTooLate => "answered_too_late",
            Self::Stopped => "stopped",
            Self::Expired => "expired",
            Self::Deleted => "deleted",
            Self::Kicked => "kicked",
        }
    }

    /// Reads the database's word; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }

    /// Whether the publisher may come back to this very session when its server says that it is still there.
    ///
    /// It may where we merely lost sight of it, and not where it was sent away or has gone.
    pub fn may_resume(self) -> bool {
        matches!(self, Self::Lost | Self::ServerRestarted | Self::AnsweredTooLate)
    }
}

impl From<NotPublishable> for EndReason {
    fn from(ended: NotPublishable) -> Self {
        match ended {
            NotPublishable::Stopped => Self::Stopped,
            NotPublishable::Expired => Self::Expired,
        }
    }
}
