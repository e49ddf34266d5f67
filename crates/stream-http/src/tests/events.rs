//! The log of events, by position and as a stream.

use std::io::Read as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;
use stream_domain::ports::EventLog as _;

use super::World;

/// A reader of the stream of events.
pub(super) struct Reader {
    stream: TcpStream,
    text: String,
}

impl Reader {
    pub(super) fn connect(world: &World, token: &str, path: &str, more: &str) -> Self {
        use std::io::Write as _;
        let mut stream = TcpStream::connect(world.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let head =
            format!("GET {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n{more}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        Self { stream, text: String::new() }
    }

    /// Reads on until this comes; returns everything up to it, and forgets that.
    pub(super) fn wait_for(&mut self, what: &str) -> String {
        let began = Instant::now();
        while !self.text.contains(what) {
            let is_late = began.elapsed() > Duration::from_secs(20);
            assert!(!is_late && self.read_some(), "{what:?} did not come: {}", self.text);
        }
        let end = self.text.find(what).unwrap() + what.len();
        self.text.drain(..end).collect()
    }

    /// Reads to the end, and returns what came.
    fn rest(mut self) -> String {
        while self.read_some() {}
        self.text
    }

    fn read_some(&mut self) -> bool {
        let mut bytes = [0; 4096];
        let length = self.stream.read(&mut bytes).expect("the response goes on or ends in time");
        self.text.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
        length > 0
    }
}

impl World {
    /// Goes on with the log, as the service does five times a second.
    fn advance_events(&self) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.event_feed.advance()).unwrap();
    }
}

fn types(page: &Value) -> Vec<&str> {
    page["events"].as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect()
}

#[test]
fn a_reader_goes_on_where_it_ended() {
    let world = World::new();
    assert_eq!(world.get_as("user-1", "/api/events").json()["next"], 0);
    let key = world.post_as("user-1", "/api/streams/generate-key").json()["stream"].take();
    world.post_as("user-2", "/api/streams/generate-key");
    world.post_as("user-1", "/api/streams/stop");
    let page = world.get_as("user-1", "/api/events?limit=1").json();
    assert_eq!((types(&page), &page["next"]), (vec!["stream.created"], &1.into()));
    let created = &page["events"][0];
    assert_eq!(created["data"]["playback_id"], key["playback_id"]);
    assert!(!created.to_string().contains(key["stream_key"].as_str().unwrap()), "{created}");
    let page = world.get_as("user-1", "/api/events?after=1").json();
    assert_eq!((types(&page), &page["next"]), (vec!["stream.stopped"], &3.into()));
    let page = world.get_as("user-1", "/api/events?after=3").json();
    assert_eq!((types(&page), &page["next"]), (vec![], &3.into()));
    let page = world.get_as("user-1", "/api/events?types=stream.stopped,%20stream.live").json();
    assert_eq!(types(&page), ["stream.stopped"]);
    assert_eq!(types(&world.get_as("user-2", "/api/events?after=").json()), ["stream.created"]);
}

#[test]
fn what_is_no_position_or_type_is_refused() {
    let world = World::new();
    for after in ["-1", "+1", "x", "9223372036854775808"] {
        assert_eq!(world.get_as("user-1", &format!("/api/events?after={after}")).code(), "invalid_after");
        assert_eq!(
            world.get_as("user-1", &format!("/api/events/stream?after={after}")).code(),
            "invalid_after"
        );
    }
    for types in ["stream", "stream.created,", "STREAM.CREATED"] {
        assert_eq!(world.get_as("user-1", &format!("/api/events?types={types}")).code(), "invalid_types");
    }
    for path in ["/api/events", "/api/events/stream"] {
        assert_eq!(world.get(path).code(), "missing_token");
        assert_eq!(world.get_as("user-1", &format!("{path}?after=1")).code(), "events_forgotten");
    }
}

#[test]
fn what_was_forgotten_is_told_so() {
    let world = World::new();
    for user in ["user-1", "user-2", "user-3"] {
        world.post_as(user, "/api/streams/generate-key");
    }
    let far = stream_domain::Timestamp::from_unix_micros(10_000_000_000_000_000).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(world.store.forget_events(far, far, 2)).ok(), Some(2));
    for path in ["/api/events?after=1", "/api/events/stream?after=0"] {
        let refused = world.get_as("user-1", path);
        assert_eq!((refused.status, refused.code().as_str()), (410, "events_forgotten"));
        assert!(refused.json()["error"].as_str().unwrap().contains("go on after 3"));
    }
    // Without a position, what is kept.
    assert_eq!(world.get_as("user-3", "/api/events").json()["events"][0]["position"], 3);
    assert_eq!(world.get_as("user-3", "/api/events?after=2").status, 200);
}

#[test]
fn events_are_streamed_as_they_happen() {
    let world = World::new();
    let mut reader = Reader::connect(&world, "user-1", "/api/events/stream", "");
    let head = reader.wait_for("retry: 2000\nid: 0\n\n");
    for header in
        ["content-type: text/event-stream\r\n", "x-accel-buffering: no\r\n", "cache-control: no-store\r\n"]
    {
        assert!(head.contains(header), "{head}");
    }
    world.post_as("user-1", "/api/streams/generate-key");
    world.post_as("user-2", "/api/streams/generate-key");
    world.advance_events();
    reader.wait_for("id: 1\nevent: stream.created\ndata: {\"position\":1,");
    // Another user's event moves the position alone.
    reader.wait_for(":\nid: 2\n\n");
    reader.wait_for(":\n\n");
    world.post_as("user-1", "/api/streams/stop");
    world.advance_events();
    reader.wait_for("id: 3\nevent: stream.stopped\n");
    assert!(!reader.text.contains("id: 2"), "{}", reader.text);
}

#[test]
fn a_reader_that_was_cut_off_misses_nothing() {
    let world = World::new();
    world.post_as("user-1", "/api/streams/generate-key");
    world.post_as("user-1", "/api/streams/stop");
    world.post_as("user-1", "/api/streams/generate-key");
    world.advance_events();
    // What the client saw last counts before what its page asked for once.
    let more = "Last-Event-ID: 1\r\n";
    let mut reader = Reader::connect(&world, "user-1", "/api/events/stream?after=0", more);
    reader.wait_for("id: 1\n\n");
    reader.wait_for("id: 2\nevent: stream.stopped\n");
    reader.wait_for("id: 3\nevent: stream.created\n");
    let mut reader = Reader::connect(&world, "user-1", "/api/events/stream?after=0&types=stream.stopped", "");
    reader.wait_for("id: 0\n\n");
    reader.wait_for("id: 2\nevent: stream.stopped\n");
    reader.wait_for(":\nid: 3\n\n");
}

#[test]
fn many_events_come_in_order_whether_held_or_read() {
    let world = World::new();
    let mut waiting = Reader::connect(&world, "user-1", "/api/events/stream", "");
    waiting.wait_for("id: 0\n\n");
    for _ in 0..130 {
        world.post_as("user-1", "/api/streams/generate-key");
        world.post_as("user-1", "/api/streams/stop");
    }
    world.advance_events();
    let mut late = Reader::connect(&world, "user-1", "/api/events/stream?after=0", "");
    for reader in [&mut waiting, &mut late] {
        for position in 1..=260 {
            reader.wait_for(&format!("id: {position}\nevent: "));
        }
    }
}

#[test]
fn a_stream_of_events_ends_with_its_token() {
    let world = World::new();
    let mut reader = Reader::connect(&world, "brief-1", "/api/events/stream", "");
    reader.wait_for("id: 0\n\n");
    world.post_as("user-1", "/api/streams/generate-key");
    world.advance_events();
    reader.wait_for("id: 1\n");
    reader.wait_for("\n\n");
    world.clock.advance(time::Duration::minutes(2));
    world.post_as("user-1", "/api/streams/stop");
    world.advance_events();
    let rest = reader.rest();
    assert!(rest.ends_with("0\r\n\r\n") && !rest.contains("stopped"), "{rest:?}");
    assert_eq!(world.get_as("brief-1", "/api/events").code(), "token_expired");
}

#[test]
fn a_user_has_ten_streams_of_events() {
    let world = World::new();
    let connect = |token| {
        let mut reader = Reader::connect(&world, token, "/api/events/stream", "");
        reader.wait_for("id: 0\n\n");
        reader
    };
    let mut readers: Vec<Reader> = (0..10).map(|_| connect("user-1")).collect();
    connect("user-2");
    let refused = world.get_as("user-1", "/api/events/stream");
    assert_eq!((refused.status, refused.code().as_str()), (429, "too_many_requests"));
    assert_eq!(refused.header("retry-after"), Some("2"));
    readers.pop();
    // The service sees that it is gone at the next sign of life, at the latest.
    while world.event_feed.readers() > 9 {
        std::thread::sleep(Duration::from_millis(10));
    }
    connect("user-1");
}

#[test]
fn a_stopping_service_ends_streams_of_events() {
    let mut world = World::new();
    let mut reader = Reader::connect(&world, "user-1", "/api/events/stream", "");
    reader.wait_for("id: 0\n\n");
    world.begin_to_stop();
    let rest = reader.rest();
    assert!(rest.ends_with("0\r\n\r\n"), "{rest:?}");
    assert_eq!(world.join(), 0);
}

#[test]
fn the_head_of_a_stream_of_events_ends_at_once() {
    let world = World::new();
    let head = "HEAD /api/events/stream HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer user-1\r\n\r\n";
    let mut client = world.connect();
    client.write(head.as_bytes());
    let answer = client.read(false);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/event-stream")));
    assert_eq!(client.send("GET /health/live HTTP/1.1\r\nHost: test\r\n").status, 200);
    assert_eq!(world.event_feed.readers(), 0);
}
