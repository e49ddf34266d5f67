//! Whether a hook comes from the media server that it names.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use actix_web::HttpRequest;
use actix_web::http::header::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::digest::KeyInit as _;
use hmac::{Hmac, Mac as _};
use ipnet::IpNet;
use sha1::Sha1;
use stream_domain::{Family, ServerName};
use subtle::ConstantTimeEq as _;

use super::fields::Fields;
use super::turned_away::Why;
use crate::state::HttpState;

/// The field of a hook's query that holds the secret.
pub(super) const SECRET: &str = "secret";

/// What proxies add to what they pass on.
const PROXY_HEADERS: [&str; 6] =
    ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"];

/// What browsers send, and no media server; `Sec-Fetch-Mode` apart.
const BROWSER_HEADERS: [&str; 6] =
    ["Origin", "Referer", "Sec-Fetch-Site", "Sec-Fetch-Dest", "Sec-Fetch-User", "Sec-Fetch-Storage-Access"];

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

    pub(super) fn contains(&self, shown: &str) -> bool {
        // Every one is looked at, so that time tells nothing of which.
        let equal = self.0.iter().map(|secret| secret.as_bytes().ct_eq(shown.as_bytes()));
        equal.fold(0_u8, |any, equal| any | equal.unwrap_u8()) == 1
    }

    /// Whether one of the secrets made this signature of these very bytes: base64url of an HMAC with SHA-1.
    fn signed(&self, body: &[u8], signature: &str) -> bool {
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

/// What a hook shows for coming from its media server.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    pub(super) secret_in_path: Option<&'a str>,
    pub(super) query: &'a str,
    pub(super) body: &'a [u8],
    pub(super) peer: Option<IpAddr>,
}

/// Lets a hook through that shows its server's secret, or, where there is none, one that comes from nearby.
pub(super) fn check(
    family: Family,
    server: &ServerName,
    request: &HttpRequest,
    shown: &Shown<'_>,
    state: &HttpState,
) -> Result<(), Why> {
    if is_from_browser(family, request.headers()) {
        return Err(Why::FromBrowser);
    }
    let known = state.hook_servers.get(server);
    if known.is_some_and(|known| known.family != family) {
        return Err(Why::OtherFamily);
    }
    let Some(secrets) = known.map(|known| &known.secrets).filter(|secrets| !secrets.0.is_empty()) else {
        return check_nearness(server, request, shown.peer, state);
    };
    if family == Family::OvenMediaEngine {
        let signature = request.headers().get("X-OME-Signature").and_then(|value| value.to_str().ok());
        let signature = signature.ok_or(Why::NoSecret)?;
        return if secrets.signed(shown.body, signature) { Ok(()) } else { Err(Why::WrongSecret) };
    }
    let query = Fields::parse(shown.query);
    let in_query = query.one(SECRET).map_err(|_| Why::WrongSecret)?;
    let secret =
        shown.secret_in_path.or(in_query).filter(|secret| !secret.is_empty()).ok_or(Why::NoSecret)?;
    if secrets.contains(secret) { Ok(()) } else { Err(Why::WrongSecret) }
}

/// Whether a page in a browser made this request, which may reach what its user can reach, without the user's knowing.
///
/// Every browser says where a POST comes from, and most say so of all requests.
fn is_from_browser(family: Family, headers: &HeaderMap) -> bool {
    let mode = headers.get("Sec-Fetch-Mode");
    // Node's `fetch` says this one word, and nothing else that browsers say.
    let is_node = family == Family::NodeMediaServer4 && mode.is_some_and(|mode| mode == "cors");
    BROWSER_HEADERS.iter().any(|name| headers.contains_key(*name)) || (mode.is_some() && !is_node)
}

fn check_nearness(
    server: &ServerName,
    request: &HttpRequest,
    peer: Option<IpAddr>,
    state: &HttpState,
) -> Result<(), Why> {
    // Where some have secrets, those without are named as such.
    let others_have_secrets = state.hook_servers.values().any(|known| !known.secrets.0.is_empty());
    if others_have_secrets && !state.hook_servers.contains_key(server) {
        return Err(Why::UnknownServer);
    }
    // What comes through a proxy comes from wherever the proxy lets it.
    if PROXY_HEADERS.iter().any(|name| request.headers().contains_key(*name)) {
        return Err(Why::ThroughProxy);
    }
    if !peer.is_some_and(|peer| is_trusted(peer, &state.hook_networks)) {
        return Err(Why::ForeignNetwork);
    }
    if state.warned_of.is_new(server) {
        tracing::warn!(
            %server,
            "this media server has no secret in MEDIA_SERVERS: its hooks are taken from loopback and HOOK_NETWORKS, \
             whatever sends them"
        );
    }
    Ok(())
}

/// Loopback, and what the settings name.
fn is_trusted(peer: IpAddr, networks: &[IpNet]) -> bool {
    peer.is_loopback() || networks.iter().any(|network| network.contains(&peer))
}

#[cfg(test)]
mod tests;
