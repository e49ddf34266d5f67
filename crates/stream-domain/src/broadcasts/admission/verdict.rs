//! What a store answers, and what the owner of a key sees of it.

use super::Refusal;
use crate::broadcasts::session::{Publisher, SessionId};
use crate::media_server::ServerName;
use crate::{PlaybackId, StreamId, Timestamp};

/// What a store answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may publish, and its session is written down.
    Admitted(Admitted),
    /// It may not; where the stream is known, the attempt is written down for its owner.
    Refused(Refusal),
}

/// An admitted publisher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted {
    /// Its session.
    pub session: SessionId,
    /// Its stream.
    pub stream_id: StreamId,
    /// Whether the session is new.
    pub is_new: bool,
    /// The public name of its stream.
    pub playback_id: PlaybackId,
    /// Whether the server is to go on under the public name.
    pub rename: bool,
    /// The publisher that had to give way, if it is to be ended at its server.
    pub superseded: Option<(SessionId, Publisher)>,
}

/// A refused attempt, as the owner of the key sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The stream whose key was used.
    pub stream_id: StreamId,
    /// The media server.
    pub server: ServerName,
    /// Where the publisher came from, if the server said.
    pub address: Option<std::net::IpAddr>,
    /// Why it was refused.
    pub refusal: Refusal,
    /// When this was first seen, from there.
    pub first_at: Timestamp,
    /// When it was last seen.
    pub last_at: Timestamp,
}
