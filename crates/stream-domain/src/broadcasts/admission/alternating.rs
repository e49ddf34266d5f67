//! Two encoders with one key that take over from each other in turn.

use time::Duration;

use super::Facts;
use crate::Timestamp;
use crate::broadcasts::session::{EndReason, Session};

/// How long takeovers and refusals are remembered that show two publishers taking over from each other in turn.
pub const ALTERNATION_WINDOW: Duration = Duration::MINUTE;

impl Facts<'_> {
    /// Whether the one that asks and the one that is live take over from each other in turn.
    ///
    /// Two encoders behind one address would do so without end, since each comes back as soon as it is ended.
    /// So the third takeover within [`ALTERNATION_WINDOW`] is refused, and the one that is live stays for as long as the
    /// other goes on asking; an encoder that comes back after its connection broke does not come that often.
    pub(super) fn are_alternating(&self, current: &Session, now: Timestamp) -> bool {
        let begin = now.plus(-ALTERNATION_WINDOW);
        let is_recent = |gave_way_at: Timestamp| gave_way_at >= begin;
        let was_recent = |gave_way_at: Timestamp| gave_way_at >= current.started_at.plus(-ALTERNATION_WINDOW);
        let goes_on_asking = self.refused_at.is_some_and(|at| at > current.started_at && at >= begin);
        self.gave_way_at.is_some_and(|at| is_recent(at) || (was_recent(at) && goes_on_asking))
    }
}

/// When the first of the two sessions before an open one gave way to the next, if both did.
pub fn gave_way_at(before: [&Session; 2]) -> Option<Timestamp> {
    let [last, first] = before.map(|session| match session.ended {
        Some((at, EndReason::Superseded)) => Some(at),
        _ => None,
    });
    last.zip(first).map(|(last, first)| last.min(first))
}
