//! Lists of schedules, soonest first.

use std::num::NonZeroU32;

use super::id::ScheduleId;
use super::value::Schedule;
use crate::{Timestamp, UserId};

/// Which schedules are wanted, and which part of their list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ScheduleQuery {
    /// Which ones.
    pub filter: ScheduleFilter,
    /// At most so many.
    pub limit: NonZeroU32,
    /// Only what stands behind this place.
    pub after: Option<SchedulePosition>,
}

/// Which schedules are wanted; the default is all of everybody.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ScheduleFilter {
    /// Only this user's.
    pub user: Option<UserId>,
    /// Only those that everybody may see: public ones, of users whom the platform knows, whose streams are public too.
    pub is_public: bool,
    /// Not those that were canceled.
    pub without_canceled: bool,
    /// Only those of this category, by its slug.
    pub category: Option<String>,
    /// Only those that end after this instant.
    pub from: Option<Timestamp>,
    /// Only those that start before this instant.
    pub to: Option<Timestamp>,
}

/// A place in a list of schedules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchedulePosition {
    /// When the schedule at this place starts.
    pub starts_at: Timestamp,
    /// Its number.
    pub id: ScheduleId,
}

impl From<&Schedule> for SchedulePosition {
    fn from(schedule: &Schedule) -> Self {
        Self { starts_at: schedule.plan.slot.starts_at, id: schedule.id }
    }
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SchedulePage {
    /// The schedules, soonest first, and by number among those of one instant.
    pub schedules: Vec<Schedule>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<SchedulePosition>,
}

impl ScheduleQuery {
    /// How many rows to read: one more than wanted tells whether there is a next page.
    pub fn rows_to_read(&self) -> i64 {
        i64::from(self.limit.get()) + 1
    }

    /// Makes a page of the rows that [`Self::rows_to_read`] asked for, each with its place.
    ///
    /// A row that could not be read (`None`) is left out, but counts, so that it never hides what stands behind it.
    pub fn page_of(&self, mut rows: Vec<(SchedulePosition, Option<Schedule>)>) -> SchedulePage {
        let wanted = self.limit.get() as usize;
        let more = rows.len() > wanted;
        rows.truncate(wanted);
        let next = rows.last().filter(|_| more).map(|(position, _)| *position);
        SchedulePage { schedules: rows.into_iter().filter_map(|(_, schedule)| schedule).collect(), next }
    }
}
