//! Development sessions: tokens signed with the secret that was made for this installation.

use stream_domain::UserId;
use stream_domain::ports::Clock as _;
use stream_http::{DevelopmentTokens, IssuedToken};
use stream_jwt::{ClaimRules, SharedSecret};
use time::Duration;

use crate::config::TokenConfig;
use crate::secret::{Secret, SecretSource};
use crate::system::SystemClock;

/// How long a session lasts: a working day.
const LIFETIME: Duration = Duration::hours(12);

/// Whose session it is.
const USER: i64 = 1;

/// Makes tokens of one user.
#[derive(Debug)]
struct InstallationTokens {
    rules: ClaimRules,
    secret: SharedSecret,
}

impl DevelopmentTokens for InstallationTokens {
    fn issue(&self) -> Option<IssuedToken> {
        let (user, now) = (UserId::new(USER).ok()?, SystemClock.now());
        let token = self.rules.mint(&self.secret, user, now, LIFETIME)?;
        Some(IssuedToken { token, user, expires_at: now.plus(LIFETIME) })
    }
}

/// What makes them; `None` where the secret was given, which may be a platform's.
pub(crate) fn development_tokens(
    tokens: &TokenConfig,
    secret: &Secret,
) -> Option<Box<dyn DevelopmentTokens>> {
    match tokens.secret {
        SecretSource::File(_) => {
            let (rules, secret) = (tokens.rules.clone(), secret.main().clone());
            Some(Box::new(InstallationTokens { rules, secret }))
        }
        _ => None,
    }
}
