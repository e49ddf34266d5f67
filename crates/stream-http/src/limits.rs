//! The limits on what users and clients may ask for, each counted by this instance.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::HttpRequest;

use crate::client_address::{TrustedProxies, is_of_the_internet, limited_as};
use crate::error::ApiError;
use crate::guesses::GuessLimit;
use crate::keys::GenerateKeyLimit;
use crate::rate::{Exceeded, PerMinute};

/// Every limit.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How often a user may request a key.
    pub(crate) generate_key: Arc<GenerateKeyLimit>,
    /// How many unknown keys a client may ask for, and how many refused hooks it may send.
    pub(crate) guesses: Arc<GuessLimit>,
    /// How often a client may read what is public.
    pub(crate) public_reads: Arc<PublicReadLimit>,
}

impl Limits {
    /// Limits of so many a minute, each; 0 means any number.
    pub fn per_minute(key_requests: u32, guesses: u32, public_reads: u32) -> Self {
        Self {
            generate_key: Arc::new(GenerateKeyLimit::per_minute(key_requests)),
            guesses: Arc::new(GuessLimit::per_minute(guesses)),
            public_reads: Arc::new(PublicReadLimit(PerMinute::new("public-reads", public_reads))),
        }
    }

    /// Drops who sent nothing lately, so that memory does not grow with the number of those ever seen.
    pub fn forget_quiet(&self) {
        self.generate_key.forget_quiet_users();
        self.guesses.forget_quiet_clients();
        self.public_reads.0.forget_quiet();
    }
}

/// Counts the reads of what is public, each for the client that its request comes from.
#[derive(Debug, Clone)]
pub(crate) struct PublicReads {
    pub(crate) limit: Arc<PublicReadLimit>,
    pub(crate) proxies: TrustedProxies,
}

impl PublicReads {
    /// Counts a read; refuses one too many.
    pub(crate) fn count(&self, request: &HttpRequest) -> Result<(), ApiError> {
        let counted = self.limit.check(self.proxies.client_of(request));
        counted.map_err(|exceeded| ApiError::too_many_reads(&exceeded))
    }
}

/// How often a client of the internet may read the public lists and streams in a minute.
///
/// An address of a private network is not limited: it is the platform's own, or that of a proxy which is not among the
/// trusted ones and stands for all its clients.
#[derive(Debug)]
pub(crate) struct PublicReadLimit(PerMinute<IpAddr>);

impl PublicReadLimit {
    /// Counts a read.
    pub(crate) fn check(&self, client: Option<IpAddr>) -> Result<(), Exceeded> {
        match client.filter(|client| is_of_the_internet(*client)) {
            Some(client) => self.0.check(&limited_as(client)),
            None => Ok(()),
        }
    }
}
