//! Guesses: a client that asks for keys that do not exist is refused for a while.
//!
//! A key has 256 random bits, so guesses find none; they only cost lookups.
//! A request with a good key is answered whatever its client guessed before: a media server asks for all its publishers
//! from one address, and a household shares one.

use std::net::IpAddr;

use crate::client_address::limited_as;
use crate::rate::{Exceeded, PerMinute};

/// How many unknown keys a client may ask for in a minute, on this instance.
#[derive(Debug)]
pub(crate) struct GuessLimit(PerMinute<IpAddr>);

impl GuessLimit {
    /// Allows this many in a minute; 0 means any number.
    pub(crate) fn per_minute(keys: u32) -> Self {
        Self(PerMinute::new("unknown-keys", keys))
    }

    /// Counts a key that no stream has.
    pub(crate) fn missed(&self, client: IpAddr) -> Result<(), Exceeded> {
        self.0.check(&limited_as(client))
    }

    /// Frees the memory of clients that have not guessed lately.
    pub(crate) fn forget_quiet_clients(&self) {
        self.0.forget_quiet();
    }
}

#[cfg(test)]
mod tests;
