//! Tokens that can be read with the naked eye.

use crate::ports::TokenVerifier;
use crate::token::TokenError;
use crate::{BearerToken, Timestamp, UserId};

/// A [`TokenVerifier`] for tests: `user-7` is user 7's token, `expired` has expired, all else is malformed.
#[derive(Debug, Default)]
pub struct FakeTokens;

impl TokenVerifier for FakeTokens {
    fn verify(&self, token: &BearerToken, _now: Timestamp) -> Result<UserId, TokenError> {
        match token.expose().strip_prefix("user-") {
            Some(id) => UserId::parse(id).map_err(|_| TokenError::NoUserId),
            None if token.expose() == "expired" => Err(TokenError::Expired),
            None => Err(TokenError::Malformed),
        }
    }
}
