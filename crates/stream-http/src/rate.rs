//! Rate limits by user or client, counted by this instance.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

/// What `RateLimit-Policy` calls the limits on keys, of requests and of keys.
pub(crate) const GENERATE_KEY: &str = "generate-key";

/// How many requests of a kind each of many may send in a minute; a whole minute's worth may come at once.
#[derive(Debug)]
pub(crate) struct PerMinute<Key: Hash + Eq + Clone> {
    name: &'static str,
    requests: u32,
    limiter: Option<DefaultKeyedRateLimiter<Key>>,
}

/// A limit that is exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exceeded {
    /// Which limit, as `RateLimit-Policy` names it.
    pub(crate) name: &'static str,
    /// How many requests a minute it allows.
    pub(crate) per_minute: u32,
    /// How long it takes until the next one is allowed.
    pub(crate) wait: Duration,
}

impl<Key: Hash + Eq + Clone> PerMinute<Key> {
    /// Allows this many requests; 0 means any number.
    pub(crate) fn new(name: &'static str, requests: u32) -> Self {
        let limiter =
            NonZeroU32::new(requests).map(|requests| RateLimiter::keyed(Quota::per_minute(requests)));
        Self { name, requests, limiter }
    }

    /// Counts a request.
    pub(crate) fn check(&self, key: &Key) -> Result<(), Exceeded> {
        let Some(limiter) = &self.limiter else {
            return Ok(());
        };
        limiter.check_key(key).map_err(|refusal| Exceeded {
            name: self.name,
            per_minute: self.requests,
            wait: refusal.wait_time_from(DefaultClock::default().now()),
        })
    }

    /// Drops those who sent nothing lately, so that memory does not grow with the number of those ever seen.
    pub(crate) fn forget_quiet(&self) {
        if let Some(limiter) = &self.limiter {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}
