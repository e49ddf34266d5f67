//! Who asks: the use case of tokens.

use std::fmt;
use std::sync::Arc;

use crate::UserId;
use crate::ports::{Clock, TokenVerifier};
use crate::token::{BearerToken, TokenError};

/// Tells users by their tokens; asks no store.
#[derive(Clone)]
pub struct Authenticator {
    tokens: Arc<dyn TokenVerifier>,
    clock: Arc<dyn Clock>,
}

impl fmt::Debug for Authenticator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authenticator").finish_non_exhaustive()
    }
}

impl Authenticator {
    /// Wires the use case to its ports.
    pub fn new(tokens: Arc<dyn TokenVerifier>, clock: Arc<dyn Clock>) -> Self {
        Self { tokens, clock }
    }

    /// The user to whom this token was issued.
    pub fn authenticate(&self, token: &BearerToken) -> Result<UserId, TokenError> {
        self.tokens.verify(token, self.clock.now())
    }
}
