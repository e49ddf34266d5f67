//! Verifying tokens, and minting them for development.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};
use stream_domain::ports::TokenVerifier;
use stream_domain::token::TokenError;
use stream_domain::{BearerToken, Timestamp, UserId};

use crate::claims::Claims;
use crate::hs256::sign;
use crate::json::object;
use crate::{ClaimRules, SharedSecret, hs256};

/// Verifies tokens with the current secret and with others that count as well, such as the one before a rotation.
pub struct JwtVerifier {
    keys: Vec<DecodingKey>,
    user_id_claims: Vec<String>,
    rules: ClaimRules,
}

impl std::fmt::Debug for JwtVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JwtVerifier").field("user_id_claims", &self.user_id_claims).finish_non_exhaustive()
    }
}

impl JwtVerifier {
    /// A verifier that accepts tokens of the current secret and of others, such as the one before a rotation, and reads
    /// the user id from the first of `user_id_claims` that a token has.
    ///
    /// Signs and verifies once before it returns, with each secret, so that a build whose cryptography does not
    /// work never serves.
    pub fn new<'s>(
        current: &'s SharedSecret,
        others: impl IntoIterator<Item = &'s SharedSecret>,
        user_id_claims: Vec<String>,
    ) -> Result<Self, SelfTestFailed> {
        hs256::install();
        let secrets: Vec<&SharedSecret> = std::iter::once(current).chain(others).collect();
        let keys =
            secrets.iter().map(|secret| DecodingKey::from_secret(secret.expose().as_bytes())).collect();
        let verifier = Self { keys, user_id_claims, rules: ClaimRules::default() };
        for secret in secrets {
            verifier.self_test(secret)?;
        }
        Ok(verifier)
    }

    fn self_test(&self, secret: &SharedSecret) -> Result<(), SelfTestFailed> {
        let now = Timestamp::from_unix_micros(0).ok_or(SelfTestFailed)?;
        let user = UserId::new(1).map_err(|_| SelfTestFailed)?;
        let claim = self.user_id_claims.first().ok_or(SelfTestFailed)?;
        let token = sign(secret, &json!({ claim: 1, "exp": 60 })).ok_or(SelfTestFailed)?;
        let forged = BearerToken::new(format!("{}A", token.expose()));
        let right = self.verify(&token, now) == Ok(user) && self.verify(&forged, now).is_err();
        if right { Ok(()) } else { Err(SelfTestFailed) }
    }

    /// Only tokens that obey these rules are accepted from now on.
    #[must_use]
    pub fn requiring(self, rules: ClaimRules) -> Self {
        Self { rules, ..self }
    }

    /// Whether one of the secrets signed the message.
    fn is_signed(&self, signature: &str, message: &[u8]) -> Result<bool, TokenError> {
        for key in &self.keys {
            // An error is a signature that is no base64url.
            let signed = jsonwebtoken::crypto::verify(signature, message, key, Algorithm::HS256);
            if signed.map_err(|_| TokenError::Malformed)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl TokenVerifier for JwtVerifier {
    fn verify(&self, token: &BearerToken, now: Timestamp) -> Result<UserId, TokenError> {
        let (message, signature) = token.expose().rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(TokenError::Malformed)?;
        let header = object(&decoded(header)?)?;
        if header.get("alg").and_then(Value::as_str) != Some("HS256") {
            return Err(TokenError::WrongAlgorithm);
        }
        if header.contains_key("crit") {
            return Err(TokenError::UnsupportedExtension);
        }
        if !self.is_signed(signature, message.as_bytes())? {
            return Err(TokenError::WrongSignature);
        }
        let claims = Claims(object(&decoded(payload)?)?);
        claims.check_times(now)?;
        self.rules.check(&claims.0)?;
        claims.user_id(&self.user_id_claims)
    }
}

/// A part of a token; anything but base64url, a dot included, is malformed.
fn decoded(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)
}

/// A token that was just signed did not verify, or a forged one did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token self-test failed: what was just signed does not verify")]
pub struct SelfTestFailed;
