//! The use cases of schedules: owners plan, everybody looks ahead, and a new key takes what is planned.

use std::sync::Arc;

use time::Duration;

use super::changes::{Change, NotChanged, NotPlanned};
use super::form::{InvalidSchedule, ScheduleForm};
use super::id::ScheduleId;
use super::query::{SchedulePage, ScheduleQuery};
use super::value::{Schedule, ScheduleState};
use crate::details::{Categories, Details, DetailsForm, InvalidDetail};
use crate::ports::{
    ChangeStoredError, Clock, DetailsStore, PlanStoredError, ScheduleStore, StoreError, StreamPorts,
};
use crate::{KeyRequest, Timestamp, UserId};

/// How long schedules are kept after their end.
const RETENTION: Duration = Duration::days(30);

/// How many are forgotten in one step.
const SWEEP_BATCH: u32 = 500;

/// The use cases of schedules.
#[derive(Clone)]
pub struct Schedules {
    store: Arc<dyn ScheduleStore>,
    details: Arc<dyn DetailsStore>,
    clock: Arc<dyn Clock>,
    categories: Categories,
}

impl std::fmt::Debug for Schedules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Schedules").field("categories", &self.categories).finish_non_exhaustive()
    }
}

impl Schedules {
    /// Wires the use cases to their ports; streams have one of these categories.
    pub fn new(ports: &StreamPorts, clock: Arc<dyn Clock>, categories: Categories) -> Self {
        Self { store: ports.schedules.clone(), details: ports.details.clone(), clock, categories }
    }

    /// The categories that streams may have.
    pub fn categories(&self) -> &Categories {
        &self.categories
    }

    /// The time at which a caller's answer is true.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Plans a stream of the user; the schedule, and the time at which it is so.
    pub async fn plan(&self, user: UserId, form: ScheduleForm) -> Result<(Schedule, Timestamp), PlanError> {
        let now = self.clock.now();
        let plan = form.read(&self.categories, now)?;
        let planned = self.store.plan(user, &plan, now).await;
        planned.map(|schedule| (schedule, now)).map_err(|error| match error {
            PlanStoredError::NotPlanned(refusal) => refusal.into(),
            PlanStoredError::UnknownUser => PlanError::UnknownUser,
            PlanStoredError::Store(error) => error.into(),
        })
    }

    /// Plans a schedule of the user's own otherwise; a stream that has begun for it stays as it is.
    pub async fn replan(
        &self,
        user: UserId,
        id: ScheduleId,
        form: ScheduleForm,
    ) -> Result<(Schedule, Timestamp), ChangeScheduleError> {
        let now = self.clock.now();
        let plan = form.read(&self.categories, now)?;
        self.change(user, id, Change::replace(plan), now).await
    }

    /// Calls off a schedule of the user's own; it is kept, and a stream that has begun for it goes on.
    pub async fn cancel(
        &self,
        user: UserId,
        id: ScheduleId,
    ) -> Result<(Schedule, Timestamp), ChangeScheduleError> {
        self.change(user, id, Change::Cancel, self.clock.now()).await
    }

    async fn change(
        &self,
        user: UserId,
        id: ScheduleId,
        change: Change,
        now: Timestamp,
    ) -> Result<(Schedule, Timestamp), ChangeScheduleError> {
        let changed = self.store.change_schedule(user, id, &change, now).await;
        changed.map(|schedule| (schedule, now)).map_err(|error| match error {
            ChangeStoredError::NoSuchSchedule => ChangeScheduleError::NoSuchSchedule,
            ChangeStoredError::NotChanged(NotChanged::Over(state)) => ChangeScheduleError::Over(state),
            ChangeStoredError::NotChanged(NotChanged::NotPlanned(refusal)) => refusal.into(),
            ChangeStoredError::Store(error) => error.into(),
        })
    }

    /// A schedule of the user's own, and the time at which it is so; `None` if the user has no such schedule.
    pub async fn own(
        &self,
        user: UserId,
        id: ScheduleId,
    ) -> Result<Option<(Schedule, Timestamp)>, StoreError> {
        let own = self.store.find_schedule(user, id).await?;
        Ok(own.map(|schedule| (schedule, self.clock.now())))
    }

    /// A list, and the time at which it is so.
    pub async fn list(&self, query: &ScheduleQuery) -> Result<(SchedulePage, Timestamp), StoreError> {
        Ok((self.store.list_schedules(query).await?, self.clock.now()))
    }

    /// What a user asks for with a new key: the details that were sent, over those of the schedule that it takes, or
    /// over those of the channel.
    ///
    /// Where nothing was sent the store does the same by itself.
    pub async fn key_request(
        &self,
        user: UserId,
        named: Option<ScheduleId>,
        form: DetailsForm,
    ) -> Result<KeyRequest, NewKeyError> {
        if named.is_none() && form.is_empty() {
            return Ok(user.into());
        }
        // What is wrong with it is told before the store is asked.
        form.clone().over(Details::default(), &self.categories)?;
        let now = self.clock.now();
        let taken = match named {
            Some(id) => {
                let own = self.store.find_schedule(user, id).await?.ok_or(NewKeyError::NoSuchSchedule)?;
                if !own.may_begin_at(now) {
                    return Err(NewKeyError::Over(own.state_at(now)));
                }
                Some(own)
            }
            None => self.store.current_schedule(user, now).await?,
        };
        let (schedule, base) = match taken {
            Some(schedule) => (Some(schedule.id), schedule.plan.details),
            None => (None, self.details.channel(user).await?),
        };
        let details = Some(form.over(base, &self.categories)?);
        Ok(KeyRequest { user, details, schedule })
    }

    /// Forgets schedules that ended more than 30 days ago, in steps of 500.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        let before = self.clock.now().plus(-RETENTION);
        while self.store.forget_schedules(before, SWEEP_BATCH).await? >= SWEEP_BATCH {}
        Ok(())
    }
}

/// Why nothing was planned.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A field cannot be taken.
    #[error(transparent)]
    Invalid(#[from] InvalidSchedule),
    /// There is no place for it.
    #[error(transparent)]
    NotPlanned(#[from] NotPlanned),
    /// The platform does not know the user.
    #[error("the platform does not know the user")]
    UnknownUser,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a schedule was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeScheduleError {
    /// A field cannot be taken.
    #[error(transparent)]
    Invalid(#[from] InvalidSchedule),
    /// The user has no such schedule.
    #[error("the user has no such schedule")]
    NoSuchSchedule,
    /// Nothing is to come of it.
    #[error("the schedule is {}", .0.as_str())]
    Over(ScheduleState),
    /// There is no place for it.
    #[error(transparent)]
    NotPlanned(#[from] NotPlanned),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a key is not asked for.
#[derive(Debug, thiserror::Error)]
pub enum NewKeyError {
    /// A field cannot be taken.
    #[error(transparent)]
    Invalid(#[from] InvalidDetail),
    /// The user has no such schedule.
    #[error("the user has no such schedule")]
    NoSuchSchedule,
    /// Its time has passed, or it was canceled.
    #[error("the schedule is {}", .0.as_str())]
    Over(ScheduleState),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
