//! Keeps what users have planned.

use async_trait::async_trait;

use super::{StoreError, UserStreamsError};
use crate::schedules::{
    Change, NotChanged, NotPlanned, Plan, Schedule, ScheduleId, SchedulePage, ScheduleQuery,
};
use crate::{Timestamp, UserId};

/// Keeps schedules, and which streams began for them.
///
/// A stream MUST take the schedule that its request names, unless that was canceled, or else the one of its user that
/// [is taken](Schedule::is_taken_at) at that moment, whoever writes the stream.
/// Where its request says no details it MUST then begin with those of the schedule that is taken at that moment, in place
/// of the channel's; a request that names a schedule says details.
/// A schedule that is read MUST show the last stream that began for it and is still there.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait ScheduleStore: Send + Sync {
    /// Keeps a plan and returns it with its number.
    ///
    /// It MUST have a [place](crate::schedules::Place::take) among the user's others, whatever runs at the same time.
    async fn plan(&self, user: UserId, plan: &Plan, now: Timestamp) -> Result<Schedule, PlanStoredError>;

    /// Changes a schedule of the user's own as [`Schedule::changed`] says, whatever runs at the same time, and returns
    /// it.
    async fn change_schedule(
        &self,
        user: UserId,
        id: ScheduleId,
        change: &Change,
        now: Timestamp,
    ) -> Result<Schedule, ChangeStoredError>;

    /// A schedule of the user's own, in whatever state; `None` if the user has none of this number.
    async fn find_schedule(&self, user: UserId, id: ScheduleId) -> Result<Option<Schedule>, StoreError>;

    /// The schedule that a key of the user takes which is generated at `now` and names none.
    async fn current_schedule(&self, user: UserId, now: Timestamp) -> Result<Option<Schedule>, StoreError>;

    /// A part of a list, soonest first, and by number among those of one instant.
    ///
    /// Pages MUST neither skip nor repeat a schedule that is there all the time.
    async fn list_schedules(&self, query: &ScheduleQuery) -> Result<SchedulePage, StoreError>;

    /// Forgets at most `limit` schedules that ended before `before`, and returns how many it forgot.
    async fn forget_schedules(&self, before: Timestamp, limit: u32) -> Result<u32, StoreError>;
}

/// Why a plan was not kept.
#[derive(Debug, thiserror::Error)]
pub enum PlanStoredError {
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

impl From<UserStreamsError> for PlanStoredError {
    fn from(error: UserStreamsError) -> Self {
        match error {
            UserStreamsError::UnknownUser => Self::UnknownUser,
            UserStreamsError::Store(error) => Self::Store(error),
        }
    }
}

/// Why a schedule was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeStoredError {
    /// The user has no such schedule.
    #[error("the user has no such schedule")]
    NoSuchSchedule,
    /// The change is not allowed.
    #[error(transparent)]
    NotChanged(#[from] NotChanged),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
