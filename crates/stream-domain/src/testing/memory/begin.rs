//! How a session begins, and how a refused publisher is noted.

use std::net::IpAddr;

use time::Duration;

use super::State;
use super::sessions::Kept;
use crate::broadcasts::admission::{Admitted, Attempt, PublishRequest, Refusal};
use crate::broadcasts::session::{EndReason, Session, SessionId};
use crate::media_server::ServerName;
use crate::{Stream, StreamId, Timestamp};

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
            if kept.session.must_be_kicked_for(&request.publisher, now) {
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
            confirmed_at: request.confirmed.then_some(now),
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
