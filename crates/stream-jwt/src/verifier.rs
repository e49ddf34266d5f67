//! Verifying tokens, and minting them for development.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde_json::{Map, Value, json};
use stream_domain::ports::TokenVerifier;
use stream_domain::token::TokenError;
use stream_domain::{BearerToken, Timestamp, UserId};
use time::Duration;

use crate::claims::Claims;
use crate::{SharedSecret, hs256};

/// Verifies tokens with the current secret and, while it is being rotated, with the previous one.
pub struct JwtVerifier {
    keys: Vec<DecodingKey>,
    user_id_claims: Vec<String>,
    validation: Validation,
}

impl std::fmt::Debug for JwtVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JwtVerifier").field("user_id_claims", &self.user_id_claims).finish_non_exhaustive()
    }
}

impl JwtVerifier {
    /// A verifier that reads the user id from the first of `user_id_claims` that a token has.
    ///
    /// Signs and verifies once before it returns, with each secret, so that a build whose cryptography does not
    /// work never serves.
    pub fn new(
        current: &SharedSecret,
        previous: Option<&SharedSecret>,
        user_id_claims: Vec<String>,
    ) -> Result<Self, SelfTestFailed> {
        hs256::install();
        let secrets = || std::iter::once(current).chain(previous);
        let keys = secrets().map(|secret| DecodingKey::from_secret(secret.expose().as_bytes())).collect();
        let mut validation = Validation::new(Algorithm::HS256);
        // Times are checked by `Claims` against the domain's clock; the audience means nothing here.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        let verifier = Self { keys, user_id_claims, validation };
        for secret in secrets() {
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

    fn decode(&self, token: &BearerToken) -> Result<Claims, TokenError> {
        let mut refusal = TokenError::Malformed;
        for key in &self.keys {
            match jsonwebtoken::decode(token.expose(), key, &self.validation) {
                Ok(data) => return Ok(data.claims),
                Err(error) => refusal = why_refused(error.kind()),
            }
            if refusal != TokenError::WrongSignature {
                break;
            }
        }
        Err(refusal)
    }
}

impl TokenVerifier for JwtVerifier {
    fn verify(&self, token: &BearerToken, now: Timestamp) -> Result<UserId, TokenError> {
        let header = header_of(token).ok_or(TokenError::Malformed)?;
        if header.get("alg").and_then(Value::as_str) != Some("HS256") {
            return Err(TokenError::WrongAlgorithm);
        }
        if header.contains_key("crit") {
            return Err(TokenError::UnsupportedExtension);
        }
        let claims = self.decode(token)?;
        claims.check_times(now)?;
        claims.user_id(&self.user_id_claims)
    }
}

/// The header as it stands in the token; `jsonwebtoken` reads a `crit` of `null` as none.
fn header_of(token: &BearerToken) -> Option<Map<String, Value>> {
    let (header, _) = token.expose().split_once('.')?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()
}

fn why_refused(kind: &ErrorKind) -> TokenError {
    match kind {
        ErrorKind::InvalidSignature => TokenError::WrongSignature,
        ErrorKind::InvalidAlgorithm | ErrorKind::MissingAlgorithm => TokenError::WrongAlgorithm,
        _ => TokenError::Malformed,
    }
}

/// Makes a token as the user-service would, for development and tests; `None` if signing fails.
pub fn mint(secret: &SharedSecret, user: UserId, now: Timestamp, lifetime: Duration) -> Option<BearerToken> {
    hs256::install();
    let expires_at = now.plus(lifetime).unix_seconds();
    sign(secret, &json!({ "id": user.get(), "email": format!("user{user}@example.org"), "exp": expires_at }))
}

fn sign(secret: &SharedSecret, claims: &Value) -> Option<BearerToken> {
    let key = EncodingKey::from_secret(secret.expose().as_bytes());
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), claims, &key).ok().map(BearerToken::new)
}

/// A token that was just signed did not verify, or a forged one did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token self-test failed: what was just signed does not verify")]
pub struct SelfTestFailed;
