//! Which addresses may be sent to.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// What is spoken to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Encrypted, to public addresses and to those that are allowed.
    Https,
    /// Plain, to addresses that are allowed.
    Http,
}

/// The networks that are allowed although they are not public.
#[derive(Debug, Clone)]
pub(crate) struct Networks(pub(crate) Vec<IpNet>);

impl Networks {
    /// Whether an address may be sent to by this scheme.
    pub(crate) fn permit(&self, scheme: Scheme, ip: IpAddr) -> bool {
        self.contain(ip) || (scheme == Scheme::Https && is_public(ip))
    }

    fn contain(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        self.0.iter().any(|network| network.contains(&ip))
    }
}

/// Whether an address belongs to the Internet; an IPv4 address in the form of IPv6 is judged as what it is.
fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => !SPECIAL_V4.iter().any(|network| network.contains(&ip)),
        IpAddr::V6(ip) => GLOBAL_V6.contains(&ip) && !SPECIAL_V6.iter().any(|network| network.contains(&ip)),
    }
}

const fn v4(a: u8, b: u8, c: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), length)
}

const fn v6(a: u16, b: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), length)
}

/// What IANA's registry of special IPv4 addresses keeps from the Internet, and multicast.
const SPECIAL_V4: [Ipv4Net; 15] = [
    // This network, and the unspecified address, which Linux takes for its own.
    v4(0, 0, 0, 8),
    v4(10, 0, 0, 8),
    // Carriers' own networks.
    v4(100, 64, 0, 10),
    v4(127, 0, 0, 8),
    // Link-local, with the clouds' metadata services.
    v4(169, 254, 0, 16),
    v4(172, 16, 0, 12),
    // Protocol assignments, documentation, relays of 6to4.
    v4(192, 0, 0, 24),
    v4(192, 0, 2, 24),
    v4(192, 88, 99, 24),
    v4(192, 168, 0, 16),
    // Benchmarks, documentation.
    v4(198, 18, 0, 15),
    v4(198, 51, 100, 24),
    v4(203, 0, 113, 24),
    v4(224, 0, 0, 4),
    // Reserved, with the broadcast address.
    v4(240, 0, 0, 4),
];

/// The part of IPv6 that is given out to the Internet.
///
/// Outside lie the unspecified and the loopback address, IPv4 in compatible form, NAT64 (`64:ff9b::/96` and
/// `64:ff9b:1::/48`), discarded traffic (`100::/64`), segment routing (`5f00::/16`), and local and multicast addresses.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 3);

/// What of it is special.
const SPECIAL_V6: [Ipv6Net; 4] = [
    // Protocol assignments, with Teredo, which holds IPv4 addresses, benchmarks and ORCHID.
    v6(0x2001, 0, 23),
    // Documentation.
    v6(0x2001, 0xdb8, 32),
    v6(0x3fff, 0, 20),
    // 6to4, which holds IPv4 addresses.
    v6(0x2002, 0, 16),
];
