//! Receivers of webhooks in this process: one notes what it is sent and answers, the other never does. And what
//! the database says that they are to get.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use stream_test_postgres::Database;
use stream_tests::token_of;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

/// How long a receiver takes to answer.
const WORK: Duration = Duration::from_millis(5);

/// How long anything may take that is waited for.
pub(crate) const LIMIT: Duration = Duration::from_secs(300);

/// What a receiver was sent.
#[derive(Clone)]
pub(crate) struct Arrival {
    /// When it had come as a whole.
    pub(crate) at: OffsetDateTime,
    /// Its `webhook-id`.
    pub(crate) id: String,
    pub(crate) body: String,
    pub(crate) position: i64,
    /// When the event happened.
    told: OffsetDateTime,
}

impl Arrival {
    /// How many milliseconds after its event it came.
    pub(crate) fn late(&self) -> i128 {
        (self.at - self.told).whole_milliseconds()
    }
}

/// A receiver; it listens until the process ends.
pub(crate) struct Receiver {
    port: u16,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    connections: Arc<AtomicUsize>,
}

impl Receiver {
    /// One that answers 204; on any free port if this is zero.
    pub(crate) async fn start(port: u16) -> Self {
        let (receiver, listener) = Self::listen(port).await;
        let arrivals = receiver.arrivals.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(receive(stream, arrivals.clone()));
            }
        });
        receiver
    }

    /// One that takes connections, and never answers.
    pub(crate) async fn start_hanging() -> Self {
        let (receiver, listener) = Self::listen(0).await;
        let connections = receiver.connections.clone();
        tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::Relaxed);
                held.push(stream);
            }
        });
        receiver
    }

    async fn listen(port: u16) -> (Self, TcpListener) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.expect("the port is free");
        let port = listener.local_addr().expect("a bound port").port();
        (Self { port, arrivals: Arc::default(), connections: Arc::default() }, listener)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }

    /// How often something came.
    pub(crate) fn count(&self) -> usize {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// What came, in the order in which it did.
    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.arrivals.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many connections were made to one that hangs.
    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

/// The time by the clock that the instances have, too.
#[expect(clippy::disallowed_methods, reason = "what happens is measured in real time")]
pub(crate) fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// Notes and answers what comes on a connection.
async fn receive(stream: TcpStream, arrivals: Arc<Mutex<Vec<Arrival>>>) {
    // An answer is not to wait for another.
    let _ = stream.set_nodelay(true);
    let mut stream = BufReader::new(stream);
    while let Some((id, body)) = read(&mut stream).await {
        let at = now();
        let event: Value = serde_json::from_str(&body).expect("a body is JSON");
        let told = event["timestamp"].as_str().and_then(|text| OffsetDateTime::parse(text, &Rfc3339).ok());
        let (position, told) = (event["position"].as_i64(), told.expect("a body has a time"));
        let arrival = Arrival { at, id, body, position: position.expect("a body has a position"), told };
        arrivals.lock().unwrap_or_else(PoisonError::into_inner).push(arrival);
        sleep(WORK).await;
        if stream.get_mut().write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.is_err() {
            return;
        }
    }
}

/// A whole message: its `webhook-id` and its body; `None` when the connection has ended.
async fn read(stream: &mut BufReader<TcpStream>) -> Option<(String, String)> {
    let (mut id, mut length, mut line) = (None, 0, String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some(("webhook-id", value)) => id = Some(value.to_owned()),
            Some(("content-length", value)) => length = value.parse().expect("a length is a number"),
            _ if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    Some((id.expect("a message has an id"), String::from_utf8(body).expect("a body is text")))
}

/// Adds a receiver as an endpoint of this user.
pub(crate) async fn add_endpoint(address: SocketAddr, user: u32, receiver: &Receiver) {
    let body = json!({"url": receiver.url()}).to_string();
    let request = format!(
        "POST /api/webhooks HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: application/json\r\nAuthorization: Bearer {}\r\n\r\n{body}",
        body.len(),
        token_of(user)
    );
    let mut stream = TcpStream::connect(address).await.expect("the service listens");
    stream.write_all(request.as_bytes()).await.expect("the service reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("the service answers");
    assert_eq!(answer.split(' ').nth(1), Some("201"), "{answer}");
}

/// Waits until a statement gives this number.
pub(crate) async fn wait_for(database: &Database<'_>, number: &str, statement: &str) {
    let began = now();
    while database.sql(statement) != number {
        assert!(now() - began < LIMIT, "{statement}: {}", database.sql(statement));
        sleep(Duration::from_millis(200)).await;
    }
}

/// The positions of events, the first one first.
pub(crate) fn positions(database: &Database<'_>, which: &str) -> Vec<i64> {
    let told = database.sql(&format!("SELECT position FROM stream_events WHERE {which} ORDER BY position"));
    told.lines().map(|line| line.parse().expect("a position")).collect()
}
