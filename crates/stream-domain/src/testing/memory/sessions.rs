//! The sessions that are kept, and how they begin, go on and end.

use std::net::IpAddr;

use time::Duration;

use super::State;
use crate::admission::{Admitted, Attempt, PublishRequest, Refusal, gave_way_at};
use crate::media_server::ServerName;
use crate::ports::RESTART_MARGIN;
use crate::session::{EndReason, Session, SessionId};
use crate::{Stream, StreamId, Timestamp};

pub(super) type Attempts = Vec<Attempt>;

#[derive(Debug, Default)]
pub(super) struct Sessions(pub(super) Vec<Kept>);

/// A session with what only stores know of it.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) session: Session,
    pub(super) connection_number: Option<i64>,
    pub(super) cut_tried_at: Option<Timestamp>,
    pub(super) supersedes: Option<SessionId>,
}

impl Kept {
    pub(super) fn is_open(&self) -> bool {
        self.session.ended.is_none()
    }

    pub(super) fn was_answered_too_late(&self) -> bool {
        self.session.ended.is_some_and(|(_, how)| how == EndReason::AnsweredTooLate)
    }

    pub(super) fn end(&mut self, now: Timestamp, said: EndReason) {
        let ending = self.session.ending(said, now);
        self.session.ended.get_or_insert(ending);
        self.session.kick = None;
    }

    pub(super) fn renew(&mut self, now: Timestamp, lease: Duration) {
        (self.session.last_seen_at, self.session.lease_until) = self.session.renewed(lease, now);
    }

    /// The renewal of those that are seen to move.
    pub(super) fn confirm(&mut self, now: Timestamp, lease: Duration) {
        self.renew(now, lease);
        self.session.confirmed_at.get_or_insert(now);
        self.session.stalled_until = None;
    }
}

impl Sessions {
    /// The stream as whoever reads it sees it.
    pub(super) fn seen_from(&self, stream: &Stream) -> Stream {
        let open = self.0.iter().find(|kept| kept.session.stream_id == stream.id && kept.is_open());
        let on_air = open.and_then(|kept| kept.session.on_air());
        Stream { on_air, ..stream.clone() }
    }

    /// Marks the stream's open session to be cut.
    pub(super) fn mark(&mut self, stream: StreamId, why: EndReason) {
        let open = self.0.iter_mut().filter(|kept| kept.session.stream_id == stream && kept.is_open());
        open.for_each(|kept| kept.session.kick = Some(why));
    }

    /// When the first of the two sessions before the open one of a stream gave way, if both did.
    pub(super) fn gave_way_at(&self, stream: StreamId) -> Option<Timestamp> {
        let of_stream = self.0.iter().rev().filter(|kept| kept.session.stream_id == stream);
        let mut before = of_stream.skip_while(|kept| !kept.is_open()).skip(1);
        gave_way_at([&before.next()?.session, &before.next()?.session])
    }

    pub(super) fn last(&self, matches: impl Fn(&Kept) -> bool) -> Option<&Session> {
        self.0.iter().rev().find(|kept| matches(kept)).map(|kept| &kept.session)
    }

    pub(super) fn at_server_of<'a>(
        &'a mut self,
        request: &'a PublishRequest,
    ) -> impl Iterator<Item = &'a mut Kept> {
        let server = &request.publisher.server;
        self.0.iter_mut().filter(move |kept| kept.session.publisher.server == *server)
    }

    /// Ends all else that the connection of one that asks has published.
    pub(super) fn end_republished(
        &mut self,
        request: &PublishRequest,
        stream: Option<StreamId>,
        now: Timestamp,
    ) {
        for kept in self.at_server_of(request).filter(|kept| kept.is_open()) {
            let is_same_connection = kept.session.publisher.session == request.publisher.session;
            if is_same_connection && Some(kept.session.stream_id) != stream {
                kept.end(now, EndReason::Republished);
            }
        }
    }

    /// Ends what a start shows to be over: an earlier run of the server, and what is still to be cut of it by this id.
    pub(super) fn end_earlier_run(&mut self, request: &PublishRequest, now: Timestamp) {
        for kept in self.at_server_of(request) {
            let is_same_connection = kept.session.publisher.session == request.publisher.session;
            if is_same_connection && !kept.is_open() {
                kept.session.kick = None;
            }
            let (Some(asking), Some(connection_number)) = (request.connection_number, kept.connection_number)
            else {
                continue;
            };
            let is_silent = kept.session.last_seen_at < now.plus(-RESTART_MARGIN);
            if kept.is_open()
                && !is_same_connection
                && asking < connection_number
                && (asking == 1 || is_silent)
            {
                kept.end(now, EndReason::ServerRestarted);
            }
        }
    }
}

impl State {
    pub(super) fn begin(
        &mut self,
        request: &PublishRequest,
        stream: &Stream,
        (epoch, live_since): (i32, Timestamp),
        lease: Duration,
        now: Timestamp,
    ) -> Admitted {
        let mut superseded = None;
        let id = SessionId(self.sessions.0.last().map_or(0, |kept| kept.session.id.0) + 1);
        let in_the_way =
            self.sessions.0.iter_mut().find(|kept| kept.session.stream_id == stream.id && kept.is_open());
        if let Some(kept) = in_the_way {
            if kept.session.must_be_told_to_go(&request.publisher, now) {
                kept.session.ended = Some((now, EndReason::Superseded));
                kept.session.kick = Some(EndReason::Superseded);
                kept.cut_tried_at = Some(now);
                superseded = Some((kept.session.id, kept.session.publisher.clone()));
            } else {
                kept.end(now, EndReason::Lost);
            }
        }
        let session = Session {
            id,
            stream_id: stream.id,
            publisher: request.publisher.clone(),
            boot_id: request.boot_id.clone(),
            epoch,
            live_since,
            started_at: now,
            confirmed_at: request.confirms().then_some(now),
            last_seen_at: now,
            lease_until: now.plus(lease),
            stalled_until: None,
            key_expires_at: stream.expires_at,
            kick: None,
            ended: None,
        };
        let connection_number = request.connection_number;
        let supersedes = superseded.as_ref().map(|(session, _): &(SessionId, _)| *session);
        self.sessions.0.push(Kept { session, connection_number, cut_tried_at: None, supersedes });
        Admitted {
            session: id,
            stream_id: stream.id,
            is_new: true,
            playback_id: stream.playback_id.clone(),
            rename: false,
            superseded,
        }
    }
}

impl State {
    /// When a publisher like this one was last refused since another was live.
    pub(super) fn refused_at(&self, request: &PublishRequest, stream: Option<StreamId>) -> Option<Timestamp> {
        let is_same = |attempt: &&Attempt| {
            Some(attempt.stream_id) == stream
                && attempt.refusal == Refusal::AlreadyLive
                && attempt.server == request.publisher.server
                && attempt.address == request.publisher.address
        };
        self.attempts.iter().find(is_same).map(|attempt| attempt.last_at)
    }

    pub(super) fn note(
        &mut self,
        (server, address): (ServerName, Option<IpAddr>),
        stream: StreamId,
        refusal: Refusal,
        now: Timestamp,
    ) {
        let same = |attempt: &&mut Attempt| {
            attempt.stream_id == stream
                && attempt.refusal == refusal
                && attempt.server == server
                && attempt.address == address
        };
        if let Some(attempt) = self.attempts.iter_mut().find(same) {
            // Once a second is often enough for an encoder that tries again and again.
            if attempt.last_at <= now.plus(-Duration::SECOND) {
                attempt.last_at = now;
            }
            return;
        }
        self.attempts.push(Attempt {
            stream_id: stream,
            server,
            address,
            refusal,
            first_at: now,
            last_at: now,
        });
    }
}
