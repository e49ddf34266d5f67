//! `ADMIN_TOKEN`: what operators show to the API.

use stream_http::AdminToken;

use crate::config::broadcasts::BroadcastConfig;
use crate::config::flags::Flags;
use crate::config::tokens::TokenConfig;
use crate::secret::Secret;
use crate::value;

/// How a token is made at a terminal.
const MAKE_ONE: &str = "make one with: openssl rand -hex 32";

/// Reads the token of operators; an error never shows it.
///
/// It is refused where it is another secret as well: who knows that one would be an operator.
pub(super) fn parse(
    flags: &Flags,
    tokens: &TokenConfig,
    broadcasts: &BroadcastConfig,
) -> Result<Option<AdminToken>, String> {
    let text = |text: &Option<String>| text.as_deref().map(value::plain).unwrap_or_default().to_owned();
    let given = text(&flags.admin_token);
    if given.is_empty() {
        return Ok(None);
    }
    let token = AdminToken::new(&given).ok_or_else(|| {
        let fewest = AdminToken::FEWEST_BYTES;
        format!("it must be at least {fewest} letters, digits and signs of ASCII, without blanks; {MAKE_ONE}")
    })?;
    let signing = tokens.secret.peek().ok().flatten();
    let is_of = |secret: &Option<Secret>| {
        let mut readings = secret.iter().flat_map(Secret::readings);
        readings.any(|reading| reading.expose() == token.expose())
    };
    let mut hooks = broadcasts.media_servers.iter().flat_map(|server| &server.secrets);
    let other = if is_of(&signing) {
        Some("SECRET_KEY")
    } else if is_of(&tokens.previous) {
        Some("SECRET_KEY_PREVIOUS")
    } else if hooks.any(|secret| secret == token.expose()) {
        Some("a secret of MEDIA_SERVERS")
    } else if text(&flags.webhook_secret) == token.expose() {
        Some("WEBHOOK_SECRET")
    } else {
        None
    };
    match other {
        Some(other) => Err(format!("it is {other} as well, which others know; {MAKE_ONE}")),
        None => Ok(Some(token)),
    }
}
