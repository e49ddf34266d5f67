//! The media servers that may send hooks, and their secrets.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::KeyInit as _;
use hmac::{Hmac, Mac as _};
use sha1::Sha1;
use stream_domain::{Family, ServerName};
use subtle::ConstantTimeEq as _;

/// A media server that may send hooks.
#[derive(Debug, Clone)]
pub struct HookServer {
    /// Its family.
    pub family: Family,
    /// Its secrets: several while one is being replaced by the next, none if it is trusted by its network.
    pub secrets: HookSecrets,
    /// The virtual host that streams are published to, where the server has virtual hosts.
    pub host: Option<String>,
}

/// The media servers that the settings name.
pub type HookServers = BTreeMap<ServerName, HookServer>;

/// The secrets of one media server; each of them is valid, so that one can be replaced by the next.
#[derive(Clone, Default)]
pub struct HookSecrets(Vec<String>);

impl HookSecrets {
    /// Takes the secrets.
    pub fn new(secrets: Vec<String>) -> Self {
        Self(secrets)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first of the secrets, which the settings name first.
    pub(super) fn first(&self) -> Option<&str> {
        self.0.first().map(String::as_str)
    }

    /// Whether this is one of the secrets.
    pub(super) fn contains(&self, text: &str) -> bool {
        // All are compared, so that the time does not reveal which one it is.
        let equal = self.0.iter().map(|secret| secret.as_bytes().ct_eq(text.as_bytes()));
        equal.fold(0_u8, |any, equal| any | equal.unwrap_u8()) == 1
    }

    /// Whether `signature` is that of `body` with one of the secrets: base64url of an HMAC with SHA-1.
    pub(super) fn verify_signature(&self, body: &[u8], signature: &str) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(signature.trim_end_matches('=')) else {
            return false;
        };
        self.0.iter().any(|secret| {
            let mac = Hmac::<Sha1>::new_from_slice(secret.as_bytes()).ok();
            mac.is_some_and(|mac| mac.chain_update(body).verify_slice(&signature).is_ok())
        })
    }
}

impl fmt::Debug for HookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HookSecrets(redacted)")
    }
}

#[cfg(test)]
mod tests;
