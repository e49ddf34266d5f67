//! How soon after others a user gets a key.
//!
//! The store counts, since all instances share it, and answers in the same step that would make the stream.

use std::num::NonZeroU32;

use time::Duration;

use crate::Timestamp;

/// The time in which [`KeyPace::per_minute`] counts.
pub const MINUTE: Duration = Duration::MINUTE;

/// How many keys a user gets, and how long a stop keeps them from the next one; the default is any number, at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KeyPace {
    /// Keys in any minute; `None` for any number.
    pub per_minute: Option<NonZeroU32>,
    /// How long there is no new key after a stop.
    pub cooldown: Duration,
}

/// What a store knows of a user's latest streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recent {
    /// When the key was made that is the `per_minute`th newest; `None` if there are fewer.
    pub limiting_key: Option<Timestamp>,
    /// When the user last stopped a stream.
    pub last_stop: Option<Timestamp>,
}

/// A user asked for a key too soon.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the user has to wait for the next key")]
pub struct TooSoon {
    /// How long, at least.
    pub wait: Duration,
    /// The keys that are allowed in a minute; `None` if the cool-down after a stop is what is in the way.
    pub per_minute: Option<NonZeroU32>,
}

impl KeyPace {
    /// Keys from this time on count at `now`.
    pub fn counted_since(self, now: Timestamp) -> Timestamp {
        now.plus(-MINUTE)
    }

    /// Stops after this time are in the way at `now`; without a cool-down none is, however clocks differ.
    pub fn cooling_since(self, now: Timestamp) -> Timestamp {
        if self.cooldown.is_positive() { now.plus(-self.cooldown) } else { Timestamp::MAX }
    }

    /// Whether a key may be made at `now`.
    pub fn check(self, recent: Recent, now: Timestamp) -> Result<(), TooSoon> {
        let left = |since: Timestamp, pause: Duration| pause - now.since(since);
        let by_number = self
            .per_minute
            .and(recent.limiting_key)
            .map(|limiting| TooSoon { wait: left(limiting, MINUTE), per_minute: self.per_minute });
        let by_stop = recent
            .last_stop
            .filter(|_| self.cooldown.is_positive())
            .map(|stop| TooSoon { wait: left(stop, self.cooldown), per_minute: None });
        let longest = [by_number, by_stop].into_iter().flatten().max_by_key(|refusal| refusal.wait);
        longest.filter(|refusal| refusal.wait.is_positive()).map_or(Ok(()), Err)
    }
}
