//! Guesses: a client that asks for keys that do not exist, or sends hooks or operators' requests with wrong secrets, is
//! refused for a while.
//!
//! A key has 256 random bits, so guesses find none; they only cost lookups.
//! A request with a good key, and a hook with the right secret, is answered whatever its client guessed before: a media
//! server asks for all its publishers from one address, and a household shares one.
//! The token of operators may be one that a person chose, so after too many guesses even the right one has to wait.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stream_domain::Timestamp;

use crate::client_address::limited_as;
use crate::rate::{Exceeded, PerMinute};

/// How many unknown keys a client may ask for in a minute, how many refused hooks it may send, and how many wrong tokens of
/// operators, on this instance.
///
/// They are counted apart: a media server with a wrong secret takes no guesses from viewers behind the same address.
#[derive(Debug)]
pub(crate) struct GuessLimit {
    unknown_keys: PerMinute<IpAddr>,
    refused_hooks: PerMinute<IpAddr>,
    admin_tokens: PerMinute<IpAddr>,
    /// Until when no token of operators is looked at from an address, and which limit it has exceeded.
    pauses: Mutex<HashMap<IpAddr, (Timestamp, Exceeded)>>,
}

impl GuessLimit {
    /// Allows this many of each in a minute; 0 means any number.
    pub(crate) fn per_minute(guesses: u32) -> Self {
        Self {
            unknown_keys: PerMinute::new("unknown-keys", guesses),
            refused_hooks: PerMinute::new("refused-hooks", guesses),
            admin_tokens: PerMinute::new("admin-tokens", guesses),
            pauses: Mutex::default(),
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

    /// Counts a wrong token of operators; one too many begins a pause for its address.
    pub(crate) fn wrong_admin_token(&self, client: IpAddr, now: Timestamp) -> Result<(), Exceeded> {
        let client = limited_as(client);
        self.admin_tokens.check(&client).inspect_err(|exceeded| {
            let mut pauses = self.pauses();
            pauses.retain(|_, (until, _)| *until > now);
            let wait = time::Duration::try_from(exceeded.wait).unwrap_or(time::Duration::MINUTE);
            pauses.insert(client, (now.plus(wait), *exceeded));
        })
    }

    /// Refuses a token of operators, right or wrong, while its address pauses.
    pub(crate) fn check_pause(&self, client: IpAddr, now: Timestamp) -> Result<(), Exceeded> {
        match self.pauses().get(&limited_as(client)) {
            Some((until, exceeded)) => {
                let wait = Duration::try_from(until.since(now)).unwrap_or_default();
                // A clock that was set back makes no pause longer.
                let is_over = wait.is_zero() || wait > exceeded.wait;
                if is_over { Ok(()) } else { Err(Exceeded { wait, ..*exceeded }) }
            }
            None => Ok(()),
        }
    }

    fn pauses(&self) -> MutexGuard<'_, HashMap<IpAddr, (Timestamp, Exceeded)>> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Frees the memory of clients that have not guessed lately.
    pub(crate) fn forget_quiet_clients(&self) {
        self.unknown_keys.forget_quiet();
        self.refused_hooks.forget_quiet();
        self.admin_tokens.forget_quiet();
    }
}

#[cfg(test)]
mod tests;
