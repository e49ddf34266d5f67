//! Sessions and attempts in memory.

mod kept;

use std::net::IpAddr;

use async_trait::async_trait;
use time::Duration;

use super::{MemoryStore, State};
use crate::admission::{
    Admitted, Attempt, Decision, Facts, Proof, PublishRequest, Refusal, Terms, Trigger, Verdict, decide,
};
use crate::boots::BootSign;
use crate::media_server::ServerName;
use crate::ports::{
    Clues, KICK_EXPIRES_AFTER, KICK_RETRY_AFTER, ListIndex, PublisherList, SETTLED_AFTER, SessionRepository,
    SessionSelector, Sighting, StoreError, SyncOutcome,
};
use crate::session::{EndReason, PendingKick, Session, SessionId};
use crate::{Stream, StreamId, StreamKey, Timestamp, UserId};

use kept::Kept;
pub(super) use kept::Sessions;

pub(super) type Attempts = Vec<Attempt>;

impl State {
    /// When a publisher like this one was last refused since another was live.
    fn refused_at(&self, request: &PublishRequest, stream: Option<StreamId>) -> Option<Timestamp> {
        let is_same = |attempt: &&Attempt| {
            Some(attempt.stream_id) == stream
                && attempt.refusal == Refusal::AlreadyLive
                && attempt.server == request.publisher.server
                && attempt.address == request.publisher.address
        };
        self.attempts.iter().find(is_same).map(|attempt| attempt.last_at)
    }

    fn note(
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

#[async_trait]
impl SessionRepository for MemoryStore {
    async fn admit(
        &self,
        request: &PublishRequest,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        self.admissions.pass().await;
        let mut state = self.state()?;
        let named = |stream: &&Stream| match &request.proof {
            Proof::Key(key) | Proof::KeyOf(_, key) => stream.key == *key,
            Proof::Name(id) => stream.playback_id == *id,
        };
        let stream = state.streams.iter().find(named).cloned();
        let stream_id = stream.as_ref().map(|stream| stream.id);
        if request.trigger == Trigger::PublishRequest {
            state.sessions.end_republished(request, stream_id, now);
        }
        let of_stream = |kept: &Kept| Some(kept.session.stream_id) == stream_id;
        let is_own = |kept: &Kept| {
            let publisher = &kept.session.publisher;
            let is_same = [&publisher.session, ""].contains(&&*request.publisher.session);
            publisher.server == request.publisher.server && is_same
        };
        let facts = Facts {
            stream: stream.as_ref(),
            current: state.sessions.last(|kept| of_stream(kept) && kept.is_open()),
            own: state.sessions.last(|kept| of_stream(kept) && is_own(kept)),
            previous: state.sessions.last(|kept| of_stream(kept) && !kept.was_answered_too_late()),
            gave_way_at: stream_id.and_then(|stream| state.sessions.gave_way_at(stream)),
            refused_at: state.refused_at(request, stream_id),
        };
        let completed = request.completed_from(facts.own);
        match (decide(&facts, request, terms, now), stream) {
            (Decision::Renew(session), Some(stream)) => {
                for kept in state.sessions.0.iter_mut().filter(|kept| kept.session.id == session) {
                    if request.confirms() {
                        kept.confirm(now, terms.lease);
                    } else {
                        kept.renew(now, terms.lease);
                    }
                }
                let playback_id = stream.playback_id;
                Ok(Verdict::Admitted(Admitted {
                    session,
                    stream_id: stream.id,
                    is_new: false,
                    playback_id,
                    rename: false,
                    superseded: None,
                }))
            }
            (Decision::Start { epoch, live_since }, Some(stream)) => {
                state.sessions.end_republished(&completed, stream_id, now);
                if request.trigger == Trigger::PublishRequest {
                    state.sessions.end_earlier_run(request, now);
                }
                let admitted = state.begin(&completed, &stream, (epoch, live_since), terms.lease, now);
                Ok(Verdict::Admitted(admitted))
            }
            (Decision::Refuse(refusal), stream) => {
                if let Some(stream) = stream.filter(|_| request.trigger == Trigger::PublishRequest) {
                    let publisher = &request.publisher;
                    let from = (publisher.server.clone(), publisher.address);
                    state.note(from, stream.id, refusal, now);
                }
                Ok(Verdict::Refused(refusal))
            }
            (_, None) => Err(StoreError::failed("a stream that is not there was admitted")),
        }
    }

    async fn end(
        &self,
        which: &SessionSelector,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let mut was_open = false;
        for kept in &mut state.sessions.0 {
            let publisher = &kept.session.publisher;
            let is_meant = match which {
                SessionSelector::Session { server, session, name } => {
                    let is_name = name.as_ref().is_none_or(|name| name == publisher.name.expose());
                    publisher.server == *server && publisher.session == *session && is_name
                }
                SessionSelector::Name { server, name } => {
                    let is_settled = kept.session.started_at < now.plus(-SETTLED_AFTER);
                    publisher.server == *server && publisher.name.expose() == name && is_settled
                }
            };
            if is_meant && (kept.is_open() || kept.session.kick.is_some()) {
                was_open |= kept.is_open();
                kept.end(now, reason);
            }
        }
        Ok(was_open)
    }

    async fn withdraw(&self, session: SessionId, now: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state()?;
        let State { streams, sessions, .. } = &mut *state;
        let mut former = None;
        for kept in sessions.0.iter_mut().filter(|kept| kept.session.id == session) {
            kept.end(now, EndReason::AnsweredTooLate);
            former = kept.supersedes.take();
        }
        // One that was taken to be cut meanwhile may be gone by now.
        let place = sessions.0.iter().position(|kept| {
            let is_untried =
                kept.cut_tried_at.zip(kept.session.ended).is_some_and(|(tried, (at, _))| tried <= at);
            Some(kept.session.id) == former && kept.session.kick == Some(EndReason::Superseded) && is_untried
        });
        let Some(place) = place else { return Ok(()) };
        let former = &sessions.0[place].session;
        let stream = streams.iter().find(|stream| stream.id == former.stream_id);
        let may_publish = stream.is_some_and(|stream| stream.publishable_at(now).is_ok());
        let is_replaced = sessions.0.iter().any(|kept| {
            let (publisher, its) = (&kept.session.publisher, &former.publisher);
            let is_same_connection = publisher.server == its.server && publisher.session == its.session;
            kept.is_open() && (kept.session.stream_id == former.stream_id || is_same_connection)
        });
        if may_publish && !is_replaced {
            let kept = &mut sessions.0[place];
            (kept.session.ended, kept.session.kick) = (None, None);
            kept.cut_tried_at = None;
        }
        Ok(())
    }

    async fn sync_publishers(
        &self,
        list: &PublisherList,
        lease: Duration,
        now: Timestamp,
    ) -> Result<SyncOutcome, StoreError> {
        let mut state = self.state()?;
        let (index, mut outcome) = (ListIndex::of(list), SyncOutcome::default());
        for kept in state.sessions.0.iter_mut().filter(|kept| kept.is_open()) {
            if kept.session.publisher.server != list.server {
                continue;
            }
            let session = kept.session.clone();
            match index.sighting(&session) {
                Sighting::Moving(known_as) => {
                    outcome.known.push(known_as.to_owned());
                    if session.is_sync_due(lease, now) {
                        kept.confirm(now, lease);
                    }
                }
                Sighting::Stalled(known_as) => {
                    outcome.known.push(known_as.to_owned());
                    if let Some((lease_until, stalled_until)) = session.stalled(list.asked_at, lease, now) {
                        kept.session.lease_until = lease_until;
                        kept.session.stalled_until = Some(stalled_until);
                    }
                }
                Sighting::Missing(known_as) => outcome.missing.push(known_as.to_owned()),
                Sighting::Gone(reason) => {
                    kept.end(now, reason);
                    outcome.ended += 1;
                }
                Sighting::NotJudged => {}
            }
        }
        Ok(outcome)
    }

    async fn heartbeat(
        &self,
        server: &ServerName,
        boot_id: Option<String>,
        lease: Duration,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        let mut state = self.state()?;
        let State { boots, sessions, .. } = &mut *state;
        let sign = match &boot_id {
            Some(boot_id) => boots.entry(server.clone()).or_default().note(boot_id, now),
            None => BootSign::Current,
        };
        let mut ended = 0;
        for kept in sessions.0.iter_mut().filter(|kept| kept.is_open()) {
            if kept.session.publisher.server != *server {
                continue;
            }
            let is_of_another =
                boot_id.is_some() && kept.session.boot_id.is_some() && kept.session.boot_id != boot_id;
            let is_due = kept.session.is_alive_at(now) && kept.session.is_renewal_due(lease, now);
            match sign {
                BootSign::Current if is_of_another => {
                    kept.end(now, EndReason::ServerRestarted);
                    ended += 1;
                }
                BootSign::Current | BootSign::Shared { .. } if !is_of_another && is_due => {
                    kept.renew(now, lease);
                }
                _ => {}
            }
        }
        Ok(ended)
    }

    async fn claim_pending_kicks(
        &self,
        server: &ServerName,
        superseded_before: Timestamp,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<PendingKick>, StoreError> {
        let mut state = self.state()?;
        let mut cuts = Vec::new();
        let of_server = |kept: &&mut Kept| kept.session.publisher.server == *server;
        for kept in state.sessions.0.iter_mut().filter(of_server) {
            let is_overdue = now >= kept.session.key_expires_at;
            if kept.is_open() && kept.session.kick.is_none() && is_overdue {
                kept.session.kick = Some(EndReason::Expired);
            }
            let is_stale = kept.session.ended.is_some_and(|(at, _)| at <= now.plus(-KICK_EXPIRES_AFTER));
            let may_try =
                !is_stale && kept.cut_tried_at.is_none_or(|tried| tried <= now.plus(-KICK_RETRY_AFTER));
            let gives_way = kept.session.kick == Some(EndReason::Superseded)
                && kept.session.ended.is_some_and(|(at, _)| at > superseded_before);
            if let Some(why) = kept.session.kick
                && may_try
                && !gives_way
                && cuts.len() < limit as usize
            {
                kept.cut_tried_at = Some(now);
                let (session, publisher) = (kept.session.id, kept.session.publisher.clone());
                cuts.push(PendingKick { session, publisher, why });
            }
        }
        Ok(cuts)
    }

    async fn mark_kicked(&self, session: SessionId, now: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state()?;
        let cut = state.sessions.0.iter_mut().filter(|kept| kept.session.id == session);
        cut.for_each(|kept| kept.end(now, EndReason::Left));
        Ok(())
    }

    async fn expire_leases(&self, now: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let mut state = self.state()?;
        for kept in state.sessions.0.iter_mut().filter(|kept| kept.is_open()) {
            (kept.session.last_seen_at, kept.session.lease_until) = kept.session.under_clock(now);
        }
        let overdue = |kept: &&mut Kept| {
            kept.is_open() && kept.session.lease_until <= now && !kept.session.is_stalled_at(now)
        };
        let mut count = 0;
        for kept in state.sessions.0.iter_mut().filter(overdue).take(limit as usize) {
            // What is to be cut stays to be cut.
            kept.session.ended = Some(kept.session.ending(EndReason::Lost, now));
            count += 1;
        }
        Ok(count)
    }

    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let mut state = self.state()?;
        let mut left = limit;
        let mut stays = |is_old: bool| {
            let goes = is_old && left > 0;
            left -= u32::from(goes);
            !goes
        };
        state.sessions.0.retain(|kept| stays(kept.session.ended.is_some_and(|(at, _)| at < before)));
        state.attempts.retain(|attempt| stays(attempt.last_at < before));
        for boots in state.boots.values_mut() {
            boots.0.retain(|boot| boot.last_seen_at >= before);
        }
        Ok(limit - left)
    }

    async fn list_sessions(
        &self,
        user: UserId,
        stream: StreamId,
        limit: u32,
    ) -> Result<Option<Vec<Session>>, StoreError> {
        let state = self.state()?;
        if !state.streams.iter().any(|kept| kept.id == stream && kept.user_id == Some(user)) {
            return Ok(None);
        }
        let of_stream = state.sessions.0.iter().rev().filter(|kept| kept.session.stream_id == stream);
        Ok(Some(of_stream.take(limit as usize).map(|kept| kept.session.clone()).collect()))
    }

    async fn list_attempts(&self, user: UserId, limit: u32) -> Result<Vec<Attempt>, StoreError> {
        let state = self.state()?;
        let is_own = |attempt: &&Attempt| {
            let stream = state.streams.iter().find(|stream| stream.id == attempt.stream_id);
            stream.is_some_and(|stream| stream.user_id == Some(user))
        };
        let mut own: Vec<Attempt> = state.attempts.iter().filter(is_own).cloned().collect();
        own.sort_by_key(|attempt| std::cmp::Reverse(attempt.last_at));
        own.truncate(limit as usize);
        Ok(own)
    }

    async fn note_attempt(&self, clues: &Clues, now: Timestamp) -> Result<Option<StreamId>, StoreError> {
        let mut state = self.state()?;
        let by_key = |key: &StreamKey| state.streams.iter().find(|stream| stream.key == *key);
        let by_key = clues.keys.iter().find_map(by_key);
        let named =
            state.streams.iter().find(|stream| Some(&stream.playback_id) == clues.playback_id.as_ref());
        let (stream, address, refusal) = match (by_key, named) {
            (Some(stream), _) => (stream.id, clues.address, clues.as_key),
            (None, Some(stream)) => (stream.id, None, clues.as_name),
            (None, None) => return Ok(None),
        };
        state.note((clues.server.clone(), address), stream, refusal, now);
        Ok(Some(stream))
    }
}
