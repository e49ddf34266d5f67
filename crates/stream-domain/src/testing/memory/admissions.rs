//! Admissions in memory.

use async_trait::async_trait;

use super::sessions::Kept;
use super::{MemoryStore, State};
use crate::broadcasts::admission::{
    Admitted, Decision, Facts, Proof, PublishRequest, Terms, Trigger, Verdict, decide,
};
use crate::broadcasts::session::{EndReason, SessionId};
use crate::ports::{Admissions, Clues, SETTLED_AFTER, SessionSelector, StoreError};
use crate::{Stream, StreamId, StreamKey, Timestamp};

#[async_trait]
impl Admissions for MemoryStore {
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
                    if request.confirmed {
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
        // One that was to be kicked meanwhile may be gone by now.
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
