//! What a token must say besides whose it is, by the operator's settings.
//!
//! A platform may sign tokens of several kinds with one secret: to sign in, to refresh, to reset a password.
//! These rules tell which of them open a door here (RFC 8725, sections 3.8 to 3.12).

use serde_json::{Map, Value, json};
use stream_domain::token::TokenError;
use stream_domain::{BearerToken, Timestamp, UserId};
use time::Duration;

use crate::SharedSecret;
use crate::hs256::sign;

/// The audience, the issuer, and other claims that a token must have; none by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimRules {
    /// The names of this service: a token must be meant for one of them.
    ///
    /// Without any, a token that is meant for somebody is meant for somebody else (RFC 7519, section 4.1.3).
    pub audiences: Vec<String>,
    /// Who may issue tokens; without any, everybody who has the secret.
    pub issuers: Vec<String>,
    /// Claims and the value that each must have, or have among others.
    pub required: Vec<(String, String)>,
}

impl ClaimRules {
    /// Refuses a token that is not meant for this service, or is not of the kind that opens it.
    pub(crate) fn check(&self, claims: &Map<String, Value>) -> Result<(), TokenError> {
        self.check_audience(claims.get("aud"))?;
        if !self.issuers.is_empty() {
            let issuer = claims.get("iss").and_then(Value::as_str);
            if !issuer.is_some_and(|issuer| self.issuers.iter().any(|known| known == issuer)) {
                return Err(TokenError::WrongIssuer);
            }
        }
        for (name, value) in &self.required {
            if !claims.get(name).is_some_and(|claim| has(name, claim, value)) {
                return Err(TokenError::WrongClaim(name.clone()));
            }
        }
        Ok(())
    }

    /// `aud` is one name or a list of names.
    fn check_audience(&self, audience: Option<&Value>) -> Result<(), TokenError> {
        let is_ours =
            |name: &Value| name.as_str().is_some_and(|name| self.audiences.iter().any(|own| own == name));
        match audience {
            None | Some(Value::Null) if self.audiences.is_empty() => Ok(()),
            None | Some(Value::Null) => Err(TokenError::NoAudience),
            Some(Value::Array(names)) if names.iter().any(is_ours) => Ok(()),
            Some(name) if is_ours(name) => Ok(()),
            Some(_) => Err(TokenError::ForeignAudience),
        }
    }

    /// Makes a token that obeys them, as the user-service would, for development and tests; `None` if signing fails.
    pub fn mint(
        &self,
        secret: &SharedSecret,
        user: UserId,
        now: Timestamp,
        lifetime: Duration,
    ) -> Option<BearerToken> {
        let expires_at = now.plus(lifetime).unix_seconds();
        let mut claims =
            json!({ "id": user.get(), "email": format!("user{user}@example.org"), "exp": expires_at });
        let given = self.required.iter().map(|(name, value)| (name.as_str(), value));
        let audience = self.audiences.first().map(|name| ("aud", name));
        for (name, value) in given.chain(audience).chain(self.issuers.first().map(|name| ("iss", name))) {
            claims[name] = json!(value);
        }
        sign(secret, &claims)
    }
}

/// Whether a claim has this value: by itself, in a list, or, as a scope (RFC 8693, section 4.2), among words.
fn has(name: &str, claim: &Value, wanted: &str) -> bool {
    match claim {
        Value::String(text) if matches!(name, "scope" | "scp") => text.split(' ').any(|word| word == wanted),
        Value::String(text) => text == wanted,
        Value::Array(items) => items.iter().any(|item| item.as_str() == Some(wanted)),
        Value::Bool(_) | Value::Number(_) => claim.to_string().as_str() == wanted,
        Value::Null | Value::Object(_) => false,
    }
}
