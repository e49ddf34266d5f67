//! Bearer tokens as the user-service issues them: JSON Web Tokens, HS256, with a shared secret.
//!
//! HS256 is the only algorithm compiled in (`hs256.rs`), so no token can ask for another one.
//! `exp` is required and `nbf` honoured, both against the domain's clock with [`LEEWAY_SECONDS`] of grace; a
//! header with `crit`, and a header or claim that stands twice, are refused.
//! Audience, issuer and other claims are checked by [`ClaimRules`]; what nobody asked for may be of any shape.

mod claims;
mod hs256;
mod json;
mod rules;
mod secret;
mod verifier;

#[cfg(test)]
mod tests;

pub use claims::LEEWAY_SECONDS;
pub use rules::ClaimRules;
pub use secret::{EmptySecret, SharedSecret};
pub use verifier::{JwtVerifier, SelfTestFailed};
