//! A rate limit: how often a user may request a key.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use stream_domain::UserId;

/// A limit on key requests per user and minute, on this instance; a whole minute's worth may come at once.
#[derive(Debug)]
pub struct GenerateKeyLimit(Option<DefaultKeyedRateLimiter<UserId>>);

impl GenerateKeyLimit {
    /// Allows this many requests per user and minute; 0 means any number.
    pub fn per_minute(requests: u32) -> Self {
        Self(NonZeroU32::new(requests).map(|requests| RateLimiter::keyed(Quota::per_minute(requests))))
    }

    /// Counts a request; the error is the time to wait.
    pub(crate) fn check(&self, user: UserId) -> Result<(), Duration> {
        let Some(limiter) = &self.0 else {
            return Ok(());
        };
        limiter.check_key(&user).map_err(|refusal| refusal.wait_time_from(DefaultClock::default().now()))
    }

    /// Drops the users without recent requests, so that memory does not grow with the number of users ever seen.
    pub fn forget_quiet_users(&self) {
        if let Some(limiter) = &self.0 {
            limiter.retain_recent();
        }
    }
}
