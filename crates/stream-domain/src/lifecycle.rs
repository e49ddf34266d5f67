//! The rules of a stream's life, stated once.
//!
//! - A key lives for the installation's [`KeyLifetime`], 24 hours unless it is set; its end is fixed when it is made.
//! - A key is publishable while its stream is active and `now < expires_at`, to the microsecond.
//! - A user has **at most one active stream**. No look at the data can ensure that, since somebody else may
//!   act between look and write; so the store enforces it by the unique index `streams_one_active_per_user`,
//!   and the laws in `testing::laws` prove it for every store, with races.
//! - A stream that has expired and was not yet swept counts as expired everywhere: it is not publishable, not
//!   listed as live, and never keeps its user from a new key.

use std::ops::RangeInclusive;

use time::Duration;

/// How long a key lives unless the installation says otherwise, and what a row of another writer without an expiry gets.
pub const LIFETIME: Duration = KeyLifetime::DEFAULT.duration();

/// How long the keys of this installation live: a whole number of hours, from one hour to a year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyLifetime {
    hours: u16,
}

impl KeyLifetime {
    /// The hours that are allowed.
    pub const HOURS: RangeInclusive<u16> = 1..=8760;

    /// What the contract with the earlier service's clients says: 24 hours.
    pub const DEFAULT: Self = Self { hours: 24 };

    /// A lifetime of so many hours; `None` outside [`KeyLifetime::HOURS`].
    pub fn from_hours(hours: u16) -> Option<Self> {
        Self::HOURS.contains(&hours).then_some(Self { hours })
    }

    /// The same in hours.
    pub const fn hours(self) -> u16 {
        self.hours
    }

    /// The same as a length of time.
    pub const fn duration(self) -> Duration {
        Duration::hours(self.hours as i64)
    }
}

impl Default for KeyLifetime {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPublishable {
    /// Its owner stopped it.
    #[error("the stream was stopped")]
    Stopped,
    /// Its life ran out.
    #[error("the stream has expired")]
    Expired,
}
