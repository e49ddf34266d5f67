//! Reads of the log.

use super::event::{Event, LogPosition};
use super::kind::EventKind;
use crate::UserId;

/// Which events are wanted, in the order of their positions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventQuery {
    /// Only this user's.
    pub user: Option<UserId>,
    /// Only those behind this position.
    pub after: LogPosition,
    /// Only these kinds; none means all.
    pub kinds: Vec<EventKind>,
    /// At most so many.
    pub limit: u32,
}

impl EventQuery {
    /// Whether an event is wanted, wherever it stands.
    pub fn wants(&self, event: &Event) -> bool {
        let is_kind = self.kinds.is_empty() || self.kinds.iter().any(|kind| kind.as_str() == event.kind);
        is_kind && (self.user.is_none() || event.user == self.user)
    }
}

/// A part of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventPage {
    /// The events, in the order of their positions.
    pub events: Vec<Event>,
    /// What to read after next; there is nothing between it and the last event that was wanted.
    pub next: LogPosition,
}

/// What a log has at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// The last position that was forgotten; 0 if none was.
    pub forgotten: LogPosition,
    /// The last position; that of [`Self::forgotten`] if the log is empty.
    pub last: LogPosition,
}

impl Extent {
    /// Whether what follows this position can still be read without a gap.
    ///
    /// A position that the log has not reached is one of another log, such as one that was restored since.
    pub fn check(self, after: LogPosition) -> Result<(), Forgotten> {
        let is_kept = self.forgotten <= after && after <= self.last;
        if is_kept { Ok(()) } else { Err(Forgotten(self)) }
    }
}

/// What follows a position can no longer be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the log has the positions after {} up to {}", .0.forgotten.0, .0.last.0)]
pub struct Forgotten(pub Extent);
