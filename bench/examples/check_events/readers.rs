//! Readers of the stream of events, of whom one never reads.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use stream_test_postgres::Cluster;
use stream_tests::token_of;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::sleep;

use crate::pair::{Pair, ask};

/// How many read the stream of events, one user each.
const READERS: u32 = 2_000;

/// How many events each of them is to get.
const EVENTS_EACH: usize = 10;

/// How many events of its own a reader leaves unread, which is more than its connection holds.
const UNREAD: u32 = 60_000;

/// What the readers have got so far.
#[derive(Default)]
struct Got {
    events: AtomicU64,
    reconnects: AtomicU64,
}

/// Reads its own events to the last one, at whichever instance is there; checks their order.
async fn read_stream(pair: Arc<Pair>, user: u32, got: Arc<Got>) {
    let (mut place, mut last, mut events) = (user as usize % 2, "0".to_owned(), Vec::new());
    while events.len() < EVENTS_EACH {
        let Ok(stream) = TcpStream::connect(pair.address(place)).await else {
            place = 1 - place;
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let mut stream = BufReader::new(stream);
        let head = format!(
            "GET /api/events/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nLast-Event-ID: {last}\r\n\
             Authorization: Bearer {}\r\n\r\n",
            token_of(user)
        );
        let sent = stream.get_mut().write_all(head.as_bytes()).await;
        let mut line = String::new();
        while sent.is_ok() && events.len() < EVENTS_EACH {
            line.clear();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                break;
            }
            if let Some(id) = line.strip_prefix("id: ") {
                last = id.trim().to_owned();
            } else if let Some(data) = line.strip_prefix("data: ") {
                let event: Value = serde_json::from_str(data).expect("an event is JSON");
                events.push((event["position"].as_i64(), event["type"].as_str().map(str::to_owned)));
                got.events.fetch_add(1, Ordering::Relaxed);
            }
        }
        got.reconnects.fetch_add(1, Ordering::Relaxed);
    }
    assert!(events.is_sorted_by(|one, next| one.0 < next.0), "user {user}: {events:?}");
    let kinds: Vec<&str> = events.iter().filter_map(|(_, kind)| kind.as_deref()).collect();
    assert_eq!(kinds, ["stream.created", "stream.stopped"].repeat(EVENTS_EACH / 2), "user {user}");
}

/// A reader that never reads, with as small a window as the system gives.
async fn ignore_stream(address: SocketAddr, user: u32) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("the system takes it");
    let mut stream = socket.connect(address).await.expect("the service listens");
    let head = format!(
        "GET /api/events/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\n\r\n",
        token_of(user)
    );
    stream.write_all(head.as_bytes()).await.expect("the service reads");
    stream
}

/// How many of the connections to an instance are open, by what the system says.
async fn connections(address: SocketAddr) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let local = format!("0100007F:{:04X}", address.port());
    let of_server = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    of_server
        .filter(|columns| columns.get(1) == Some(&local.as_str()) && columns.get(3) == Some(&"01"))
        .count()
}

#[expect(clippy::print_stdout, reason = "this is what the example is for")]
pub(crate) async fn check_readers() {
    let database = Cluster::shared().database();
    let pair = Arc::new(Pair::start(&database).await);
    let silent_user = READERS + 1;
    let silent = ignore_stream(pair.address(0), silent_user).await;
    let before = (pair.memory(0).await, connections(pair.address(0)).await);
    let got = Arc::new(Got::default());
    let readers: Vec<_> =
        (1..=READERS).map(|user| tokio::spawn(read_stream(pair.clone(), user, got.clone()))).collect();
    sleep(Duration::from_secs(3)).await;
    let connected = (pair.memory(0).await, connections(pair.address(0)).await);
    let began = Instant::now();
    // What one never reads.
    database.sql(&format!(
        "INSERT INTO stream_events (type, user_id, stream_id, data)
         SELECT 'stream.updated', {silent_user}, 1, '{{\"stream_id\":1,\"playback_id\":\"' || repeat('x', 200) || '\"}}'
         FROM generate_series(1, {UNREAD})"
    ));
    let mut most = 0;
    for _ in 0..EVENTS_EACH / 2 {
        for path in ["/api/streams/generate-key", "/api/streams/stop"] {
            for users in (1..=READERS).collect::<Vec<_>>().chunks(64) {
                let asked = users.iter().map(|user| ask(pair.address(1), "POST", path, *user));
                for answer in futures_util::future::join_all(asked).await {
                    assert!(answer.is_some_and(|(status, _)| status < 300), "{path}");
                }
            }
            most = most.max(pair.memory(0).await);
        }
        // In the middle of it an instance is killed, and half of the readers go on at the other one.
        if got.reconnects.load(Ordering::Relaxed) == 0 {
            pair.kill(0).await;
        }
    }
    for reader in readers {
        reader.await.expect("every reader has got each event of its own, in order");
    }
    let took = began.elapsed();
    drop(silent);
    println!(
        "readers: {} events to {READERS} readers on two instances in {:.0} s, each its own in order; one instance was killed, \
         after which {} connections were made anew and missed nothing; memory of the instance: {} MiB before, {} MiB with {} \
         readers, {most} MiB at most, with {UNREAD} events that one of them did not read",
        got.events.load(Ordering::Relaxed),
        took.as_secs_f64(),
        got.reconnects.load(Ordering::Relaxed).saturating_sub(READERS.into()),
        before.0,
        connected.0,
        connected.1,
    );
}

/// A reader that does not read is dropped, and its events are not held for it.
#[expect(clippy::print_stdout, reason = "this is what the example is for")]
pub(crate) async fn check_silent_reader() {
    let database = Cluster::shared().database();
    let pair = Pair::start(&database).await;
    let silent = ignore_stream(pair.address(0), 1).await;
    sleep(Duration::from_millis(500)).await;
    let (before, open) = (pair.memory(0).await, connections(pair.address(0)).await);
    assert_eq!(open, 1);
    database.sql(&format!(
        "INSERT INTO stream_events (type, user_id, stream_id, data)
         SELECT 'stream.updated', 1, 1, '{{\"stream_id\":1,\"playback_id\":\"' || repeat('x', 200) || '\"}}'
         FROM generate_series(1, {UNREAD})"
    ));
    let began = Instant::now();
    let mut most = before;
    while connections(pair.address(0)).await > 0 {
        assert!(began.elapsed() < Duration::from_secs(120), "the silent reader is still there");
        most = most.max(pair.memory(0).await);
        sleep(Duration::from_millis(250)).await;
    }
    println!(
        "silent reader: dropped {:.0} s after {UNREAD} events of its own; memory of the instance: {before} MiB before, {most} \
         MiB at most",
        began.elapsed().as_secs_f64()
    );
    drop(silent);
}
