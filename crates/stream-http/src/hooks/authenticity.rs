//! Whether a hook comes from the media server that it names.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use ipnet::IpNet;
use stream_domain::{Family, ServerName};

use super::dialect::Dialect;
use super::rejections::Rejection;
use super::request::HookRequest;
use super::server::{HookServer, HookServers};

/// The headers that proxies add.
const PROXY_HEADERS: [&str; 6] =
    ["Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP"];

/// The most servers without a secret that are logged.
const MAX_WARNED: usize = 100;

/// The media servers and networks that hooks may come from.
#[derive(Debug)]
pub(super) struct HookSenders {
    servers: HookServers,
    /// The networks, besides loopback, whose media servers need no secret.
    networks: Vec<IpNet>,
    /// The servers without a secret that the log has a warning of.
    warned: Mutex<BTreeSet<ServerName>>,
}

impl HookSenders {
    pub(super) fn new(servers: HookServers, networks: Vec<IpNet>) -> Self {
        Self { servers, networks, warned: Mutex::default() }
    }

    /// The media servers that the settings name.
    pub(super) fn servers(&self) -> &HookServers {
        &self.servers
    }

    /// Accepts a hook that proves its server's secret or, where there is none, comes from a trusted peer.
    pub(super) fn authenticate(
        &self,
        family: Family,
        server: &ServerName,
        dialect: &dyn Dialect,
        request: &HookRequest<'_>,
    ) -> Result<(), Rejection> {
        if dialect.is_from_browser(request.headers) {
            return Err(Rejection::FromBrowser);
        }
        match self.servers.get(server) {
            Some(known) if known.family != family => Err(Rejection::OtherFamily),
            Some(HookServer { secrets, .. }) if !secrets.is_empty() => dialect.authenticate(request, secrets),
            _ => self.require_trusted_peer(server, request),
        }
    }

    fn require_trusted_peer(&self, server: &ServerName, request: &HookRequest<'_>) -> Result<(), Rejection> {
        // Where some servers have secrets, those without one have to be named too.
        let others_have_secrets = self.servers.values().any(|known| !known.secrets.is_empty());
        if others_have_secrets && !self.servers.contains_key(server) {
            return Err(Rejection::UnknownServer);
        }
        // Behind a proxy the sender can be anywhere that the proxy accepts.
        if PROXY_HEADERS.iter().any(|name| request.headers.contains_key(*name)) {
            return Err(Rejection::ThroughProxy);
        }
        if !request.peer.is_some_and(|peer| is_trusted(peer, &self.networks)) {
            return Err(Rejection::ForeignNetwork);
        }
        if self.is_first_warning(server) {
            tracing::warn!(
                %server,
                "this media server has no secret in MEDIA_SERVERS: its hooks are accepted from loopback and \
                 HOOK_NETWORKS, from any process there"
            );
        }
        Ok(())
    }

    fn is_first_warning(&self, server: &ServerName) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        warned.len() < MAX_WARNED && warned.insert(server.clone())
    }
}

/// Loopback, and what the settings name.
fn is_trusted(peer: IpAddr, networks: &[IpNet]) -> bool {
    peer.is_loopback() || networks.iter().any(|network| network.contains(&peer))
}

#[cfg(test)]
mod tests;
