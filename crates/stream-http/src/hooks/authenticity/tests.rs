//! Which peers are trusted without a secret.

use super::*;

#[test]
fn loopback_and_the_networks_of_the_settings_are_trusted() {
    let networks: Vec<IpNet> =
        ["10.0.0.0/8", "fd00::/8", "203.0.113.9/32"].map(|net| net.parse().unwrap()).into();
    for (peer, alone, named) in [
        ("127.0.0.1", true, true),
        ("127.9.9.9", true, true),
        ("::1", true, true),
        ("10.1.2.3", false, true),
        ("fd00::1", false, true),
        ("203.0.113.9", false, true),
        ("203.0.113.8", false, false),
        ("172.16.0.1", false, false),
        ("192.168.1.1", false, false),
        ("169.254.1.1", false, false),
        ("fe80::1", false, false),
        ("8.8.8.8", false, false),
    ] {
        let peer: IpAddr = peer.parse().unwrap();
        assert_eq!((is_trusted(peer, &[]), is_trusted(peer, &networks)), (alone, named), "{peer}");
    }
}
