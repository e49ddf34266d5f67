//! Guesses: a client that asks for keys that do not exist, or sends hooks with wrong secrets, is refused for a while.
//!
//! A key has 256 random bits, so guesses find none; they only cost lookups.
//! A request with a good key, and a hook with the right secret, is answered whatever its client guessed before: a media
//! server asks for all its publishers from one address, and a household shares one.

use std::net::IpAddr;

use crate::client_address::limited_as;
use crate::rate::{Exceeded, PerMinute};

/// How many unknown keys a client may ask for in a minute, and how many refused hooks it may send, on this instance.
///
/// The two are counted apart: a media server with a wrong secret takes no guesses from viewers behind the same address.
#[derive(Debug)]
pub(crate) struct GuessLimit {
    unknown_keys: PerMinute<IpAddr>,
    refused_hooks: PerMinute<IpAddr>,
}

impl GuessLimit {
    /// Allows this many of each in a minute; 0 means any number.
    pub(crate) fn per_minute(guesses: u32) -> Self {
        Self {
            unknown_keys: PerMinute::new("unknown-keys", guesses),
            refused_hooks: PerMinute::new("refused-hooks", guesses),
        }
    }

    /// Counts a key that no stream has.
    pub(crate) fn missed(&self, client: IpAddr) -> Result<(), Exceeded> {
        self.unknown_keys.check(&limited_as(client))
    }

    /// Counts a hook that does not prove that it comes from its media server.
    pub(crate) fn refused_hook(&self, client: IpAddr) -> Result<(), Exceeded> {
        self.refused_hooks.check(&limited_as(client))
    }

    /// Frees the memory of clients that have not guessed lately.
    pub(crate) fn forget_quiet_clients(&self) {
        self.unknown_keys.forget_quiet();
        self.refused_hooks.forget_quiet();
    }
}

#[cfg(test)]
mod tests;
