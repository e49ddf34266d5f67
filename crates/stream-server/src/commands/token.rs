//! `token`: a token for development.

use stream_domain::UserId;
use stream_domain::ports::Clock as _;

use crate::commands::output::print;
use crate::config::TokenConfig;
use crate::failure::Failure;
use crate::system::{OsEntropy, SystemClock};

/// Prints a token of this user that is valid for so long.
pub(super) fn token(tokens: &TokenConfig, user: i64, lifetime: time::Duration) -> Result<(), Failure> {
    let user = UserId::new(user).map_err(|error| Failure::new(format!("--user: {error}")))?;
    let secret = tokens.secret.read(&OsEntropy)?;
    let token = tokens.rules.mint(secret.main(), user, SystemClock.now(), lifetime);
    let token = token.ok_or_else(|| Failure::new("the token could not be signed"))?;
    print(token.expose())
}
