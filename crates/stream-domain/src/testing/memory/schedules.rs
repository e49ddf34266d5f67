//! Schedules in memory.

use async_trait::async_trait;

use super::planned::Planned;
use super::{MemoryStore, State};
use crate::details::Visibility;
use crate::ports::{ChangeStoredError, PlanStoredError, ScheduleStore, StoreError};
use crate::schedules::{
    Change, Place, Plan, Schedule, ScheduleFilter, ScheduleId, SchedulePage, SchedulePosition, ScheduleQuery,
    ScheduleState,
};
use crate::{Details, Stream, StreamStatus, Timestamp, UserId};

impl State {
    /// Notes which schedule a new stream takes, and returns the details of the one that is current.
    pub(super) fn take_schedule(&mut self, stream: &Stream, named: Option<ScheduleId>) -> Option<Details> {
        let current = self.current_schedule(stream.user_id?, stream.created_at);
        let named = named
            .filter(|id| self.schedules.all.iter().any(|own| own.id == *id && own.canceled_at.is_none()));
        let taken = named.or(current.as_ref().map(|own| own.id));
        self.schedules.taken.extend(taken.map(|id| (stream.id, id)));
        current.map(|own| own.plan.details)
    }

    fn current_schedule(&self, user: UserId, now: Timestamp) -> Option<Schedule> {
        let own = self.schedules.all.iter().filter(|own| own.user == user && own.is_taken_at(now));
        let own = own.map(|own| self.with_stream(own));
        own.min_by_key(|own| (own.state_at(now) == ScheduleState::Ended, SchedulePosition::from(own)))
    }

    /// The streams that began for a schedule and are there.
    fn streams_of(&self, id: ScheduleId) -> impl Iterator<Item = &Stream> {
        let taken = self.schedules.taken.iter().filter(move |(_, taken)| *taken == id);
        taken.filter_map(|(stream, _)| self.streams.iter().find(|kept| kept.id == *stream))
    }

    /// A schedule as it is read.
    pub(super) fn with_stream(&self, schedule: &Schedule) -> Schedule {
        let stream = self.streams_of(schedule.id).last().map(|stream| self.sessions.seen_from(stream));
        Schedule { stream, ..schedule.clone() }
    }

    /// The user's schedules whose time has not passed.
    fn to_come(&self, user: UserId, now: Timestamp) -> Vec<Schedule> {
        let own = self.schedules.all.iter();
        let own = own.filter(|own| own.user == user && now < own.plan.slot.ends_at);
        own.map(|own| self.with_stream(own)).collect()
    }

    /// Whether everybody may see its stream, if it has one that counts.
    fn is_listed(&self, schedule: &Schedule, is_public: impl Fn(&Details) -> bool) -> bool {
        let last = self.streams_of(schedule.id).last();
        last.is_none_or(|stream| {
            let is_rehearsal =
                stream.status != StreamStatus::Active && stream.updated_at < schedule.plan.slot.starts_at;
            is_rehearsal || is_public(&self.details(stream.id))
        })
    }

    fn matches(&self, schedule: &Schedule, filter: &ScheduleFilter) -> bool {
        let is_public = |details: &Details| details.visibility == Visibility::Public;
        let slot = schedule.plan.slot;
        filter.user.is_none_or(|user| schedule.user == user)
            && (!filter.without_canceled || schedule.canceled_at.is_none())
            && filter
                .category
                .as_ref()
                .is_none_or(|slug| schedule.plan.details.category.as_ref() == Some(slug))
            && filter.from.is_none_or(|from| from < slot.ends_at)
            && filter.to.is_none_or(|to| slot.starts_at < to)
            && (!filter.is_public
                || (is_public(&schedule.plan.details) && self.is_listed(schedule, is_public)))
    }
}

#[async_trait]
impl ScheduleStore for MemoryStore {
    async fn plan(&self, user: UserId, plan: &Plan, now: Timestamp) -> Result<Schedule, PlanStoredError> {
        let mut state = self.state()?;
        let others = state.to_come(user, now);
        Place { others: &others, replaced: None }.take(plan.slot, now)?;
        state.schedules.last += 1;
        let schedule = Schedule::planned(ScheduleId(state.schedules.last), user, plan.clone(), now);
        state.schedules.all.push(schedule.clone());
        Ok(schedule)
    }

    async fn change_schedule(
        &self,
        user: UserId,
        id: ScheduleId,
        change: &Change,
        now: Timestamp,
    ) -> Result<Schedule, ChangeStoredError> {
        let mut state = self.state()?;
        let place = state.schedules.all.iter().position(|own| own.id == id && own.user == user);
        let place = place.ok_or(ChangeStoredError::NoSuchSchedule)?;
        let own = state.with_stream(&state.schedules.all[place]);
        let changed = own.changed(change.clone(), &state.to_come(user, now), now)?;
        state.schedules.all[place] = Schedule { stream: None, ..changed.clone() };
        Ok(changed)
    }

    async fn find_schedule(&self, user: UserId, id: ScheduleId) -> Result<Option<Schedule>, StoreError> {
        let state = self.state()?;
        let own = state.schedules.all.iter().find(|own| own.id == id && own.user == user);
        Ok(own.map(|own| state.with_stream(own)))
    }

    async fn current_schedule(&self, user: UserId, now: Timestamp) -> Result<Option<Schedule>, StoreError> {
        let state = self.state()?;
        Ok(state.current_schedule(user, now))
    }

    async fn list_schedules(&self, query: &ScheduleQuery) -> Result<SchedulePage, StoreError> {
        let state = self.state()?;
        let listed = state.schedules.all.iter().filter(|schedule| state.matches(schedule, &query.filter));
        let mut rows: Vec<_> = listed
            .map(|schedule| (SchedulePosition::from(schedule), Some(state.with_stream(schedule))))
            .collect();
        rows.sort_by_key(|(position, _)| *position);
        rows.retain(|(position, _)| query.after.is_none_or(|after| after < *position));
        rows.truncate(usize::try_from(query.rows_to_read()).unwrap_or(usize::MAX));
        Ok(query.page_of(rows))
    }

    async fn forget_schedules(&self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let mut state = self.state()?;
        let mut left = limit;
        state.schedules.all.retain(|schedule| {
            let goes = schedule.plan.slot.ends_at < before && left > 0;
            left -= u32::from(goes);
            !goes
        });
        let Planned { all, taken, .. } = &mut state.schedules;
        taken.retain(|(_, id)| all.iter().any(|schedule| schedule.id == *id));
        Ok(limit - left)
    }
}
