//! Which plans a user may have beside which, and how a schedule changes.

use super::id::ScheduleId;
use super::value::{MAX_SCHEDULES, MAX_WITH_CANCELED, Plan, Schedule, ScheduleState, Slot};
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
    #[error(
        "there are {MAX_SCHEDULES} schedules to come, or {MAX_WITH_CANCELED} with those that were canceled"
    )]
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
        let canceled = others.clone().filter(|other| other.canceled_at.is_some()).count();
        let all = others.clone().count();
        if all - canceled >= MAX_SCHEDULES || all >= MAX_WITH_CANCELED {
            return Err(NotPlanned::TooMany);
        }
        let mut in_the_way =
            others.filter(|other| !other.state_at(now).is_over() && other.plan.slot.overlaps(slot));
        in_the_way.next().map_or(Ok(()), |other| Err(NotPlanned::Conflict(other.id, other.plan.slot)))
    }
}

impl Schedule {
    /// The schedule after this change at `now`; canceling twice is canceling once.
    ///
    /// What has ended early may be canceled until its time has passed, so that no further key takes it.
    pub fn changed(self, change: Change, others: &[Self], now: Timestamp) -> Result<Self, NotChanged> {
        let state = self.state_at(now);
        let (plan, canceled_at) = match change {
            Change::Cancel if state == ScheduleState::Canceled => return Ok(self),
            Change::Cancel if !state.is_over() || self.may_begin_at(now) => (self.plan, Some(now)),
            Change::Cancel => return Err(NotChanged::Over(state)),
            Change::Replace(_) if state.is_over() => return Err(NotChanged::Over(state)),
            Change::Replace(plan) => {
                Place { others, replaced: Some(self.id) }.take(plan.slot, now)?;
                (*plan, None)
            }
        };
        Ok(Self { plan, canceled_at, updated_at: now, revision: self.revision.saturating_add(1), ..self })
    }
}
