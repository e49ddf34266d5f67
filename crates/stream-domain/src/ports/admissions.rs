//! Lets publishers in, and writes their end down.

use std::net::IpAddr;

use async_trait::async_trait;
use time::Duration;

use super::StoreError;
use crate::broadcasts::admission::{PublishRequest, Refusal, Terms, Verdict};
use crate::broadcasts::session::{EndReason, SessionId};
use crate::media_server::ServerName;
use crate::{PlaybackId, StreamId, StreamKey, Timestamp};

/// Begins and ends publish sessions.
///
/// Each method is one atomic step, may be called from any number of instances at once, and is finished once begun.
/// A stream MUST have at most one open session, and a media server MUST have at most one open session of the same
/// session id, whatever runs at the same time.
/// When a stream stops being active or is deleted, by this service or another, its open session MUST be marked to be
/// kicked in the same step.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Admissions: Send + Sync {
    /// Decides by [`decide`](crate::broadcasts::admission::decide) and carries it out, in one round trip.
    ///
    /// A start MUST end the session that is in its way, and mark it to be kicked if it was alive.
    /// Whatever else the connection of one that asks has published MUST end, admitted or not.
    /// A start of connection number 1 MUST end the sessions of all others of that server, which has restarted; a
    /// start of a lower number than theirs MUST end those that have not been seen for [`RESTART_MARGIN`].
    /// A start and a stop of its stream at the same time MUST leave a refusal or a session that is to be kicked.
    /// A refusal of [`Trigger::PublishRequest`](crate::broadcasts::admission::Trigger) MUST be kept for the stream's owner, if there is a stream.
    async fn admit(
        &self,
        request: &PublishRequest,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Verdict, StoreError>;

    /// Undoes an admission whose answer came too late: its session ends as [`EndReason::AnsweredTooLate`].
    ///
    /// The session that it superseded MUST be open again, with its lease as it was, if no instance has claimed its kick
    /// since, its stream may still publish, and neither the stream nor the connection has another open session.
    /// Else it stays ended, and to be kicked if it was.
    async fn withdraw(&self, session: SessionId, now: Timestamp) -> Result<(), StoreError>;

    /// Ends the open session that is named, and no other; says whether there was one.
    ///
    /// It MUST end as [`Session::ending`](crate::Session::ending) says, and is then no longer to be kicked.
    async fn end(
        &self,
        which: &SessionSelector,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Notes a publisher that was refused before its stream was known, for the owner of the first stream that its clues
    /// name; returns that stream, or `None` if they name none, and then MUST write nothing.
    ///
    /// A key that is known comes before the playback id; one that showed the playback id alone MUST be noted without its
    /// address, so that nobody without the key can fill the owner's list.
    async fn note_attempt(&self, clues: &Clues, now: Timestamp) -> Result<Option<StreamId>, StoreError>;
}

/// What a refused publisher showed, by which its owner may be found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clues {
    /// What may be a key, the likeliest first.
    pub keys: Vec<StreamKey>,
    /// Why it is refused, if it is one.
    pub as_key: Refusal,
    /// What may be a playback id.
    pub playback_id: Option<PlaybackId>,
    /// Why it is refused, if that is all it showed.
    pub as_name: Refusal,
    /// The media server.
    pub server: ServerName,
    /// Where the publisher came from, if the server said.
    pub address: Option<IpAddr>,
}

/// Which session is said to have ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionSelector {
    /// The one with this id at this server, if it publishes this name where one is given.
    Session {
        /// The server.
        server: ServerName,
        /// Its session id.
        session: String,
        /// The name that has come to its end; a connection may have gone on to publish another.
        name: Option<String>,
    },
    /// The one that publishes this name, where the server gives no session id.
    ///
    /// One that began less than [`SETTLED_AFTER`] ago is not meant: the end is that of the publisher that gave way to it.
    Name {
        /// The server.
        server: ServerName,
        /// The name that has come to its end.
        name: String,
    },
}

/// How long a session must have gone on for an end that names no session to be its own.
pub const SETTLED_AFTER: Duration = Duration::seconds(5);

/// How long a higher-numbered connection must have been silent for a lower number to show that the server was started
/// anew.
pub const RESTART_MARGIN: Duration = Duration::seconds(6);
