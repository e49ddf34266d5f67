//! Requests through common proxies with their default settings, and invalid input on the port.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::time::Duration;

use reqwest::Method;
use stream_tests::{Program, Service, ServiceBuilder, StoreKind, TestStore, eventually, token_of};
use tempfile::TempDir;

/// A proxy in front of a service.
pub(crate) struct Proxy {
    /// Where it listens, as `host:port`.
    pub(crate) address: String,
    _program: Program,
    _folder: TempDir,
}

impl Proxy {
    /// Starts a program whose settings name `LISTEN`, `FOLDER`, and `SERVICE`, which is the upstream's `host:port`.
    pub(crate) async fn start(upstream: &str, program: &[&str], settings: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
        let address = free.expect("a free port").to_string();
        let place = folder.path().display().to_string();
        let settings = settings.replace("LISTEN", &address).replace("FOLDER", &place);
        let file = folder.path().join("settings");
        std::fs::write(&file, settings.replace("SERVICE", upstream)).expect("a file can be written");
        let [name, arguments @ ..] = program else { panic!("a program has a name") };
        let mut command = Command::new(name);
        command.args(arguments).arg(&file).current_dir(folder.path());
        // On Debian these programs are not in an ordinary user's PATH.
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{path}:/usr/sbin")).env("HOME", folder.path());
        let program = Program::start(&mut command, &folder.path().join("output"));
        eventually("the proxy listens", || async { TcpStream::connect(&address).is_ok() }).await;
        Self { address, _program: program, _folder: folder }
    }

    async fn nginx(service: &Service) -> Self {
        Self::nginx_with(
            &address_of(service),
            "server { listen LISTEN; location / { proxy_pass http://SERVICE; } }",
        )
        .await
    }

    /// `servers` is what the block `http` has besides folders.
    pub(crate) async fn nginx_with(upstream: &str, servers: &str) -> Self {
        let settings = "daemon off; pid FOLDER/pid; error_log FOLDER/log; events {}
            http { access_log off; client_body_temp_path FOLDER/b; proxy_temp_path FOLDER/p;
                fastcgi_temp_path FOLDER/f; uwsgi_temp_path FOLDER/u; scgi_temp_path FOLDER/s;
                SERVERS }";
        let settings = settings.replace("SERVERS", servers);
        Self::start(upstream, &["nginx", "-e", "stderr", "-c"], &settings).await
    }

    /// `options` are those of the line `server`.
    async fn haproxy(service: &Service, options: &str) -> Self {
        let settings = "defaults\n mode http\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n\
            frontend all\n bind LISTEN\n default_backend one\nbackend one\n server one SERVICE OPTIONS\n";
        Self::start(&address_of(service), &["haproxy", "-db", "-f"], &settings.replace("OPTIONS", options))
            .await
    }

    async fn caddy(service: &Service) -> Self {
        let settings = "{\n admin off\n auto_https off\n}\nhttp://LISTEN {\n reverse_proxy SERVICE\n}\n";
        Self::start(&address_of(service), &["caddy", "run", "--adapter", "caddyfile", "--config"], settings)
            .await
    }
}

pub(crate) fn address_of(service: &Service) -> String {
    service.url("").replace("http://", "")
}

/// The complete response to these bytes.
pub(crate) fn send(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection is accepted");
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out can be set");
    stream.write_all(bytes).expect("bytes are taken");
    let mut answer = Vec::new();
    // The connection may be reset after the response.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of a POST as `curl -X POST` sends it: without a body and without `Content-Length`.
pub(crate) fn post(address: &str, version: &str, path: &str, user: u32) -> String {
    let token = token_of(user);
    let head = format!(
        "POST {path} HTTP/{version}\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    let answer = send(address, head.as_bytes());
    answer.split(' ').nth(1).unwrap_or_else(|| panic!("no status: {answer:?}")).to_owned()
}

pub(crate) async fn on_sqlite(level: &str) -> Service {
    ServiceBuilder::on("sqlite://streams.db")
        .with("LOG_LEVEL", level)
        .with("LOG_FORMAT", "json")
        .start()
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_post_without_a_body_passes_every_proxy_with_its_defaults() {
    let service = on_sqlite("info").await;
    let proxies = [
        ("none", address_of(&service), None),
        ("nginx", String::new(), Some(Proxy::nginx(&service).await)),
        ("HAProxy", String::new(), Some(Proxy::haproxy(&service, "").await)),
        ("Caddy", String::new(), Some(Proxy::caddy(&service).await)),
    ];
    for (name, direct, proxy) in proxies {
        let address = proxy.as_ref().map_or(direct.as_str(), |proxy| proxy.address.as_str());
        for version in ["1.1", "1.0"] {
            let statuses = ["generate-key", "generate-key", "stop", "stop"]
                .map(|route| post(address, version, &format!("/api/streams/{route}"), 1));
            assert_eq!(statuses, ["201", "409", "200", "404"], "through {name}, HTTP/{version}");
        }
    }
    let errors = service.program.errors();
    assert!(!errors.contains(r#""level":"ERROR""#), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn invalid_input_is_logged_at_info_with_its_protocol() {
    let service = on_sqlite("info").await;
    let address = address_of(&service);
    send(&address, b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03");
    send(&address, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    send(&address, b"GARBAGE\r\n\r\n");
    let chunk = "POST /api/streams/stop HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\
                 Authorization: Bearer ";
    send(&address, format!("{chunk}{}\r\n\r\nzz\r\n", token_of(1)).as_bytes());
    let proxy = Proxy::haproxy(&service, "send-proxy").await;
    send(&proxy.address, b"GET /health HTTP/1.0\r\n\r\n");
    let wanted =
        ["TLS on the plain port", "HTTP/2 without upgrade", "PROXY protocol", "not HTTP", r#""status":400"#];
    eventually("a line for each of them", || async {
        let log = service.program.errors();
        wanted.iter().all(|words| log.contains(words))
    })
    .await;
    let log = service.program.errors();
    assert!(!log.contains(r#""level":"ERROR""#) && !log.contains("actix_http"), "{log}");
    let unread = log.lines().filter(|line| line.contains("could not be read"));
    unread.for_each(|line| assert!(line.contains(r#""peer":"127.0.0.1""#), "{line}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_of_a_healthy_service_are_not_logged_and_requests_have_their_peer() {
    let service = on_sqlite("info").await;
    for path in ["/health", "/health/live", "/health/ready"] {
        assert_eq!(service.get(path).await.status, 200);
    }
    assert_eq!(service.get("/api/streams/public").await.status, 200);
    eventually("the request's line", || async {
        service.program.errors().contains(r#""route":"/api/streams/public""#)
    })
    .await;
    let log = service.program.errors();
    assert!(!log.contains(r#""route":"/health"#), "{log}");
    let line = log.lines().find(|line| line.contains(r#""route":"/api/streams/public""#));
    let line = line.unwrap_or_default();
    assert!(line.contains(r#""peer":"127.0.0.1""#) && line.contains(r#""bytes":"#), "{line}");
}

/// The limit counts clients that a trusted proxy names, and no address that may stand for many.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_the_internet_reads_what_is_public_so_often() {
    let store = TestStore::new(StoreKind::Sqlite);
    let setup = store.setup().with("PUBLIC_READS_PER_MINUTE", "3").with("TRUSTED_PROXIES", "127.0.0.0/8");
    let service = setup.start().await;
    let read = async |path: &str, client: &str| {
        let request = service.request(Method::GET, path);
        let request = if client.is_empty() { request } else { request.header("X-Forwarded-For", client) };
        service.send(request).await
    };
    let paths = ["/api/streams/public", "/api/streams/public?live=true", "/api/streams/public/unknown"];
    for path in paths {
        assert_ne!(read(path, "203.0.113.9").await.status, 429, "{path}");
    }
    for path in paths {
        let refused = read(path, "203.0.113.9").await;
        assert_eq!((refused.status, refused.code()), (429, "too_many_requests"), "{path}");
        assert_eq!(refused.header("ratelimit-policy"), Some(r#""public-reads";q=3;w=60"#));
        assert!(refused.header("retry-after").is_some());
    }
    // Its neighbour in a /64 is the same customer.
    for host in 1..=3 {
        assert_eq!(read("/api/streams/public", &format!("2001:db8::{host}")).await.status, 200);
    }
    assert_eq!(read("/api/streams/public", "2001:db8::4").await.status, 429);
    assert_eq!(read("/api/streams/public", "2001:db8:0:1::4").await.status, 200);
    for client in ["", "10.1.2.3", "192.168.7.8", "100.64.0.1", "fd00::1", "198.51.100.7"] {
        assert_eq!(read("/api/streams/public", client).await.status, 200, "{client}");
    }
    for _ in 0..5 {
        assert_eq!(read("/api/streams/public", "10.1.2.3").await.status, 200);
    }
    // A key is looked up for a media server, however often.
    let key = service.key_of(1).await;
    for _ in 0..5 {
        assert_eq!(read(&format!("/api/streams/{key}"), "203.0.113.9").await.status, 200);
    }
}
