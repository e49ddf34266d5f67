//! Whether publishers send media, by the bytes that their server counts.

use std::collections::{HashMap, HashSet};

use time::Duration;

use crate::Timestamp;
use crate::ports::ListedPublisher;

/// How long a publisher's bytes may stand still before it counts as stalled.
///
/// SRS adds up every three seconds only.
const STALLED_AFTER: Duration = Duration::seconds(5);

/// How long they may stand still before its server is looked at more often.
const SUSPECT_AFTER: Duration = Duration::milliseconds(3_500);

/// The bytes that the publishers of one process have sent.
#[derive(Debug, Default)]
pub(super) struct Movement(HashMap<String, Move>);

#[derive(Debug, Clone, Copy)]
struct Move {
    bytes: u64,
    since: Timestamp,
}

impl Movement {
    /// Notes the bytes of each publisher, and returns those that send no media.
    pub(super) fn note(&mut self, publishers: &[ListedPublisher], asked_at: Timestamp) -> HashSet<String> {
        let mut moves = HashMap::with_capacity(publishers.len());
        for listed in publishers {
            let Some(bytes) = listed.bytes else { continue };
            let known_as = listed.known_as();
            let before = self.0.get(known_as).filter(|before| before.bytes == bytes);
            moves
                .insert(known_as.to_owned(), Move { bytes, since: before.map_or(asked_at, |one| one.since) });
        }
        self.0 = moves;
        let stalled = self.0.iter().filter(|(_, one)| one.is_stalled(asked_at));
        stalled.map(|(known_as, _)| known_as.clone()).collect()
    }

    /// Whether a publisher has stood still for so long that its server is to be looked at more often.
    pub(super) fn is_suspect(&self, looked_at: Timestamp) -> bool {
        let is_suspect =
            |one: &Move| one.since.plus(SUSPECT_AFTER) <= looked_at && !one.is_stalled(looked_at);
        self.0.values().any(is_suspect)
    }
}

impl Move {
    fn is_stalled(&self, now: Timestamp) -> bool {
        // Nothing at all has come yet, or nothing any more.
        self.bytes == 0 || self.since.plus(STALLED_AFTER) <= now
    }
}
