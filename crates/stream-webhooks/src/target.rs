//! Addresses of endpoints as they are written.

use std::net::IpAddr;

use stream_domain::ports::RefusedUrl;
use url::{Host, Url};

use crate::networks::{Networks, Scheme};

/// The longest address, in bytes.
const MAX_LENGTH: usize = 2_048;

/// An address that may be sent to, as far as it says so itself: a name is judged when it is resolved.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) url: Url,
    pub(crate) scheme: Scheme,
}

impl Target {
    /// Reads an address.
    ///
    /// The parser brings each way to write an IP address, such as `0x7f.1`, into one form, and the connection is made by
    /// that form.
    pub(crate) fn parse(text: &str, networks: &Networks) -> Result<Self, RefusedUrl> {
        let refused = |why: &str| Err(RefusedUrl(why.to_owned()));
        if text.len() > MAX_LENGTH {
            return refused("must have at most 2048 characters");
        }
        let Ok(url) = Url::parse(text) else {
            return refused("must be an address such as https://example.com/hook");
        };
        let scheme = match url.scheme() {
            "https" => Scheme::Https,
            "http" if !networks.0.is_empty() => Scheme::Http,
            _ => return refused("must be an https:// address"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return refused("must have no user and no password");
        }
        if url.fragment().is_some() {
            return refused("must have no fragment");
        }
        if url.port() == Some(0) {
            return refused("must have a port above 0");
        }
        let target = Self { url, scheme };
        match target.literal() {
            Some(address) if !networks.may_reach(address, scheme) => Err(RefusedUrl(format!(
                "must be public: {address} is not, and only the operator can allow it, by WEBHOOK_NETWORKS"
            ))),
            _ => Ok(target),
        }
    }

    /// The address, where no name stands for it.
    pub(crate) fn literal(&self) -> Option<IpAddr> {
        match self.url.host()? {
            Host::Ipv4(address) => Some(address.into()),
            Host::Ipv6(address) => Some(address.into()),
            Host::Domain(_) => None,
        }
    }
}
