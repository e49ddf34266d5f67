//! Schedules: when an owner means to be live, for everybody's calendar.

mod changes;
mod form;
mod id;
mod query;
mod time_zone;
mod use_cases;
mod value;

pub use changes::{Change, NotChanged, NotPlanned, Place};
pub use form::{InvalidSchedule, MAX_AHEAD, MAX_LENGTH, ScheduleForm};
pub use id::ScheduleId;
pub use query::{ScheduleFilter, SchedulePage, SchedulePosition, ScheduleQuery};
pub use time_zone::TimeZoneName;
pub use use_cases::{ChangeScheduleError, NewKeyError, PlanError, Schedules};
pub use value::{MAX_SCHEDULES, MAX_WITH_CANCELED, Plan, Schedule, ScheduleState, Slot, TAKEN_AHEAD};
