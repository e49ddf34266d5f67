//! Tokens that can be read with the naked eye.

use crate::ports::{Clock as _, TokenVerifier};
use crate::token::TokenError;
use crate::{BearerToken, Timestamp, UserId};

/// A [`TokenVerifier`] for tests.
///
/// `user-7` is user 7's token, `brief-7` is another that is valid until a minute after the beginning of a
/// [`ManualClock`](super::ManualClock), `expired` has expired, all else is malformed.
#[derive(Debug, Default)]
pub struct FakeTokens;

impl TokenVerifier for FakeTokens {
    fn verify(&self, token: &BearerToken, now: Timestamp) -> Result<UserId, TokenError> {
        if let Some(id) = token.expose().strip_prefix("brief-") {
            let until = super::ManualClock::default().now().plus(time::Duration::MINUTE);
            let user = UserId::parse(id).map_err(|_| TokenError::NoUserId);
            return if now < until { user } else { Err(TokenError::Expired) };
        }
        match token.expose().strip_prefix("user-") {
            Some(id) => UserId::parse(id).map_err(|_| TokenError::NoUserId),
            None if token.expose() == "expired" => Err(TokenError::Expired),
            None => Err(TokenError::Malformed),
        }
    }
}
