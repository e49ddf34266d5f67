//! `HOOK_NETWORKS`: whose hooks are taken without a secret.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::value;

/// Networks of IP addresses.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Networks(pub(crate) Vec<IpNet>);

impl Networks {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let parts = value::plain(text).split(',').map(str::trim).filter(|part| !part.is_empty());
        let read = |part: &str| {
            let network = part.parse().ok().or_else(|| part.parse().ok().map(|alone: IpAddr| alone.into()));
            let network = network.map(|network: IpNet| network.trunc());
            network.ok_or_else(|| format!("{part} is no network such as 10.0.0.0/8, fd00::/8 or 192.168.1.7"))
        };
        parts.map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Whether every address of a version is in them.
    pub(crate) fn are_all(&self) -> bool {
        self.0.iter().any(|network| network.prefix_len() == 0)
    }
}
