//! The boots of a media server: a new one ends what was live before, and an earlier one is not taken for new.
//!
//! A heartbeat may arrive late, and two servers may be set up under one name by mistake.
//! Both look the same at first: a boot is heard after another one came.
//! They are distinguished by time: what is heard of an earlier boot within [`LATE_WITHIN`] of the newer one's first sign is
//! late, and what is heard of it after that shows that both run.
//! A boot no longer ends sessions of a name that is **shared** so; each session then lives by its own lease.

use time::Duration;

use crate::Timestamp;

/// How long after a boot's first sign those of earlier boots are late ones.
pub const LATE_WITHIN: Duration = Duration::seconds(30);

/// How long a name counts as shared after the earlier of two boots was last heard.
pub const SHARED_FOR: Duration = Duration::HOUR;

/// A boot of a media server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Boot {
    /// The id that the server gave it.
    pub id: String,
    /// When it was first heard; of two boots, the later one is newer.
    pub first_seen_at: Timestamp,
    /// When it was last heard.
    pub last_seen_at: Timestamp,
}

/// The boots of one media server.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Boots(pub Vec<Boot>);

/// What a sign of life of a boot means for the sessions of its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BootSign {
    /// Sessions of other boots end, all others are renewed.
    Current,
    /// The sign is late: nothing changes.
    Late,
    /// Another boot is running under the same name: sessions of this boot are renewed, and none ends.
    Shared {
        /// Whether this sign was the first to show it.
        is_news: bool,
    },
}

impl Boots {
    /// Notes a sign of life at `now`, and says what it means.
    pub fn note(&mut self, id: &str, now: Timestamp) -> BootSign {
        let was_shared = self.is_shared_at(now);
        match self.0.iter_mut().find(|boot| boot.id == id) {
            Some(known) => known.last_seen_at = known.last_seen_at.max(now),
            None => {
                // Later than all others, even where the clock was set back.
                let newest = self.0.iter().map(|boot| boot.first_seen_at).max();
                let after_all = newest.map_or(now, |newest| newest.plus(Duration::MICROSECOND).max(now));
                self.0.push(Boot { id: id.to_owned(), first_seen_at: after_all, last_seen_at: now });
            }
        }
        if self.is_shared_at(now) {
            return BootSign::Shared { is_news: !was_shared };
        }
        let newest = self.0.iter().max_by_key(|boot| boot.first_seen_at);
        if newest.is_some_and(|newest| newest.id == id) { BootSign::Current } else { BootSign::Late }
    }

    /// Whether an earlier boot was heard well after a newer one came, and not long ago.
    fn is_shared_at(&self, now: Timestamp) -> bool {
        let outlived = |boot: &Boot| {
            let newer = |other: &&Boot| other.first_seen_at > boot.first_seen_at;
            let mut newer = self.0.iter().filter(newer);
            newer.any(|newer| boot.last_seen_at >= newer.first_seen_at.plus(LATE_WITHIN))
        };
        self.0.iter().any(|boot| boot.last_seen_at > now.plus(-SHARED_FOR) && outlived(boot))
    }
}
