//! Anonymous load does not starve other clients: whatever 64 connections request, a viewer and a media server get
//! their responses.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use stream_tests::{Service, StoreKind, TestStore};

/// How many streams are active.
const STREAMS: u32 = 5_000;

/// How many connections make the load, each with one request after the other.
const LOAD_CONNECTIONS: u32 = 64;

/// How often the viewer and the media server send a request under that load.
const REQUESTS: usize = 40;

/// A connection for many requests.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn to(address: &str) -> Self {
        let stream = TcpStream::connect(address).expect("the service accepts connections");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out can be set");
        stream.set_nodelay(true).expect("a socket takes options");
        Self(BufReader::new(stream))
    }

    /// The status of the response, which is read to its end.
    fn get(&mut self, path: &str) -> u16 {
        let head = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
        self.0.get_mut().write_all(head.as_bytes()).expect("a request is accepted");
        let (mut status, mut length) = (0, 0);
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).expect("a response comes");
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if status == 0 {
                status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
            }
            if let Some(text) = line.strip_prefix("content-length: ") {
                length = text.parse().expect("a length");
            }
        }
        self.0.read_exact(&mut vec![0; length]).expect("a body comes");
        status
    }
}

fn seed(store: &TestStore) {
    store.sql(&match store {
        TestStore::Sqlite(_) => format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {STREAMS})
             INSERT INTO streams (stream_key, status, created_at, updated_at, expires_at, playback_id)
             SELECT 'seed-' || i, 'active', strftime('%Y-%m-%d %H:%M:%f000', 'now', '-' || i || ' seconds'),
                    strftime('%Y-%m-%d %H:%M:%f000', 'now'), strftime('%Y-%m-%d %H:%M:%f000', 'now', '+9 hours'),
                    printf('%032x', i) FROM n"
        ),
        TestStore::Postgres(_) => format!(
            "INSERT INTO streams (stream_key, status, created_at, updated_at, expires_at)
             SELECT 'seed-' || i, 'active', timezone('UTC', now()) - i * INTERVAL '1 second',
                    timezone('UTC', now()), timezone('UTC', now()) + INTERVAL '9 hours'
             FROM generate_series(1, {STREAMS}) AS i; ANALYZE streams"
        ),
    });
}

/// The path of the nth request of the load.
type Path = fn(u32) -> String;

fn page_of_any_size(turn: u32) -> String {
    format!("/api/streams/public?limit={}", turn.wrapping_mul(7_919) % 1_000 + 1)
}

/// A cursor is 8 bytes of time and 4 of a number, as base64url.
fn page_after_any_cursor(turn: u32) -> String {
    use base64::Engine as _;
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&(4_000_000_000_000_000_i64 + i64::from(turn)).to_be_bytes());
    bytes[8..].copy_from_slice(&turn.to_be_bytes());
    let cursor = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes);
    format!("/api/streams/public?cursor={cursor}&live={}", turn.is_multiple_of(3))
}

fn unknown_key(turn: u32) -> String {
    format!("/api/streams/nobody-has-{turn}")
}

fn unknown_playback_id(turn: u32) -> String {
    format!("/api/streams/public/f{turn:031x}")
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The median response times of the viewer with the media server, and of the load.
fn measure(service: &Service, path_of: Path) -> (Duration, Duration) {
    let address = service.url("").replace("http://", "");
    let (is_over, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let load: Vec<_> = (0..LOAD_CONNECTIONS)
        .map(|number| {
            let (address, is_over, asked) = (address.clone(), is_over.clone(), asked.clone());
            std::thread::spawn(move || {
                let (mut connection, mut waited) = (Connection::to(&address), Vec::new());
                let mut turn = number;
                while !is_over.load(Ordering::Relaxed) {
                    let began = Instant::now();
                    let status = connection.get(&path_of(turn));
                    assert!(matches!(status, 200 | 404), "{status} for {}", path_of(turn));
                    // The first requests may be served before the load has built up.
                    if asked.fetch_add(1, Ordering::Relaxed) >= LOAD_CONNECTIONS {
                        waited.push(began.elapsed());
                    }
                    turn += LOAD_CONNECTIONS;
                }
                waited
            })
        })
        .collect();
    while asked.load(Ordering::Relaxed) < LOAD_CONNECTIONS / 4 {
        std::thread::yield_now();
    }
    let (mut viewer, mut waited) = (Connection::to(&address), Vec::new());
    for _ in 0..REQUESTS {
        for path in ["/api/streams/public?limit=50", "/api/streams/seed-17"] {
            let began = Instant::now();
            assert_eq!(viewer.get(path), 200, "under load of {}", path_of(1));
            waited.push(began.elapsed());
        }
    }
    while asked.load(Ordering::Relaxed) < LOAD_CONNECTIONS * 2 {
        std::thread::yield_now();
    }
    is_over.store(true, Ordering::Relaxed);
    let load = load.into_iter().flat_map(|one| one.join().expect("the load gets responses, too"));
    (median(waited), median(load.collect()))
}

async fn anonymous_load_does_not_starve_other_requests(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = store.setup().with("LOG_LEVEL", "info").start().await;
    seed(&store);
    let loads: [(&str, Path); 4] = [
        ("pages of any size", page_of_any_size),
        ("pages after any cursor", page_after_any_cursor),
        ("unknown keys", unknown_key),
        ("unknown playback ids", unknown_playback_id),
    ];
    for (what, path_of) in loads {
        let (viewer, load) = tokio::task::block_in_place(|| measure(&service, path_of));
        // One of 64 connections waits for the other 63; both are measured at once, so a slow machine slows both.
        assert!(viewer * 3 < load, "{what}: a viewer waits {viewer:?}, the load {load:?}");
    }
}

super::on_both_stores! { anonymous_load_does_not_starve_other_requests }
