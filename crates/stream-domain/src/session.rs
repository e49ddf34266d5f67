//! A session: one publisher's stay on one media server.
//!
//! What a media server says may come late, twice, out of order, or never.
//! So a session is live only while its **lease** runs, and whoever reads it compares the lease with the clock.

use std::fmt;
use std::net::IpAddr;

use crate::lifecycle::Ended;
use crate::media_server::ServerName;
use crate::{StreamId, Timestamp};

/// The number of a session, given by the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub i64);

/// The name under which a stream is published on a media server; in some address forms it is the key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublishName(String);

impl PublishName {
    /// Takes the name's text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The name itself, for the media server and the store; never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PublishName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublishName(redacted)")
    }
}

/// A publisher as its media server knows it: enough to recognize it in a list, and to end it.
#[derive(Clone, PartialEq, Eq)]
pub struct Publisher {
    /// The instance that it publishes to.
    pub server: ServerName,
    /// The id that the server gave this stay; unique among those that go on at the same time.
    pub session: String,
    /// The application (the part of the address before the name).
    pub application: String,
    /// The name, as the server knows it.
    pub name: PublishName,
    /// `rtmp`, `srt`, `webrtc` and so on, as the server calls it.
    pub protocol: String,
    /// Where the publisher comes from, if the server says.
    pub address: Option<IpAddr>,
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In some families the session holds the name, which may be a key.
        f.debug_struct("Publisher")
            .field("server", &self.server)
            .field("protocol", &self.protocol)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

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
    /// Its media server was started anew.
    ServerRestarted,
    /// The answer to its media server came too late, so it was refused.
    AnsweredTooLate,
    /// The owner stopped the stream.
    Stopped,
    /// The key expired.
    Expired,
    /// The stream, or its user, was deleted.
    Deleted,
}

impl EndReason {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Left,
        Self::Lost,
        Self::Superseded,
        Self::Republished,
        Self::ServerRestarted,
        Self::AnsweredTooLate,
        Self::Stopped,
        Self::Expired,
        Self::Deleted,
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

impl From<Ended> for EndReason {
    fn from(ended: Ended) -> Self {
        match ended {
            Ended::Stopped => Self::Stopped,
            Ended::Expired => Self::Expired,
        }
    }
}

/// A session as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Given by the store, ascending.
    pub id: SessionId,
    /// The stream that is published.
    pub stream_id: StreamId,
    /// Who publishes, and where.
    pub publisher: Publisher,
    /// The number of the broadcast among those of its stream, from 1; a quick reconnect goes on with the same one.
    pub epoch: i32,
    /// When the broadcast began, which may be earlier than this session.
    pub live_since: Timestamp,
    /// When the session began.
    pub started_at: Timestamp,
    /// When the server last said that it goes on.
    pub last_seen_at: Timestamp,
    /// Until when it counts as live without another word.
    pub lease_until: Timestamp,
    /// When it ended and how; `None` if nothing said so yet.
    pub ended: Option<(Timestamp, EndReason)>,
}

impl Session {
    /// Whether it goes on at `now`, as far as anybody knows.
    pub fn is_alive_at(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.lease_until
    }

    /// When it ended and how, seen from `now`: a lease that ran out is an end, whether or not it was written down yet.
    pub fn ended_at(&self, now: Timestamp) -> Option<(Timestamp, EndReason)> {
        let overdue = (now >= self.lease_until).then_some((self.lease_until, EndReason::Lost));
        self.ended.or(overdue)
    }

    /// The last instant at which the broadcast may still have been on air.
    pub fn last_sign(&self) -> Timestamp {
        self.ended.map_or(self.lease_until, |(at, _)| at)
    }
}

/// What a stream's open session says of its being on air.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnAir {
    /// When the broadcast began.
    pub since: Timestamp,
    /// Until when it counts without another word.
    pub lease_until: Timestamp,
}

/// A publisher that is to be ended at its media server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The session that it belongs to.
    pub session: SessionId,
    /// Whom to end.
    pub publisher: Publisher,
    /// Why.
    pub why: EndReason,
}
