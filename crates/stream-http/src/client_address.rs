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
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn client(headers: &[(HeaderName, &'static str)]) -> String {
        from("10.0.0.1", headers)
    }

    fn from(peer: &str, headers: &[(HeaderName, &'static str)]) -> String {
        let proxies = TrustedProxies::new(["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.clone(), HeaderValue::from_static(value));
        }
        proxies.client(peer.parse().unwrap(), &map).to_string()
    }

    #[test]
    fn only_a_trusted_peer_speaks_for_its_client() {
        let spoofed = [(X_FORWARDED_FOR, "198.51.100.7")];
        assert_eq!(from("192.0.2.1", &spoofed), "192.0.2.1");
        assert_eq!(from("::ffff:192.0.2.1", &spoofed), "192.0.2.1");
        assert_eq!(from("::ffff:10.0.0.1", &spoofed), "198.51.100.7");
        assert_eq!(client(&[]), "10.0.0.1");
    }

    #[test]
    fn what_a_client_puts_before_the_proxys_word_does_not_count() {
        assert_eq!(client(&[(X_FORWARDED_FOR, "1.2.3.4, 198.51.100.7")]), "198.51.100.7");
        assert_eq!(
            client(&[(X_FORWARDED_FOR, "1.2.3.4"), (X_FORWARDED_FOR, "198.51.100.7")]),
            "198.51.100.7"
        );
        assert_eq!(client(&[(X_FORWARDED_FOR, "1.2.3.4, 198.51.100.7, 10.9.9.9")]), "198.51.100.7");
        // Everything is trusted, as inside a cluster.
        assert_eq!(client(&[(X_FORWARDED_FOR, "10.1.1.1, 10.2.2.2")]), "10.1.1.1");
        for hidden in ["unknown", "_gazonk", "1.2.3.4.5", ""] {
            let headers = [(X_FORWARDED_FOR, hidden), (X_FORWARDED_FOR, "10.2.2.2")];
            assert_eq!(client(&headers), "10.2.2.2", "{hidden}");
        }
    }

    #[test]
    fn addresses_are_read_as_proxies_write_them() {
        assert_eq!(client(&[(X_FORWARDED_FOR, "198.51.100.7:4711")]), "198.51.100.7");
        assert_eq!(client(&[(X_FORWARDED_FOR, "[2001:db8::7]:4711")]), "2001:db8::7");
        assert_eq!(client(&[(X_FORWARDED_FOR, "2001:db8::7")]), "2001:db8::7");
        assert_eq!(client(&[(FORWARDED, "for=198.51.100.7;proto=https;by=10.0.0.1")]), "198.51.100.7");
        assert_eq!(client(&[(FORWARDED, "For=\"[2001:db8::7]:4711\", for=10.0.0.9")]), "2001:db8::7");
        assert_eq!(client(&[(FORWARDED, "proto=https")]), "10.0.0.1");
    }

    #[test]
    fn headers_that_contradict_each_other_do_not_count() {
        let headers = [(FORWARDED, "for=1.2.3.4"), (X_FORWARDED_FOR, "198.51.100.7")];
        assert_eq!(client(&headers), "10.0.0.1");
        let agreeing = [(FORWARDED, "for=198.51.100.7"), (X_FORWARDED_FOR, "198.51.100.7")];
        assert_eq!(client(&agreeing), "198.51.100.7");
    }

    #[test]
    fn a_customer_of_ipv6_is_limited_as_one() {
        let limited = |text: &str| limited_as(text.parse().unwrap()).to_string();
        assert_eq!(limited("2001:db8:1:2:3:4:5:6"), limited("2001:db8:1:2::1"));
        assert_ne!(limited("2001:db8:1:3::1"), limited("2001:db8:1:2::1"));
        assert_eq!(limited("::ffff:192.0.2.1"), "192.0.2.1");
    }
}
