//! The number of a schedule, apart from the rest of it, since a stream that begins may name one.

/// The number of a schedule, given by the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScheduleId(pub i64);
