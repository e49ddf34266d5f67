//! No request reaches an address that is refused.

use std::panic::catch_unwind;

use futures_util::future::join_all;
use stream_domain::ports::WebhookSender as _;

use super::server::{Server, Trap};
use super::{LONG, SHORT, client, error, send};

const NOT_PUBLIC: &str = "the address is refused: its name leads to no public address";
const NOT_PLAIN: &str = "the address is refused: its name leads nowhere that plain http:// is allowed for";

/// This machine, in the forms that a host can be written in.
const FORMS: [&str; 19] = [
    "127.0.0.1",
    "127.0.0.1.",
    "2130706433",
    "0x7f.1",
    "0x7f000001",
    "0X7F.0.0.0X1",
    "017700000001",
    "0177.0.0.01",
    "127.1",
    "127.0.1",
    "127%2e0%2E0.1",
    "127。0。0。1",
    "１２７.0.0.1",
    "0.0.0.0",
    "0",
    "[::1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[0:0:0:0:0:ffff:7f00:1]",
];

#[tokio::test]
async fn a_literal_address_is_refused_in_every_form_by_itself_and_when_sent_to() {
    let trap = Trap::everywhere();
    // Where nothing is allowed, and where something else is.
    for allowed in [&[][..], &["10.0.0.0/8"]] {
        let client = client(allowed, &[&["8.8.8.8"]], SHORT);
        for form in FORMS {
            for scheme in ["http", "https"] {
                let url = format!("{scheme}://{form}:{}/", trap.port());
                assert!(client.check_url(&url).is_err(), "{url}");
                let why = error(&client, &url).await;
                assert!(why.starts_with("the address is refused: "), "{url}: {why}");
                assert!(client.look_up(&url).await.is_err(), "{url}");
            }
        }
    }
    trap.assert_untouched();
}

#[tokio::test]
async fn the_trap_would_be_sprung_in_every_form() {
    let open = client(&["0.0.0.0/0", "::/0"], &[], SHORT);
    let knock = async |form: &str| {
        let trap = Trap::everywhere();
        error(&open, &format!("http://{form}:{}/", trap.port())).await;
        assert!(catch_unwind(|| trap.assert_untouched()).is_err(), "{form}");
    };
    join_all(FORMS.map(knock)).await;
}

#[tokio::test]
async fn a_name_that_leads_elsewhere_the_second_time_is_refused_then() {
    let (server, trap) = Server::beside_a_trap();
    let rebinding = client(&["127.0.0.2/32"], &[&["127.0.0.2"], &["127.0.0.1"]], LONG);
    assert_eq!(send(&rebinding, &server.url()).await.status, Some(200));
    assert_eq!(error(&rebinding, &server.url()).await, NOT_PLAIN);
    trap.assert_untouched();
}

#[tokio::test]
async fn a_name_that_was_public_when_it_was_looked_at_is_refused_when_it_is_not() {
    let trap = Trap::everywhere();
    let url = format!("https://hooks.example:{}/", trap.port());
    let rebinding = client(&[], &[&["8.8.8.8"], &["127.0.0.1", "::1", "::ffff:127.0.0.1"]], SHORT);
    assert_eq!(rebinding.check_url(&url).as_ref(), Ok(&url));
    assert_eq!(rebinding.look_up(&url).await, Ok(()));
    assert_eq!(error(&rebinding, &url).await, NOT_PUBLIC);
    assert_eq!(rebinding.look_up(&url).await.unwrap_err(), NOT_PUBLIC);
    trap.assert_untouched();
}

#[tokio::test]
async fn of_a_names_addresses_those_that_are_refused_are_left_out() {
    let (server, trap) = Server::beside_a_trap();
    let client = client(&["127.0.0.2/32"], &[&["127.0.0.1", "127.0.0.2", "::1"]], LONG);
    assert_eq!(send(&client, &server.url()).await.status, Some(200));
    trap.assert_untouched();
}

#[tokio::test]
async fn plain_http_goes_to_a_name_in_allowed_networks_and_to_no_public_address() {
    let server = Server::answering("HTTP/1.1 200 x\r\n\r\n");
    let home = client(&["127.0.0.0/8"], &[&["127.0.0.1"], &["8.8.8.8"]], LONG);
    assert_eq!(send(&home, &server.url()).await.status, Some(200));
    // The same name, when it is public.
    assert_eq!(error(&home, &server.url()).await, NOT_PLAIN);
    assert_eq!(home.look_up(&server.url()).await.unwrap_err(), NOT_PLAIN);
    let why = "the address is refused: 8.8.8.8 is not in WEBHOOK_NETWORKS, so it must be an https:// address";
    assert_eq!(error(&home, "http://8.8.8.8/").await, why);
    // Encrypted it may be sent to.
    assert_eq!(home.look_up("https://hooks.example/").await, Ok(()));
}

#[tokio::test]
async fn localhost_is_refused_as_the_system_knows_it() {
    let trap = Trap::everywhere();
    let system = crate::WebhookClient::new(Vec::new()).unwrap();
    let url = format!("https://localhost:{}/", trap.port());
    assert_eq!(error(&system, &url).await, NOT_PUBLIC);
    assert_eq!(system.look_up(&url).await.unwrap_err(), NOT_PUBLIC);
    trap.assert_untouched();
}

#[tokio::test]
async fn what_a_resolver_says_is_not_told() {
    for looks in [&[][..], &[&[][..]]] {
        let client = client(&["10.0.0.0/8"], looks, LONG);
        for (url, why) in [("https://hooks.example/", NOT_PUBLIC), ("http://hooks.example/", NOT_PLAIN)] {
            assert_eq!(error(&client, url).await, why);
            assert_eq!(client.look_up(url).await.unwrap_err(), why);
        }
    }
}
