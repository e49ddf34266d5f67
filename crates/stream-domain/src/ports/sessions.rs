//! Keeps publish sessions and refused attempts.

use async_trait::async_trait;
use time::Duration;

use super::StoreError;
use crate::admission::{Attempt, PublishRequest, Terms, Verdict};
use crate::media_server::ServerName;
use crate::session::{Cut, EndReason, Session, SessionId};
use crate::{StreamId, Timestamp, UserId};

/// What a media server says of its live publishers, by their session ids or, where it lists no ids, by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roll {
    /// The server.
    pub server: ServerName,
    /// The session ids that it lists.
    pub sessions: Vec<String>,
    /// The names that it lists, where it has no session ids.
    pub names: Vec<String>,
    /// When it was asked: whatever was seen later is not judged by this list.
    pub asked_at: Timestamp,
    /// Sessions that began after this are not judged either, since a server may list them late.
    pub settled_before: Timestamp,
    /// How those have ended who are not listed.
    pub absent: EndReason,
}

/// What became of a roll.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answered {
    /// The listed session ids and names of which an open session is known.
    pub known: Vec<String>,
    /// How many sessions ended, since they were not listed.
    pub ended: u32,
}

/// Keeps publish sessions.
///
/// Each method is one atomic step, may be called from any number of instances at once, and is finished once begun.
/// A stream MUST have at most one open session, and a media server MUST have at most one open session of the same
/// session id, whatever runs at the same time.
/// When a stream stops being active or is deleted, by whomever, its open session MUST be marked to be cut in the same
/// step.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait SessionRepository: Send + Sync {
    /// Decides by [`decide`](crate::admission::decide) and carries it out, in one round trip.
    ///
    /// A start MUST end the session that is in its way, and mark it to be cut if it was alive.
    /// Whatever else the connection of one that asks has published MUST end, admitted or not.
    /// A start of connection number 1 MUST end the sessions of all others of that server, which was started anew; a
    /// start of a lower number than theirs MUST end those that have not been seen for [`RESTART_MARGIN`].
    /// A start and a stop of its stream at the same time MUST leave a refusal or a session that is to be cut.
    /// A refusal of [`Phase::Asks`](crate::admission::Phase) MUST be kept for the stream's owner, if there is a stream.
    async fn admit(
        &self,
        request: &PublishRequest,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Verdict, StoreError>;

    /// Ends the open session that is named, and no other; says whether there was one.
    ///
    /// A session that is marked to be cut MUST keep that as its reason, and is then no longer to be cut; one that ends
    /// after its key expired MUST have ended by that.
    async fn end(&self, which: &EndOf, reason: EndReason, now: Timestamp) -> Result<bool, StoreError>;

    /// Renews the open sessions of a server that are listed, and ends those that are not.
    async fn call_roll(&self, roll: &Roll, lease: Duration, now: Timestamp) -> Result<Answered, StoreError>;

    /// Renews the live sessions of a server that says that it is well; those of another run end.
    async fn keep_alive(
        &self,
        server: &ServerName,
        run: Option<String>,
        lease: Duration,
        now: Timestamp,
    ) -> Result<u32, StoreError>;

    /// Takes at most `limit` publishers of a server that are to be cut: their session is marked, or its key expired.
    ///
    /// One that was taken MUST NOT be taken again for [`CUT_PAUSE`], and then MUST be until [`Self::confirm_cut`] or
    /// an end of it comes.
    async fn take_cuts(
        &self,
        server: &ServerName,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Cut>, StoreError>;

    /// The publisher is gone from its server; its session ends, if it has not, for the reason it was cut for.
    async fn confirm_cut(&self, session: SessionId, now: Timestamp) -> Result<(), StoreError>;

    /// Ends at most `limit` sessions whose lease has run out, as lost, and returns how many there were.
    async fn end_overdue(&self, now: Timestamp, limit: u32) -> Result<u32, StoreError>;

    /// Forgets at most `limit` sessions that ended, and attempts that were last seen, before `before`.
    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u32, StoreError>;

    /// The last `limit` sessions of the user's stream, newest first; `None` if the user has no such stream.
    async fn list_sessions(
        &self,
        user: UserId,
        stream: StreamId,
        limit: u32,
    ) -> Result<Option<Vec<Session>>, StoreError>;

    /// The last `limit` refused attempts on the user's keys, newest first.
    async fn list_attempts(&self, user: UserId, limit: u32) -> Result<Vec<Attempt>, StoreError>;
}

/// Which session is said to have ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndOf {
    /// The one with this id at this server, if it publishes this name where one is given.
    Session {
        /// The server.
        server: ServerName,
        /// Its id of the stay.
        session: String,
        /// The name that has come to its end; a connection may have gone on to publish another.
        name: Option<String>,
    },
    /// The one that publishes this name at this server, which has no better word for it.
    ///
    /// One that began less than [`SETTLED_AFTER`] ago is not meant: the end is rather that of whoever gave way to it.
    Name {
        /// The server.
        server: ServerName,
        /// The name that has come to its end.
        name: String,
    },
}

/// How long a session must have gone on for an end that names no session to be its own.
pub const SETTLED_AFTER: Duration = Duration::seconds(5);

/// How long a publisher that was to be cut is given before it is cut again.
pub const CUT_PAUSE: Duration = Duration::SECOND;

/// How long a higher-numbered connection must have been silent for a lower number to show that the server was started
/// anew.
pub const RESTART_MARGIN: Duration = Duration::seconds(6);

/// How long after a session's end a mark to cut it is still acted upon; its id may be another's by then.
pub const CUT_WITHIN: Duration = Duration::minutes(10);
