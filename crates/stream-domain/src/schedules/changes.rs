//! Which plans a user may have beside which, and how a schedule changes.

use super::id::ScheduleId;
use super::value::{MAX_SCHEDULES, Plan, Schedule, ScheduleState, Slot};
use crate::Timestamp;

/// What becomes of a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is planned otherwise.
    Replace(Box<Plan>),
    /// It is called off.
    Cancel,
}

impl Change {
    /// It is planned otherwise.
    pub fn replace(plan: Plan) -> Self {
        Self::Replace(Box::new(plan))
    }
}

/// A place among the schedules of a user.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The user's schedules whose time has not passed.
    pub others: &'a [Schedule],
    /// The one that makes room for itself.
    pub replaced: Option<ScheduleId>,
}

/// Why there is no place for a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPlanned {
    /// At that time the user has planned something else.
    #[error("it overlaps with schedule {}", .0.0)]
    Conflict(ScheduleId, Slot),
    /// The user has planned enough.
    #[error("there are {MAX_SCHEDULES} schedules whose time has not passed")]
    TooMany,
}

/// Why a schedule is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotChanged {
    /// Nothing is to come of it.
    #[error("it is {}", .0.as_str())]
    Over(ScheduleState),
    /// There is no place for the new plan.
    #[error(transparent)]
    NotPlanned(#[from] NotPlanned),
}

impl Place<'_> {
    /// Whether the user may have this at `now`: no two schedules that are to come overlap.
    pub fn take(self, slot: Slot, now: Timestamp) -> Result<(), NotPlanned> {
        let others = self.others.iter().filter(|other| Some(other.id) != self.replaced);
        if others.clone().filter(|other| now < other.plan.slot.ends_at).count() >= MAX_SCHEDULES {
            return Err(NotPlanned::TooMany);
        }
        let mut in_the_way =
            others.filter(|other| !other.state_at(now).is_over() && other.plan.slot.overlaps(slot));
        in_the_way.next().map_or(Ok(()), |other| Err(NotPlanned::Conflict(other.id, other.plan.slot)))
    }
}

impl Schedule {
    /// The schedule after this change at `now`; canceling twice is canceling once.
    pub fn changed(self, change: Change, others: &[Self], now: Timestamp) -> Result<Self, NotChanged> {
        let state = self.state_at(now);
        let (plan, canceled_at) = match change {
            Change::Cancel if state == ScheduleState::Canceled => return Ok(self),
            _ if state.is_over() => return Err(NotChanged::Over(state)),
            Change::Cancel => (self.plan, Some(now)),
            Change::Replace(plan) => {
                Place { others, replaced: Some(self.id) }.take(plan.slot, now)?;
                (*plan, None)
            }
        };
        Ok(Self { plan, canceled_at, updated_at: now, revision: self.revision.saturating_add(1), ..self })
    }
}
