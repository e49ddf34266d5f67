//! `HOOK_NETWORKS` and `TRUSTED_PROXIES`: peers by their networks.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::value;

/// Networks of IP addresses.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Networks(pub(crate) Vec<IpNet>);

impl Networks {
    /// Reads networks and single addresses separated by commas.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parts = value::plain(text).split(',').map(str::trim).filter(|part| !part.is_empty());
        let read = |part: &str| {
            let network = part.parse().ok().or_else(|| part.parse().ok().map(|alone: IpAddr| alone.into()));
            let network = network.map(|network: IpNet| network.trunc());
            network.ok_or_else(|| format!("{part} is no network such as 10.0.0.0/8, fd00::/8 or 192.168.1.7"))
        };
        parts.map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether they contain every IPv4 or every IPv6 address.
    pub(crate) fn are_all(&self) -> bool {
        self.0.iter().any(|network| network.prefix_len() == 0)
    }
}
