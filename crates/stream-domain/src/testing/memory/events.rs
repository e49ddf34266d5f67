//! The log in memory.

use async_trait::async_trait;

use super::MemoryStore;
use crate::Timestamp;
use crate::broadcasts::session::EndReason;
use crate::events::{Event, EventKind, EventQuery, Extent, LogPosition};
use crate::ports::{EventLog, StoreError};

#[async_trait]
impl EventLog for MemoryStore {
    async fn sequence(&self, _limit: u32) -> Result<Extent, StoreError> {
        self.extent().await
    }

    async fn extent(&self) -> Result<Extent, StoreError> {
        let state = self.state()?;
        let forgotten = state.told.forgotten;
        Ok(Extent { forgotten, last: state.told.events.last().map_or(forgotten, |last| last.position) })
    }

    async fn read_events(&self, query: &EventQuery) -> Result<(Extent, Vec<Event>), StoreError> {
        let extent = self.extent().await?;
        let state = self.state()?;
        let is_wanted = |event: &&Event| event.position > query.after && query.wants(event);
        let wanted = state.told.events.iter().filter(is_wanted).take(query.limit as usize);
        Ok((extent, wanted.cloned().collect()))
    }

    async fn note_offline(
        &self,
        left_before: Timestamp,
        now: Timestamp,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let mut state = self.state()?;
        let is_away = |live: &&super::told::ToldLive| {
            let of_stream = state.sessions.0.iter().filter(|kept| kept.session.stream_id == live.stream);
            let is_admitted = of_stream.into_iter().any(|kept| kept.session.is_alive_at(now));
            live.left.is_some_and(|(at, _)| at < left_before) && !is_admitted
        };
        let gone: Vec<_> = state.told.live.iter().filter(is_away).take(limit as usize).cloned().collect();
        for live in &gone {
            state.told.live.retain(|told| told.stream != live.stream);
            let reason = live.left.and_then(|(_, how)| how).unwrap_or(EndReason::Lost);
            state.tell_offline(live, reason.as_str());
        }
        Ok(u32::try_from(gone.len()).unwrap_or(u32::MAX))
    }

    async fn settle_schedules(&self, ended_by: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let mut state = self.state()?;
        let settled = &state.told.settled;
        let is_due = |schedule: &&crate::Schedule| {
            let is_over = schedule.plan.slot.ends_at <= ended_by && schedule.canceled_at.is_none();
            is_over && !settled.contains(&schedule.id)
        };
        let mut due: Vec<_> = state.schedules.all.iter().filter(is_due).cloned().collect();
        due.sort_by_key(|schedule| schedule.plan.slot.ends_at);
        due.truncate(limit as usize);
        for schedule in &due {
            state.told.settled.push(schedule.id);
            if state.with_stream(schedule).stream_at(schedule.plan.slot.ends_at).is_none() {
                state.add_of_schedule(EventKind::ScheduleMissed, schedule);
            }
        }
        Ok(u32::try_from(due.len()).unwrap_or(u32::MAX))
    }

    async fn forget_events(
        &self,
        before: Timestamp,
        spared_from: Timestamp,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let mut state = self.state()?;
        let first_pending = state.endpoints.first_pending();
        let but_last = state.told.events.len().saturating_sub(1);
        let first_kept = state
            .told
            .events
            .iter()
            .position(|event| {
                let is_pending = first_pending.is_some_and(|first| first <= event.position);
                event.at >= before || (is_pending && event.at >= spared_from)
            })
            .unwrap_or(but_last);
        let gone = first_kept.min(but_last).min(limit as usize);
        state.told.events.drain(..gone);
        let forgotten = i64::try_from(gone).unwrap_or_default();
        state.told.forgotten = LogPosition(state.told.forgotten.0 + forgotten);
        Ok(u32::try_from(gone).unwrap_or(u32::MAX))
    }
}
