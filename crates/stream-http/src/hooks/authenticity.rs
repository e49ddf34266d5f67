//! Whether a hook comes from the media server that it names.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use actix_web::HttpRequest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::KeyInit as _;
use hmac::{Hmac, Mac as _};
use sha1::Sha1;
use stream_domain::{Family, ServerName};
use subtle::ConstantTimeEq as _;

use super::fields::Fields;
use crate::error::{ApiError, ErrorCode};
use crate::state::HttpState;

/// What proxies add to what they pass on.
const PROXY_HEADERS: [&str; 6] =
    ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"];

/// How many servers without a secret are told to the log.
const WARNED: usize = 100;

/// The secrets of one media server; any of them is good, so that one can be replaced by the next.
#[derive(Clone, Default)]
pub struct HookSecrets(Vec<String>);

impl HookSecrets {
    /// Takes the secrets.
    pub fn new(secrets: Vec<String>) -> Self {
        Self(secrets)
    }

    fn contains(&self, shown: &str) -> bool {
        // Every one is looked at, so that time tells nothing of which.
        let equal = self.0.iter().map(|secret| secret.as_bytes().ct_eq(shown.as_bytes()));
        equal.fold(0_u8, |any, equal| any | equal.unwrap_u8()) == 1
    }

    /// Whether one of the secrets makes this signature of these very bytes: base64url of an HMAC with SHA-1.
    fn sign(&self, body: &[u8], signature: &str) -> bool {
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

/// The servers without a secret that the log knows of already.
#[derive(Debug, Default)]
pub(crate) struct WarnedOf(Mutex<BTreeSet<ServerName>>);

impl WarnedOf {
    fn is_new(&self, server: &ServerName) -> bool {
        let mut warned_of = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        warned_of.len() < WARNED && warned_of.insert(server.clone())
    }
}

/// Lets a hook through that shows its server's secret, or, where there is none, one that comes from nearby.
pub(super) fn check(
    family: Family,
    server: &ServerName,
    secret_in_path: Option<&str>,
    request: &HttpRequest,
    body: &[u8],
    state: &HttpState,
) -> Result<(), ApiError> {
    let known = state.hook_servers.get(server);
    if known.is_some_and(|known| known.family != family) {
        let wrong = "The settings name this media server as one of another kind.";
        return Err(ApiError::new(ErrorCode::HookRefused, wrong));
    }
    let Some(secrets) = known.map(|known| &known.secrets).filter(|secrets| !secrets.0.is_empty()) else {
        return check_nearness(server, request, state);
    };
    let is_authentic = if family == Family::OvenMediaEngine {
        let signature = request.headers().get("X-OME-Signature").and_then(|value| value.to_str().ok());
        signature.is_some_and(|signature| secrets.sign(body, signature))
    } else {
        let query = Fields::parse(request.query_string());
        let in_query = query.one("secret").ok().flatten();
        secret_in_path.or(in_query).is_some_and(|shown| secrets.contains(shown))
    };
    if is_authentic { Ok(()) } else { Err(ErrorCode::HookRefused.into()) }
}

fn check_nearness(server: &ServerName, request: &HttpRequest, state: &HttpState) -> Result<(), ApiError> {
    // Where some have secrets, those without are named as such.
    let others_have_secrets = state.hook_servers.values().any(|known| !known.secrets.0.is_empty());
    if others_have_secrets && !state.hook_servers.contains_key(server) {
        let unnamed = "No media server of this name is in MEDIA_SERVERS; name it there.";
        return Err(ApiError::new(ErrorCode::HookRefused, unnamed));
    }
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    // Whoever comes through a proxy comes from wherever the proxy lets them.
    let is_forwarded = PROXY_HEADERS.iter().any(|name| request.headers().contains_key(*name));
    if is_forwarded || !peer.is_some_and(is_private) {
        let sentence = "This media server has no secret, so its hooks are taken from private addresses only, and \
                        not through a proxy; give it one in MEDIA_SERVERS.";
        return Err(ApiError::new(ErrorCode::HookRefused, sentence));
    }
    if state.warned_of.is_new(server) {
        tracing::warn!(
            %server,
            "this media server has no secret in MEDIA_SERVERS: its hooks are taken from loopback and private \
             addresses, whoever sends them"
        );
    }
    Ok(())
}

/// Loopback, link-local, and what RFC 1918 and RFC 4193 set apart.
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests;
