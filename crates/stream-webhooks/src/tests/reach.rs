//! What must not be reached.

use stream_domain::ports::WebhookSender as _;

use super::{Receiver, client, loopback, message, run};
use crate::networks::{Networks, Scheme};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[test]
fn each_range_that_is_not_public_is_refused_from_its_first_address_to_its_last() {
    let networks = Networks::default();
    let may_reach = |address: &str| networks.may_reach(address.parse().unwrap(), Scheme::Https);
    for (before, first, last, after) in [
        ("", "0.0.0.0", "0.255.255.255", "1.0.0.0"),
        ("9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"),
        ("100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"),
        ("126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"),
        ("169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"),
        ("172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"),
        ("191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"),
        ("192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"),
        ("192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"),
        ("192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"),
        ("198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"),
        ("198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"),
        ("203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"),
        ("223.255.255.255", "224.0.0.0", "255.255.255.255", ""),
        ("", "::", "1fff:ffff::", "2000::"),
        ("2000:ffff::", "2001::", "2001:1ff:ffff::", "2001:200::"),
        ("2001:db7:ffff::", "2001:db8::", "2001:db8:ffff::", "2001:db9::"),
        ("2001:ffff::", "2002::", "2002:ffff::", "2003::"),
        ("3ffe:ffff::", "3fff::", "3fff:fff:ffff::", "3fff:1000::"),
        ("3fff:ffff::", "4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""),
    ] {
        assert!(!may_reach(first) && !may_reach(last), "{first} to {last}");
        for public in [before, after] {
            assert!(public.is_empty() || may_reach(public), "{public}");
        }
    }
    for (address, is_public) in [
        ("::1", false),
        ("::ffff:10.0.0.1", false),
        ("::ffff:8.8.8.8", true),
        ("::8.8.8.8", false),
        ("64:ff9b::8.8.8.8", false),
        ("64:ff9b:1::1", false),
        ("fc00::1", false),
        ("fdff::1", false),
        ("fe80::1", false),
        ("fec0::1", false),
        ("ff02::1", false),
        ("2606:4700::1111", true),
    ] {
        assert_eq!(may_reach(address), is_public, "{address}");
    }
}

#[test]
fn plain_http_leads_to_allowed_networks_alone() {
    let networks = Networks(vec!["10.1.0.0/16".parse().unwrap(), "fd00::/8".parse().unwrap()]);
    for (address, over_https, over_http) in [
        ("10.1.2.3", true, true),
        ("::ffff:10.1.2.3", true, true),
        ("fd00::1", true, true),
        ("10.2.0.1", false, false),
        ("8.8.8.8", true, false),
    ] {
        let address = address.parse().unwrap();
        let found = (networks.may_reach(address, Scheme::Https), networks.may_reach(address, Scheme::Http));
        assert_eq!(found, (over_https, over_http), "{address}");
    }
}

#[test]
fn addresses_are_judged_as_they_are_written() {
    let (strict, lenient) = (client(Networks::default(), &[]), client(loopback(), &[]));
    for (url, why) in [
        ("example.com/hook", "must be an address such as"),
        ("https://", "must be an address such as"),
        ("ftp://example.com/", "must be an https://"),
        ("http://example.com/", "must be an https://"),
        ("file:///etc/passwd", "must be an https://"),
        ("https://user@example.com/", "must have no user"),
        ("https://:password@example.com/", "must have no user"),
        ("https://example.com/#part", "must have no fragment"),
        ("https://example.com:0/", "must have a port"),
        (&format!("https://example.com/{}", "x".repeat(2_048)), "must have at most 2048"),
        ("https://127.0.0.1/", "must be public: 127.0.0.1 is not"),
        ("https://127.1/", "must be public: 127.0.0.1 is not"),
        ("https://2130706433/", "must be public: 127.0.0.1 is not"),
        ("https://0x7f.0.0.1/", "must be public: 127.0.0.1 is not"),
        ("https://0177.0.0.1/", "must be public: 127.0.0.1 is not"),
        ("https://127.0.0.1./", "must be public: 127.0.0.1 is not"),
        ("https://①②⑦.0.0.1/", "must be public: 127.0.0.1 is not"),
        ("https://[::ffff:127.0.0.1]/", "must be public: ::ffff:127.0.0.1 is not"),
        ("https://[::ffff:7f00:1]/", "must be public: ::ffff:127.0.0.1 is not"),
        ("https://[::]/", "must be public: :: is not"),
        ("https://169.254.169.254/latest/meta-data", "must be public: 169.254.169.254 is not"),
    ] {
        let refused = strict.check_url(url).expect_err(url);
        assert!(refused.0.starts_with(why), "{url}: {refused:?}");
    }
    for (url, kept) in [
        ("https://example.com", "https://example.com/"),
        (" https://EXAMPLE.com:443/Hook?a=b ", "https://example.com/Hook?a=b"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://8.8.8.8:8443/", "https://8.8.8.8:8443/"),
    ] {
        assert_eq!(strict.check_url(url).as_deref().ok(), Some(kept), "{url}");
    }
    assert!(lenient.check_url("http://127.0.0.2:8080/").is_ok());
    assert!(lenient.check_url("http://example.com/").is_ok());
    assert!(lenient.check_url("http://8.8.8.8/").is_err());
}

#[test]
fn a_literal_address_that_is_refused_sees_no_connection() {
    run(async {
        let receiver = Receiver::start(OK).await;
        let client = client(Networks::default(), &["127.0.0.1"]);
        for host in
            ["127.0.0.1", "127.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "localhost", "any.example"]
        {
            for scheme in ["http", "https"] {
                let url = receiver.url(host).replace("http", scheme);
                let answer = client.send(&message(&url)).await;
                assert!(answer.status.is_none() && answer.error.is_some(), "{url}: {answer:?}");
            }
        }
        assert_eq!(receiver.requests(), [""; 0]);
    });
}

#[test]
fn a_name_is_judged_each_time_that_it_is_connected_to() {
    run(async {
        let receiver = Receiver::start(OK).await;
        let only_one = Networks(vec!["127.0.0.1/32".parse().unwrap()]);
        // The first answer may be sent to; then the name leads to another address of this machine.
        let client = client(only_one, &["127.0.0.1", "127.0.0.2"]);
        let message = message(&receiver.url("rebinding.example"));
        assert_eq!(client.send(&message).await.status, Some(200));
        for _ in 0..3 {
            let answer = client.send(&message).await;
            assert_eq!(answer.error.as_deref(), Some("the name leads to an address that is not public"));
        }
        assert_eq!(receiver.requests().len(), 1);
        assert!(client.look_up("https://rebinding.example/").await.is_err());
    });
}

#[test]
fn of_several_addresses_those_that_are_refused_are_left_out() {
    run(async {
        let receiver = Receiver::start(OK).await;
        let look_up: crate::resolver::LookUp = std::sync::Arc::new(|_| {
            Box::pin(async { Ok(vec!["10.0.0.1".parse().unwrap(), "127.0.0.1".parse().unwrap()]) })
        });
        let timeout = std::time::Duration::from_secs(15);
        let surroundings = crate::client::Surroundings { look_up, roots: Vec::new(), timeout };
        let client = crate::WebhookClient::within(loopback(), surroundings).unwrap();
        assert_eq!(client.send(&message(&receiver.url("both.example"))).await.status, Some(200));
        assert_eq!(client.look_up(&receiver.url("both.example")).await, Ok(()));
    });
}
