//! The sessions that are kept, and how they begin, go on and end.

use time::Duration;

use crate::broadcasts::admission::{Attempt, PublishRequest, gave_way_at};
use crate::broadcasts::session::{EndReason, Session, SessionId};
use crate::ports::RESTART_MARGIN;
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
    /// The stream with what its open session says.
    pub(super) fn seen_from(&self, stream: &Stream) -> Stream {
        let open = self.0.iter().find(|kept| kept.session.stream_id == stream.id && kept.is_open());
        let on_air = open.and_then(|kept| kept.session.on_air());
        Stream { on_air, ..stream.clone() }
    }

    /// Marks the stream's open session to be kicked.
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

    /// Ends what a start shows to be over: an earlier run of the server, and what is still to be kicked of it by this id.
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
