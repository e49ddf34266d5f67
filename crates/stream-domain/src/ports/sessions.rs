//! Keeps publish sessions and refused attempts.

use std::collections::HashSet;
use std::net::IpAddr;

use async_trait::async_trait;
use time::Duration;

use super::StoreError;
use crate::admission::{Attempt, PublishRequest, Refusal, Terms, Verdict};
use crate::media_server::ServerName;
use crate::session::{EndReason, PendingKick, Session, SessionId};
use crate::{PlaybackId, StreamId, StreamKey, Timestamp, UserId};

/// What a media server says of its live publishers, by their session ids or, where it lists no ids, by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublisherList {
    /// The server.
    pub server: ServerName,
    /// The session ids of those that are listed and bring media.
    pub sessions: Vec<String>,
    /// The names of those, where the server has no session ids.
    pub names: Vec<String>,
    /// Session ids or names of those that are listed and bring no media.
    pub stalled: Vec<String>,
    /// When the server was asked: what was seen later is not judged by this list.
    pub asked_at: Timestamp,
    /// Sessions that began after this are not judged either, since a server may list them late.
    pub settled_before: Timestamp,
    /// What it means for a session not to be listed.
    pub absent: Absent,
}

/// What it means for an open session that its server does not list it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absent {
    /// The list is whole: the session has ended.
    Ended(EndReason),
    /// A list may miss somebody once: the session has ended if the list before missed it as well.
    EndedIfMissingBefore {
        /// How it ended.
        reason: EndReason,
        /// What [`SyncOutcome::missing`] said after the list before.
        missing_before: Vec<String>,
    },
    /// The list may be partial: nobody has ended.
    Kept,
}

/// What a list of publishers led to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncOutcome {
    /// The listed session ids and names, moving or stalled, of which an open session is known.
    pub known: Vec<String>,
    /// Open sessions that the list judges, does not have, and did not end: their ids or, for a list of names, their names.
    pub missing: Vec<String>,
    /// How many sessions ended, since they were not listed.
    pub ended: u32,
}

/// A [`PublisherList`] to look publishers up in.
#[derive(Debug)]
pub struct ListIndex<'a> {
    list: &'a PublisherList,
    sessions: HashSet<&'a str>,
    names: HashSet<&'a str>,
    stalled: HashSet<&'a str>,
    missing_before: HashSet<&'a str>,
}

/// What a list says of an open session of its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sighting<'a> {
    /// It is listed so, and brings media.
    Moving(&'a str),
    /// It is listed so, and brings none.
    Stalled(&'a str),
    /// It is not listed, and goes by this.
    Missing(&'a str),
    /// It has ended so.
    Gone(EndReason),
    /// The list does not judge it.
    NotJudged,
}

impl<'a> ListIndex<'a> {
    /// Makes the list ready to be looked up in.
    pub fn of(list: &'a PublisherList) -> Self {
        let set = |texts: &'a [String]| texts.iter().map(String::as_str).collect();
        let missing_before = match &list.absent {
            Absent::EndedIfMissingBefore { missing_before, .. } => set(missing_before),
            Absent::Ended(_) | Absent::Kept => HashSet::new(),
        };
        let (sessions, names, stalled) = (set(&list.sessions), set(&list.names), set(&list.stalled));
        Self { list, sessions, names, stalled, missing_before }
    }

    /// What the list says of an open session of its server.
    pub fn sighting<'s>(&self, session: &'s Session) -> Sighting<'s> {
        let (id, name) = (session.publisher.session.as_str(), session.publisher.name.expose());
        if self.sessions.contains(id) {
            return Sighting::Moving(id);
        }
        if self.names.contains(name) {
            return Sighting::Moving(name);
        }
        if let Some(known_as) = [id, name].into_iter().find(|text| self.stalled.contains(text)) {
            return Sighting::Stalled(known_as);
        }
        if session.started_at >= self.list.settled_before || session.last_seen_at >= self.list.asked_at {
            return Sighting::NotJudged;
        }
        let is_of_names = !self.names.is_empty() && self.sessions.is_empty();
        match &self.list.absent {
            Absent::Ended(reason) => Sighting::Gone(*reason),
            Absent::EndedIfMissingBefore { reason, .. }
                if self.missing_before.contains(id) || self.missing_before.contains(name) =>
            {
                Sighting::Gone(*reason)
            }
            _ => Sighting::Missing(if is_of_names { name } else { id }),
        }
    }
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
    /// A refusal of [`Trigger::PublishRequest`](crate::admission::Trigger) MUST be kept for the stream's owner, if there is a stream.
    async fn admit(
        &self,
        request: &PublishRequest,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Verdict, StoreError>;

    /// Ends the open session that is named, and no other; says whether there was one.
    ///
    /// It MUST end as [`Session::ending`] says, and is then no longer to be cut.
    async fn end(
        &self,
        which: &SessionSelector,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Undoes an admission whose answer came too late: its session ends as [`EndReason::AnsweredTooLate`].
    ///
    /// The session that it superseded MUST be open again, with its lease as it was, if nobody has taken it to be cut
    /// since, its stream may still publish, and neither the stream nor the connection has another open session.
    /// Else it stays ended, and to be cut if it was.
    async fn withdraw(&self, session: SessionId, now: Timestamp) -> Result<(), StoreError>;

    /// Compares the open sessions of a server with its list, as [`ListIndex::sighting`] says.
    ///
    /// Those that move are renewed and confirmed.
    /// Those that stall are off air at once, which cuts their lease to `now`; they stay open for a lease after each list
    /// that has them, and one that moves again goes on as the same session of the same broadcast.
    async fn sync_publishers(
        &self,
        list: &PublisherList,
        lease: Duration,
        now: Timestamp,
    ) -> Result<SyncOutcome, StoreError>;

    /// Renews the live sessions of a server that says that it is well, and notes its boot; returns how many ended.
    ///
    /// It confirms nobody, since it names nobody.
    /// A boot that was never seen before MUST end what the boots before had live; what comes late from an earlier boot
    /// MUST do nothing.
    /// A name that two boots use side by side is shared: see [`Boots`](crate::boots::Boots).
    async fn heartbeat(
        &self,
        server: &ServerName,
        boot_id: Option<String>,
        lease: Duration,
        now: Timestamp,
    ) -> Result<u32, StoreError>;

    /// Takes at most `limit` publishers of a server that are to be cut: their session is marked, or its key expired.
    ///
    /// One that was taken MUST NOT be taken again for [`KICK_RETRY_AFTER`], and then MUST be until [`Self::mark_kicked`] or
    /// an end of it comes.
    /// One that gave way after `superseded_before` MUST be left alone: its server may be about to end it by itself.
    async fn claim_pending_kicks(
        &self,
        server: &ServerName,
        superseded_before: Timestamp,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<PendingKick>, StoreError>;

    /// The publisher is gone from its server; its session ends, if it has not, for the reason it was cut for.
    async fn mark_kicked(&self, session: SessionId, now: Timestamp) -> Result<(), StoreError>;

    /// Ends at most `limit` sessions whose lease has run out, as lost, and returns how many there were.
    async fn expire_leases(&self, now: Timestamp, limit: u32) -> Result<u32, StoreError>;

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

    /// Notes a publisher that was refused before its stream was known, for the owner of the first stream that its clues
    /// name; returns that stream, or `None` if they name none, and then MUST write nothing.
    ///
    /// A key that is known comes before the playback id; one that showed the playback id alone MUST be noted without its
    /// address, so that strangers cannot fill the owner's list.
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
pub const KICK_RETRY_AFTER: Duration = Duration::SECOND;

/// How long a higher-numbered connection must have been silent for a lower number to show that the server was started
/// anew.
pub const RESTART_MARGIN: Duration = Duration::seconds(6);

/// How long after a session's end a mark to cut it is still acted upon; its id may be another's by then.
pub const KICK_EXPIRES_AFTER: Duration = Duration::minutes(10);
