//! Bearer tokens: what a signed-in user shows, and why one may be refused.

use std::fmt;

/// A bearer token as a client sent it.
///
/// Anybody who has it acts as its user, so it has no `Display`, and its `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct BearerToken(String);

impl BearerToken {
    /// Takes the token's text; whether it is any good is for the verifier to say.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The token itself, for verification; never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(redacted)")
    }
}

/// Why a token is refused; says nothing of the token's contents.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no JSON Web Token.
    #[error("the token is malformed")]
    Malformed,
    /// A header or a claim stands in it twice, so that readers may disagree on what it says.
    #[error("the token names a header or a claim twice")]
    NamedTwice,
    /// It names another algorithm than HS256, none included.
    #[error("the token is not signed with HS256")]
    WrongAlgorithm,
    /// Its header demands extensions (`crit`) that this service does not have.
    #[error("the token demands extensions that are not supported")]
    UnsupportedExtension,
    /// It was signed with another secret, or changed since.
    #[error("the token's signature is wrong")]
    WrongSignature,
    /// It carries no `exp`.
    #[error("the token has no expiry")]
    NoExpiry,
    /// Its `exp` has passed.
    #[error("the token has expired")]
    Expired,
    /// Its `nbf` lies ahead.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// Its audience or issuer is another service.
    #[error("the token is meant for another audience (its claim `aud`)")]
    ForeignAudience,
    /// It names no audience or issuer, and the settings require this service's.
    #[error("the token names no audience (the claim `aud`)")]
    NoAudience,
    /// Its issuer is none of those in the settings, or it names none.
    #[error("the token is not from the issuer that is wanted here (the claim `iss`)")]
    WrongIssuer,
    /// It lacks a claim that the settings want, or has it with another value.
    #[error("the token is not of the kind that is wanted here (the claim `{0}`)")]
    WrongClaim(String),
    /// It names no user, or none in the range of the platform's ids.
    #[error("the token names no valid user id")]
    NoUserId,
}
