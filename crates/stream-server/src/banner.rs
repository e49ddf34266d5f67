//! What a person is told at start: where the service is, which store it uses, and how to try it.

use std::io::Write as _;
use std::net::SocketAddr;

use stream_domain::UserId;
use stream_domain::admission::AddressForm;
use stream_domain::ports::Clock as _;
use stream_jwt::SharedSecret;

use crate::config::{DbUrl, Settings};
use crate::secret::Origin;
use crate::system::SystemClock;

/// Warns of a secret that can be guessed, and says which secrets count.
pub(crate) fn warn_of_secrets(settings: &Settings, secret: &SharedSecret, origin: &Origin) {
    if secret.is_short() {
        tracing::warn!(
            "SECRET_KEY is shorter than {} bytes and can be guessed: anybody who does can sign in as anybody. \
             Choose a longer one, in the user-service as well",
            SharedSecret::RECOMMENDED_BYTES
        );
    }
    if settings.secret_key_previous.as_deref().is_some_and(|text| !text.is_empty()) {
        tracing::info!(
            "tokens signed with SECRET_KEY_PREVIOUS are accepted too; unset it once they have expired"
        );
    }
    if let Origin::File(path) = origin {
        tracing::info!(file = %path.display(), "SECRET_KEY is not set; using the one that was made for this installation");
    }
}

/// Warns of addresses that show every viewer the key.
pub(crate) fn warn_of_addresses(settings: &Settings) {
    if settings.addresses == AddressForm::Key {
        tracing::warn!(
            "ADDRESSES is key: the stream key is part of the address that viewers watch, so any of them could publish \
             with it. ADDRESSES=playback keeps it secret; docs/media-servers says how"
        );
    }
}

/// Tells a person where the service is, and how to try it.
pub(crate) fn announce(settings: &Settings, address: SocketAddr, secret: &SharedSecret, origin: &Origin) {
    let mut text = format!("stream-service {} listens on http://{address}\n", env!("CARGO_PKG_VERSION"));
    match settings.database() {
        Ok(DbUrl::Sqlite(path)) => {
            text.push_str(&format!("Streams are kept in the SQLite file {}.\n", path.display()));
        }
        _ => text.push_str("Streams are kept in PostgreSQL.\n"),
    }
    // A secret that was given may be a platform's; only one that was made here signs a token for everybody to see.
    if let Origin::File(path) = origin {
        text.push_str(&format!("Tokens are signed with the secret in {}.\n", path.display()));
        if let Some(line) = try_it(settings, address, secret) {
            text.push_str(&format!("\nTry it, as user 1, within the hour:\n\n  {line}\n\n"));
        }
    }
    // A closed standard output is no reason not to serve.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

fn try_it(settings: &Settings, address: SocketAddr, secret: &SharedSecret) -> Option<String> {
    let user = UserId::new(1).ok()?;
    let token = settings.claim_rules().mint(secret, user, SystemClock.now(), time::Duration::HOUR)?;
    let host = match address.ip().is_unspecified() {
        true => format!("localhost:{}", address.port()),
        false => address.to_string(),
    };
    Some(format!(
        "curl -X POST http://{host}/api/streams/generate-key -H 'Authorization: Bearer {}'",
        token.expose()
    ))
}
