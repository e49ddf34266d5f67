//! What the in-memory store keeps of schedules.

use crate::schedules::Schedule;
use crate::{ScheduleId, StreamId};

/// Schedules, and which streams began for them, in their order.
#[derive(Debug, Default)]
pub(super) struct Planned {
    /// Without their streams.
    pub(super) all: Vec<Schedule>,
    pub(super) taken: Vec<(StreamId, ScheduleId)>,
    pub(super) last: i64,
}
