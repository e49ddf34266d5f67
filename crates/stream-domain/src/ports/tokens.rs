//! Who asks.

use crate::token::TokenError;
use crate::{BearerToken, Timestamp, UserId};

/// Turns a bearer token into the user it was issued to.
pub trait TokenVerifier: Send + Sync {
    /// Checks signature, algorithm and times at `now`, and reads the user's id.
    fn verify(&self, token: &BearerToken, now: Timestamp) -> Result<UserId, TokenError>;
}
