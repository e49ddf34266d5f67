//! A rate limit: how often a user may request a key.

use stream_domain::UserId;

use crate::rate::{Exceeded, GENERATE_KEY, PerMinute};

/// A limit on key requests per user and minute, on this instance; a whole minute's worth may come at once.
#[derive(Debug)]
pub(crate) struct GenerateKeyLimit(PerMinute<UserId>);

impl GenerateKeyLimit {
    /// Allows this many requests per user and minute; 0 means any number.
    pub(crate) fn per_minute(requests: u32) -> Self {
        Self(PerMinute::new(GENERATE_KEY, requests))
    }

    /// Counts a request.
    pub(crate) fn check(&self, user: UserId) -> Result<(), Exceeded> {
        self.0.check(&user)
    }

    /// Drops the users without recent requests, so that memory does not grow with the number of users ever seen.
    pub(crate) fn forget_quiet_users(&self) {
        self.0.forget_quiet();
    }
}
