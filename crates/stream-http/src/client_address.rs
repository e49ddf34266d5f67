//! Whose request it is: the address of the peer, or the one that a trusted proxy forwards.
//!
//! Anybody can send `X-Forwarded-For`, so it counts only where a peer of `TRUSTED_PROXIES` sent it, and only as far as
//! each address behind is trusted, too.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, X_FORWARDED_FOR};
use ipnet::IpNet;

/// The networks of proxies whose word counts.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Arc<[IpNet]>);

impl TrustedProxies {
    /// Trusts proxies in these networks.
    pub fn new(networks: impl Into<Arc<[IpNet]>>) -> Self {
        Self(networks.into())
    }

    /// The client of a request.
    pub(crate) fn client_of(&self, request: &HttpRequest) -> Option<IpAddr> {
        Some(self.client(request.peer_addr()?.ip(), request.headers()))
    }

    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            return peer;
        }
        // A proxy that knows one of the headers passes the other one on as its client sent it.
        let (by_name, standard) = (x_forwarded_for(headers), forwarded(headers));
        match (by_name, standard) {
            (Some(by_name), Some(standard)) if by_name != standard => peer,
            (Some(hops), _) | (None, Some(hops)) => self.first_untrusted(peer, &hops),
            (None, None) => peer,
        }
    }

    /// Each proxy adds the address that it was asked from at the end.
    fn first_untrusted(&self, peer: IpAddr, hops: &[Option<IpAddr>]) -> IpAddr {
        let mut nearest = peer;
        for hop in hops.iter().rev() {
            // What is no address hides all before it.
            let Some(address) = hop else { break };
            nearest = *address;
            if !self.trusts(nearest) {
                break;
            }
        }
        nearest
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// What limits go by: an address of IPv4, and the /64 of IPv6 that one customer has.
pub(crate) fn limited_as(client: IpAddr) -> IpAddr {
    match client.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

/// Whether an address is none of this machine or a private network, such as a platform's own or a provider's.
pub(crate) fn is_of_the_internet(client: IpAddr) -> bool {
    match client.to_canonical() {
        IpAddr::V4(address) => {
            let is_shared = address.octets()[0] == 100 && address.octets()[1] & 0xc0 == 64;
            !(address.is_loopback() || address.is_private() || address.is_link_local() || is_shared)
        }
        IpAddr::V6(address) => {
            !(address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local())
        }
    }
}

/// The addresses of all lines of a header that is a list; `None` without the header.
fn hops(
    headers: &HeaderMap,
    name: HeaderName,
    read: impl Fn(&str) -> Option<IpAddr>,
) -> Option<Vec<Option<IpAddr>>> {
    let mut lines = headers.get_all(name).peekable();
    lines.peek()?;
    let texts = lines.map(|line| line.to_str().unwrap_or_default());
    Some(texts.flat_map(|text| text.split(',')).map(|element| read(element.trim())).collect())
}

fn x_forwarded_for(headers: &HeaderMap) -> Option<Vec<Option<IpAddr>>> {
    hops(headers, X_FORWARDED_FOR, address_of)
}

/// The `for` of each element of `Forwarded` (RFC 7239).
fn forwarded(headers: &HeaderMap) -> Option<Vec<Option<IpAddr>>> {
    hops(headers, FORWARDED, |element| {
        let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
        let (_, node) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
        address_of(node.trim_matches('"'))
    })
}

/// An address, with a port or without one, as proxies write it.
fn address_of(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let with_port = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    bare.parse().ok().or_else(with_port).map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests;
