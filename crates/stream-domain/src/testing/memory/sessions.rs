//! Sessions and attempts in memory.

use async_trait::async_trait;
use time::Duration;

use super::{MemoryStore, State};
use crate::admission::{
    Admitted, Attempt, Decision, Facts, Phase, Proof, PublishRequest, Terms, Verdict, decide,
};
use crate::media_server::ServerName;
use crate::ports::{
    Answered, CUT_PAUSE, CUT_WITHIN, EndOf, RESTART_MARGIN, Roll, SETTLED_AFTER, SessionRepository,
    StoreError,
};
use crate::session::{Cut, EndReason, OnAir, Session, SessionId};
use crate::{Stream, StreamId, Timestamp, UserId};

#[derive(Debug, Default)]
pub(super) struct Sessions(Vec<Kept>);

pub(super) type Attempts = Vec<Attempt>;

/// A session with what only stores know of it.
#[derive(Debug, Clone)]
struct Kept {
    session: Session,
    run: Option<String>,
    ordinal: Option<i64>,
    key_expires_at: Timestamp,
    to_cut: Option<EndReason>,
    cut_tried_at: Option<Timestamp>,
}

impl Kept {
    fn is_open(&self) -> bool {
        self.session.ended.is_none()
    }

    fn end(&mut self, at: Timestamp, reason: EndReason) {
        // One that is gone after its key expired was not asked to stay.
        let expired = (at >= self.key_expires_at).then_some(EndReason::Expired);
        let reason = self.to_cut.take().or(expired).unwrap_or(reason);
        self.session.ended.get_or_insert((at, reason));
    }

    fn renew(&mut self, now: Timestamp, lease: Duration) {
        self.session.last_seen_at = self.session.last_seen_at.max(now);
        self.session.lease_until = self.session.lease_until.max(now.plus(lease));
    }
}

impl Sessions {
    /// The stream as whoever reads it sees it.
    pub(super) fn seen_from(&self, stream: &Stream) -> Stream {
        let open = self.0.iter().find(|kept| kept.session.stream_id == stream.id && kept.is_open());
        let on_air =
            open.map(|kept| OnAir { since: kept.session.live_since, lease_until: kept.session.lease_until });
        Stream { on_air, ..stream.clone() }
    }

    /// Marks the stream's open session to be cut.
    pub(super) fn mark(&mut self, stream: StreamId, why: EndReason) {
        let open = self.0.iter_mut().filter(|kept| kept.session.stream_id == stream && kept.is_open());
        open.for_each(|kept| kept.to_cut = Some(why));
    }

    fn last(&self, matches: impl Fn(&Kept) -> bool) -> Option<&Session> {
        self.0.iter().rev().find(|kept| matches(kept)).map(|kept| &kept.session)
    }

    fn at_server_of<'a>(&'a mut self, request: &'a PublishRequest) -> impl Iterator<Item = &'a mut Kept> {
        let server = &request.publisher.server;
        self.0.iter_mut().filter(move |kept| kept.session.publisher.server == *server)
    }

    /// Ends all else that the connection of one that asks has published.
    fn end_republished(&mut self, request: &PublishRequest, stream: Option<StreamId>, now: Timestamp) {
        for kept in self.at_server_of(request).filter(|kept| kept.is_open()) {
            let is_same_connection = kept.session.publisher.session == request.publisher.session;
            if is_same_connection && Some(kept.session.stream_id) != stream {
                kept.end(now, EndReason::Republished);
            }
        }
    }

    /// Ends what a start shows to be over: an earlier run of the server, and what is still to be cut of it by this id.
    fn end_earlier_run(&mut self, request: &PublishRequest, now: Timestamp) {
        for kept in self.at_server_of(request) {
            let is_same_connection = kept.session.publisher.session == request.publisher.session;
            if is_same_connection && !kept.is_open() {
                kept.to_cut = None;
            }
            let (Some(asking), Some(ordinal)) = (request.ordinal, kept.ordinal) else { continue };
            let is_silent = kept.session.last_seen_at < now.plus(-RESTART_MARGIN);
            if kept.is_open() && !is_same_connection && asking < ordinal && (asking == 1 || is_silent) {
                kept.end(now, EndReason::ServerRestarted);
            }
        }
    }
}

impl State {
    fn begin(
        &mut self,
        request: &PublishRequest,
        stream: &Stream,
        (epoch, live_since): (i32, Timestamp),
        lease: Duration,
        now: Timestamp,
    ) -> Admitted {
        let mut superseded = None;
        let in_the_way =
            self.sessions.0.iter_mut().find(|kept| kept.session.stream_id == stream.id && kept.is_open());
        if let Some(kept) = in_the_way {
            if kept.session.is_alive_at(now) {
                kept.session.ended = Some((now, EndReason::Superseded));
                kept.to_cut = Some(EndReason::Superseded);
                kept.cut_tried_at = Some(now);
                superseded = Some((kept.session.id, kept.session.publisher.clone()));
            } else {
                let at = kept.session.lease_until;
                kept.end(at, EndReason::Lost);
            }
        }
        let id = SessionId(self.sessions.0.last().map_or(0, |kept| kept.session.id.0) + 1);
        let session = Session {
            id,
            stream_id: stream.id,
            publisher: request.publisher.clone(),
            epoch,
            live_since,
            started_at: now,
            last_seen_at: now,
            lease_until: now.plus(lease),
            ended: None,
        };
        let (run, ordinal) = (request.run.clone(), request.ordinal);
        let key_expires_at = stream.expires_at;
        self.sessions.0.push(Kept {
            session,
            run,
            ordinal,
            key_expires_at,
            to_cut: None,
            cut_tried_at: None,
        });
        Admitted {
            session: id,
            is_new: true,
            playback_id: stream.playback_id.clone(),
            rename: false,
            superseded,
        }
    }

    fn note(
        &mut self,
        request: &PublishRequest,
        stream: StreamId,
        refusal: crate::admission::Refusal,
        now: Timestamp,
    ) {
        let (server, address) = (request.publisher.server.clone(), request.publisher.address);
        let same = |attempt: &&mut Attempt| {
            attempt.stream_id == stream
                && attempt.refusal == refusal
                && attempt.server == server
                && attempt.address == address
        };
        if let Some(attempt) = self.attempts.iter_mut().find(same) {
            attempt.last_at = attempt.last_at.max(now);
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
        if request.phase == Phase::Asks {
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
            previous: state.sessions.last(of_stream),
        };
        let own_session = facts.own.map(|own| own.publisher.session.clone());
        match (decide(&facts, request, terms, now), stream) {
            (Decision::Renew(session), Some(stream)) => {
                let own = state.sessions.0.iter_mut().filter(|kept| kept.session.id == session);
                own.for_each(|kept| kept.renew(now, terms.lease));
                let playback_id = stream.playback_id;
                Ok(Verdict::Admitted(Admitted {
                    session,
                    is_new: false,
                    playback_id,
                    rename: false,
                    superseded: None,
                }))
            }
            (Decision::Start { epoch, live_since }, Some(stream)) => {
                state.sessions.end_republished(request, stream_id, now);
                if request.phase == Phase::Asks {
                    state.sessions.end_earlier_run(request, now);
                }
                let mut request = request.clone();
                if request.publisher.session.is_empty() {
                    request.publisher.session =
                        own_session.unwrap_or_else(|| request.publisher.name.expose().to_owned());
                }
                let request = &request;
                let admitted = state.begin(request, &stream, (epoch, live_since), terms.lease, now);
                Ok(Verdict::Admitted(admitted))
            }
            (Decision::Refuse(refusal), stream) => {
                if let Some(stream) = stream.filter(|_| request.phase == Phase::Asks) {
                    state.note(request, stream.id, refusal, now);
                }
                Ok(Verdict::Refused(refusal))
            }
            (_, None) => Err(StoreError::failed("a stream that is not there was admitted")),
        }
    }

    async fn end(&self, which: &EndOf, reason: EndReason, now: Timestamp) -> Result<bool, StoreError> {
        let mut state = self.state()?;
        let mut was_open = false;
        for kept in &mut state.sessions.0 {
            let publisher = &kept.session.publisher;
            let is_meant = match which {
                EndOf::Session { server, session, name } => {
                    let is_name = name.as_ref().is_none_or(|name| name == publisher.name.expose());
                    publisher.server == *server && publisher.session == *session && is_name
                }
                EndOf::Name { server, name } => {
                    let is_settled = kept.session.started_at < now.plus(-SETTLED_AFTER);
                    publisher.server == *server && publisher.name.expose() == name && is_settled
                }
            };
            if is_meant && (kept.is_open() || kept.to_cut.is_some()) {
                was_open |= kept.is_open();
                kept.end(now, reason);
            }
        }
        Ok(was_open)
    }

    async fn call_roll(&self, roll: &Roll, lease: Duration, now: Timestamp) -> Result<Answered, StoreError> {
        let mut state = self.state()?;
        let mut answered = Answered::default();
        for kept in state.sessions.0.iter_mut().filter(|kept| kept.is_open()) {
            let publisher = &kept.session.publisher;
            if publisher.server != roll.server {
                continue;
            }
            if roll.sessions.contains(&publisher.session) {
                answered.known.push(publisher.session.clone());
                kept.renew(now, lease);
            } else if roll.names.iter().any(|name| name == publisher.name.expose()) {
                answered.known.push(publisher.name.expose().to_owned());
                kept.renew(now, lease);
            } else if kept.session.started_at < roll.settled_before
                && kept.session.last_seen_at < roll.asked_at
            {
                kept.end(now, roll.absent);
                answered.ended += 1;
            }
        }
        Ok(answered)
    }

    async fn keep_alive(
        &self,
        server: &ServerName,
        run: Option<String>,
        lease: Duration,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        let mut state = self.state()?;
        let mut ended = 0;
        for kept in state.sessions.0.iter_mut().filter(|kept| kept.is_open()) {
            if kept.session.publisher.server != *server {
                continue;
            }
            if run.is_some() && kept.run.is_some() && kept.run != run {
                kept.end(now, EndReason::ServerRestarted);
                ended += 1;
            } else if kept.session.is_alive_at(now) {
                kept.renew(now, lease);
            }
        }
        Ok(ended)
    }

    async fn take_cuts(
        &self,
        server: &ServerName,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Cut>, StoreError> {
        let mut state = self.state()?;
        let State { streams, sessions, .. } = &mut *state;
        let mut cuts = Vec::new();
        for kept in sessions.0.iter_mut().filter(|kept| kept.session.publisher.server == *server) {
            let stream = streams.iter().find(|stream| stream.id == kept.session.stream_id);
            let is_overdue = stream.is_some_and(|stream| now >= stream.expires_at);
            if kept.is_open() && kept.to_cut.is_none() && is_overdue {
                kept.to_cut = Some(EndReason::Expired);
            }
            let is_stale = kept.session.ended.is_some_and(|(at, _)| at <= now.plus(-CUT_WITHIN));
            let may_try = !is_stale && kept.cut_tried_at.is_none_or(|tried| tried <= now.plus(-CUT_PAUSE));
            if let Some(why) = kept.to_cut
                && may_try
                && cuts.len() < limit as usize
            {
                kept.cut_tried_at = Some(now);
                let (session, publisher) = (kept.session.id, kept.session.publisher.clone());
                cuts.push(Cut { session, publisher, why });
            }
        }
        Ok(cuts)
    }

    async fn confirm_cut(&self, session: SessionId, now: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state()?;
        let cut = state.sessions.0.iter_mut().filter(|kept| kept.session.id == session);
        cut.for_each(|kept| kept.end(now, EndReason::Left));
        Ok(())
    }

    async fn end_overdue(&self, now: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let mut state = self.state()?;
        let overdue = |kept: &&mut Kept| kept.is_open() && kept.session.lease_until <= now;
        let mut count = 0;
        for kept in state.sessions.0.iter_mut().filter(overdue).take(limit as usize) {
            let reason = kept.to_cut.unwrap_or(EndReason::Lost);
            kept.session.ended = Some((kept.session.lease_until, reason));
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
}
