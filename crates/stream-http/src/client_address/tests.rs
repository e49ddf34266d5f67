//! Whose address counts, whatever the headers say.

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
    assert_eq!(client(&[(X_FORWARDED_FOR, "1.2.3.4"), (X_FORWARDED_FOR, "198.51.100.7")]), "198.51.100.7");
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
