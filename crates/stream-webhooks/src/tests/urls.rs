//! Which addresses can be an endpoint's.

use stream_domain::ports::{RefusedUrl, WebhookSender as _};

use super::{LONG, client};

fn checked(allowed: &[&str], url: &str) -> Result<String, String> {
    client(allowed, &[], LONG).check_url(url).map_err(|RefusedUrl(why)| why)
}

#[test]
fn an_address_is_kept_in_its_normal_form() {
    for (url, kept) in [
        ("https://hooks.example", "https://hooks.example/"),
        ("HTTPS://Hooks.Example:443/A?b=c d", "https://hooks.example/A?b=c%20d"),
        ("https://hooks.example:1/", "https://hooks.example:1/"),
        ("https://hooks.example:65535/a/../b", "https://hooks.example:65535/b"),
        ("https://bücher.example/ä|{}\"", "https://xn--bcher-kva.example/%C3%A4|%7B%7D%22"),
        ("https://1.1.1.1/", "https://1.1.1.1/"),
        ("https://16843009/", "https://1.1.1.1/"),
        ("https://[2606:4700:0::1111]/", "https://[2606:4700::1111]/"),
        // Names are judged when they are sent to.
        ("https://localhost/", "https://localhost/"),
        ("https://printer.local/", "https://printer.local/"),
    ] {
        assert_eq!(checked(&[], url).as_deref(), Ok(kept), "{url}");
        // It stays as it is.
        assert_eq!(checked(&[], kept).as_deref(), Ok(kept));
    }
}

#[test]
fn an_address_of_another_kind_is_refused() {
    let must_be = "must be an https:// address";
    for url in [
        "",
        "hooks.example",
        "//hooks.example/",
        "https://",
        "https://:443/",
        "https://a b/",
        "https://hooks.example:65536/",
        "https://[::1/",
        "https://256.1.1.1/",
        "http://hooks.example/",
        "ftp://hooks.example/",
        "file:///etc/passwd",
        "unix:/run/docker.sock",
        "data:,x",
    ] {
        assert_eq!(checked(&[], url).unwrap_err(), must_be, "{url}");
    }
    let or_plain = "must be an https:// address or, within WEBHOOK_NETWORKS, http://";
    assert_eq!(checked(&["10.0.0.0/8"], "ftp://10.0.0.1/").unwrap_err(), or_plain);
}

#[test]
fn an_address_with_parts_that_are_not_for_endpoints_is_refused() {
    let whom = "must have no user or password";
    for (url, why) in [
        ("https://me@hooks.example/", whom),
        ("https://:word@hooks.example/", whom),
        ("https://hooks.example/#", "must have no fragment"),
        ("https://hooks.example/#a", "must have no fragment"),
        ("https://hooks.example:0/", "must have a port other than 0"),
    ] {
        assert_eq!(checked(&[], url).unwrap_err(), why, "{url}");
    }
}

#[test]
fn an_address_has_at_most_2048_characters_as_it_is_given_and_as_it_is_kept() {
    let long = |length: usize, filler: &str| {
        let start = "https://hooks.example/";
        start.to_owned() + &filler.repeat(length - start.len())
    };
    assert!(checked(&[], &long(2048, "x")).is_ok());
    let too_long = "must have at most 2048 characters";
    assert_eq!(checked(&[], &long(2049, "x")).unwrap_err(), too_long);
    assert_eq!(checked(&[], &long(2048, "ä")).unwrap_err(), too_long);
    assert_eq!(checked(&[], &(long(2048, "x") + " ")).unwrap_err(), too_long);
}

#[test]
fn plain_http_is_for_allowed_networks() {
    let allowed = ["10.1.0.0/16", "fd00::/8"];
    for url in ["http://hooks.example/", "http://10.1.2.3/", "http://[::ffff:10.1.2.3]/", "http://[fd00::1]/"]
    {
        assert!(checked(&allowed, url).is_ok(), "{url}");
    }
    for url in ["https://10.1.2.3/", "https://[::ffff:10.1.2.3]/", "https://[fd00::1]/", "https://1.1.1.1/"] {
        assert!(checked(&allowed, url).is_ok(), "{url}");
    }
    let why = "1.1.1.1 is not in WEBHOOK_NETWORKS, so it must be an https:// address";
    assert_eq!(checked(&allowed, "http://1.1.1.1/").unwrap_err(), why);
    let why = "10.2.0.1 is no public address; the operator allows others by WEBHOOK_NETWORKS";
    assert_eq!(checked(&allowed, "https://10.2.0.1/").unwrap_err(), why);
}
