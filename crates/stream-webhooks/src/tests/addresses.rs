//! Which addresses are refused, at the bounds of each range.

use std::net::IpAddr;

use super::networks;
use crate::networks::Networks;
use crate::networks::Scheme::{Http, Https};

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// The last public address before a range, its first, its last, and the first public one after it; `-` where there is none.
const V4: [[&str; 4]; 15] = [
    ["-", "0.0.0.0", "0.255.255.255", "1.0.0.0"],
    ["9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"],
    ["100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"],
    ["126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"],
    ["169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"],
    ["172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"],
    ["191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"],
    ["192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"],
    ["192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"],
    ["192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"],
    ["198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"],
    ["198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"],
    ["203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"],
    ["223.255.255.255", "224.0.0.0", "239.255.255.255", "-"],
    ["-", "240.0.0.0", "255.255.255.255", "-"],
];

const V6: [[&str; 4]; 6] = [
    // What is not given out, before and after what is.
    ["-", "::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2000::"],
    [
        "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001::",
        "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:200::",
    ],
    [
        "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db8::",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db9::",
    ],
    [
        "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2002::",
        "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2003::",
    ],
    [
        "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "3fff::",
        "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
        "3fff:1000::",
    ],
    ["3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "-"],
];

#[test]
fn every_special_range_is_refused_from_its_first_to_its_last_address() {
    let networks = Networks(Vec::new());
    for [before, first, last, after] in V4.into_iter().chain(V6) {
        for (text, expected) in [(before, true), (first, false), (last, false), (after, true)] {
            if text == "-" {
                continue;
            }
            let ip = ip(text);
            assert_eq!(networks.permit(Https, ip), expected, "{ip}");
            assert!(!networks.permit(Http, ip), "{ip}");
            if let IpAddr::V4(v4) = ip {
                let mapped = v4.to_ipv6_mapped().into();
                assert_eq!(networks.permit(Https, mapped), expected, "{mapped}");
                assert!(!networks.permit(Http, mapped), "{mapped}");
            }
        }
    }
}

#[test]
fn addresses_that_lead_to_others_or_nowhere_are_refused() {
    let networks = Networks(Vec::new());
    for text in [
        "127.0.0.1",
        "169.254.169.254",
        "100.100.100.200",
        "::1",
        "::ffff:0.0.0.0",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        // IPv4 in every other form of IPv6, public or not.
        "::127.0.0.1",
        "::8.8.8.8",
        "64:ff9b::7f00:1",
        "64:ff9b::8.8.8.8",
        "64:ff9b:1::a00:1",
        "2002:7f00:1::1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "100::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
    ] {
        assert!(!networks.permit(Https, ip(text)), "{text}");
    }
    for text in ["8.8.8.8", "::ffff:8.8.8.8", "2606:4700::1111", "2a00:1450:4001::1"] {
        assert!(networks.permit(Https, ip(text)), "{text}");
    }
}

#[test]
fn an_allowed_network_is_allowed_in_either_form_and_no_further() {
    let networks = Networks(networks(&["10.1.0.0/16", "fd00:1::/32", "127.0.0.1/32"]));
    for scheme in [Http, Https] {
        for text in ["10.1.0.0", "10.1.255.255", "::ffff:10.1.0.1", "fd00:1::1", "127.0.0.1"] {
            assert!(networks.permit(scheme, ip(text)), "{text}");
        }
        for text in ["10.0.255.255", "10.2.0.0", "::ffff:10.2.0.0", "::10.1.0.1", "fd00:2::", "127.0.0.2"] {
            assert!(!networks.permit(scheme, ip(text)), "{text}");
        }
    }
    assert!(networks.permit(Https, ip("8.8.8.8")) && !networks.permit(Http, ip("8.8.8.8")));
}
