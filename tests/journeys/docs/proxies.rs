//! The configurations of reverse-proxies.md, in the real proxies.

mod upstream;

use std::time::Duration;

use stream_tests::documents::block;
use stream_tests::{Service, StoreKind, TestStore, eventually};

use crate::proxies::{Proxy, address_of, on_sqlite, post, send};
use upstream::Upstream;

/// A configuration with the test's addresses; each one must be there.
fn with(text: &str, replacements: &[(&str, &str)]) -> String {
    replacements.iter().fold(text.to_owned(), |text, (documented, own)| {
        assert!(text.contains(documented), "{documented} is not in {text}");
        text.replace(documented, own)
    })
}

fn nginx_settings() -> String {
    with(&block("nginx"), &[("listen 80;", "listen LISTEN;"), ("127.0.0.1:8082", "SERVICE")])
}

fn haproxy_settings() -> String {
    with(&block("haproxy"), &[("bind :80\n", "bind LISTEN\n"), ("127.0.0.1:8082", "SERVICE")])
}

fn caddy_settings() -> String {
    with(&block("caddy"), &[("streams.example.org {", "http://LISTEN {"), ("127.0.0.1:8082", "SERVICE")])
}

/// The three proxies with their names, in front of an upstream.
async fn start(upstream: &str, nginx: &str, haproxy: &str, caddy: &str) -> [(&'static str, Proxy); 3] {
    let caddy = format!("{{\n\tadmin off\n\tauto_https off\n}}\n{caddy}");
    let caddy = Proxy::start(upstream, &["caddy", "run", "--adapter", "caddyfile", "--config"], &caddy).await;
    let haproxy = Proxy::start(upstream, &["haproxy", "-db", "-f"], haproxy).await;
    [("nginx", Proxy::nginx_with(upstream, nginx).await), ("HAProxy", haproxy), ("Caddy", caddy)]
}

async fn documented(upstream: &str) -> [(&'static str, Proxy); 3] {
    start(upstream, &nginx_settings(), &haproxy_settings(), &caddy_settings()).await
}

/// A client that claims to come from elsewhere.
fn get(address: &str, path: &str) -> String {
    let forged = "X-Forwarded-For: 203.0.113.9\r\nConnection: close";
    send(address, format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{forged}\r\n\r\n").as_bytes())
}

/// `HAProxy` and Caddy send nothing to an instance that they have not probed yet.
async fn is_up(name: &str, address: &str, path: &str) {
    eventually(name, || async { get(address, path).starts_with("HTTP/1.1 200") }).await;
}

/// None of these may reach the service, whose own 404 is JSON.
fn keeps_hooks_private(name: &str, address: &str, prefix: &str) {
    let private = [
        "/hooks/nginx-rtmp/edge-1?secret=x",
        "/hooks",
        "/%68ooks/srs/edge-1",
        "/hook%73/srs/edge-1",
        "/metrics",
        "/metric%73",
    ];
    for path in private {
        let answer = get(address, &format!("{prefix}{path}"));
        assert!(answer.contains(" 404 ") && !answer.contains(r#""code""#), "{name}: {path}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_proxies_pass_the_api_on_and_keep_hooks_private() {
    let service = on_sqlite("info").await;
    for (name, proxy) in documented(&address_of(&service)).await {
        is_up(name, &proxy.address, "/health/ready").await;
        let statuses = ["generate-key", "generate-key", "stop", "stop"]
            .map(|route| post(&proxy.address, "1.1", &format!("/api/streams/{route}"), 1));
        assert_eq!(statuses, ["201", "409", "200", "404"], "{name}");
        keeps_hooks_private(name, &proxy.address, "");
    }
    let log = service.program.errors();
    assert!(!log.contains("refused a hook") && !log.contains(r#""level":"ERROR""#), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn below_a_prefix_the_documented_proxies_remove_it_and_keep_hooks_private() {
    let service = on_sqlite("info").await;
    let nginx = with(
        &nginx_settings(),
        &[("    location / {", &format!("{}    location / {{", block("nginx-prefix")))],
    );
    let first = format!("bind LISTEN\n    {}", block("haproxy-prefix"));
    let haproxy = with(&haproxy_settings(), &[("bind LISTEN\n", &first)]);
    let site = with(&block("caddy-prefix"), &[("127.0.0.1:8082", "SERVICE")]);
    let caddy = format!("http://LISTEN {{\n{site}}}\n");
    for (name, proxy) in start(&address_of(&service), &nginx, &haproxy, &caddy).await {
        is_up(name, &proxy.address, "/streams/health/ready").await;
        let statuses = ["generate-key", "stop"]
            .map(|route| post(&proxy.address, "1.1", &format!("/streams/api/streams/{route}"), 1));
        assert_eq!(statuses, ["201", "200"], "{name}");
        keeps_hooks_private(name, &proxy.address, "/streams");
    }
    let log = service.program.errors();
    assert!(!log.contains("refused a hook"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_proxies_name_the_client_and_keep_connections_open() {
    for place in 0..3 {
        let upstream = Upstream::start();
        let [nginx, haproxy, caddy] = documented(&upstream.address).await;
        let (name, proxy) = [nginx, haproxy, caddy].into_iter().nth(place).expect("there are three");
        is_up(name, &proxy.address, "/").await;
        let before = upstream.heads("/counted").len();
        assert_eq!(before, 0, "{name}");
        for _ in 0..20 {
            assert!(get(&proxy.address, "/counted").starts_with("HTTP/1.1 200"), "{name}");
        }
        let heads = upstream.heads("/counted");
        assert_eq!(heads.len(), 20, "{name}");
        for (_, head) in &heads {
            let head = head.to_lowercase();
            assert!(
                head.contains("x-forwarded-for: 127.0.0.1\r\n") && !head.contains("203.0.113.9"),
                "{name}: {head}"
            );
        }
        let connections: std::collections::BTreeSet<usize> =
            heads.iter().map(|(connection, _)| *connection).collect();
        assert!(connections.len() <= 3, "{name}: {} connections for 20 requests", connections.len());
    }
}

/// Two instances behind each proxy, one of which stops after the documented notice.
#[tokio::test(flavor = "multi_thread")]
async fn behind_the_documented_proxies_an_instance_stops_without_a_failed_request() {
    let store = TestStore::new(StoreKind::Postgres);
    let setup = store.setup().with("SHUTDOWN_NOTICE", "2").with("LOG_LEVEL", "info");
    let (stays, stops): (Service, Service) = (setup.start().await, setup.start().await);
    let other = address_of(&stays);
    let nginx_line = "server SERVICE max_fails=0;";
    let nginx =
        with(&nginx_settings(), &[(nginx_line, &format!("{nginx_line} server {other} max_fails=0;"))]);
    let haproxy = with(
        &haproxy_settings(),
        &[("server one SERVICE\n", &format!("server one SERVICE\n    server two {other}\n"))],
    );
    let caddy =
        with(&caddy_settings(), &[("reverse_proxy SERVICE {", &format!("reverse_proxy SERVICE {other} {{"))]);
    let proxies = start(&address_of(&stops), &nginx, &haproxy, &caddy).await;
    for (name, proxy) in &proxies {
        is_up(name, &proxy.address, "/api/streams/public").await;
    }
    let mut stopping = stops;
    stopping.program.signal("TERM");
    let (mut asked, mut gone_for) = (0, 0);
    while gone_for < 20 {
        gone_for += i32::from(stopping.program.ended().is_some());
        for (name, proxy) in &proxies {
            let answer = get(&proxy.address, "/api/streams/public");
            assert!(answer.starts_with("HTTP/1.1 200"), "{name}, after {asked} requests: {answer}");
            asked += 1;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(asked > 100, "{asked}");
}
