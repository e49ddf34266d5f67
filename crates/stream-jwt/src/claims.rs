//! What a verified token says, and whether it counts now.

use serde_json::{Map, Value};
use stream_domain::token::TokenError;
use stream_domain::{Timestamp, UserId};

/// How far the clocks of the user-service and of this service may differ, in seconds.
pub const LEEWAY_SECONDS: f64 = 5.0;

/// The claims of a token whose signature is right.
pub(crate) struct Claims(pub(crate) Map<String, Value>);

impl Claims {
    /// Refuses a token without `exp`, one that has expired, and one whose `nbf` lies ahead.
    pub(crate) fn check_times(&self, now: Timestamp) -> Result<(), TokenError> {
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact in 53 bits")]
        let now = now.unix_seconds() as f64;
        let expires_at = match self.0.get("exp") {
            Some(Value::Array(_) | Value::Object(_)) => return Err(TokenError::Malformed),
            other => other.and_then(Value::as_f64).ok_or(TokenError::NoExpiry)?,
        };
        if now >= expires_at + LEEWAY_SECONDS {
            return Err(TokenError::Expired);
        }
        let Some(not_before) = self.0.get("nbf") else {
            return Ok(());
        };
        let not_before = not_before.as_f64().ok_or(TokenError::Malformed)?;
        if now < not_before - LEEWAY_SECONDS {
            return Err(TokenError::NotYetValid);
        }
        Ok(())
    }

    /// The user id in the first of these claims that is present: an integer, or its decimal string.
    ///
    /// A claim that is present and no id is an error; the next one is not tried.
    pub(crate) fn user_id(&self, claim_names: &[String]) -> Result<UserId, TokenError> {
        let value = claim_names.iter().find_map(|name| self.0.get(name)).ok_or(TokenError::NoUserId)?;
        let id = match value {
            Value::Number(number) => number.as_i64().and_then(|number| UserId::new(number).ok()),
            Value::String(text) => UserId::parse(text).ok(),
            _ => None,
        };
        id.ok_or(TokenError::NoUserId)
    }
}
