//! Slow clients.

use super::World;

#[test]
fn a_head_that_never_arrives_is_408() {
    let world = World::new();
    let mut client = world.connect();
    client.write(b"GET /health HTTP/1.1\r\nHost: te");
    let answer = client.read(true);
    assert_eq!((answer.status, answer.code().as_str()), (408, "request_timeout"));
    assert!(client.is_closed());
}

#[test]
fn a_body_that_never_arrives_is_408() {
    let world = World::new();
    let mut client = world.connect();
    client.write(b"POST /api/streams/stop HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer user-1\r\nContent-Length: 10\r\n\r\n{");
    let answer = client.read(true);
    assert_eq!((answer.status, answer.code().as_str()), (408, "request_timeout"));
}

#[test]
fn a_later_head_that_never_arrives_ends_the_connection() {
    let world = World::new();
    let mut client = world.connect();
    assert_eq!(client.send("GET /health/live HTTP/1.1\r\nHost: test\r\n").status, 200);
    client.write(b"G");
    assert!(client.is_closed());
}

#[test]
fn half_a_request_after_a_whole_one_does_not_keep_the_connection_open() {
    let world = World::new();
    let mut client = world.connect();
    client.write(b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\nG");
    assert_eq!(client.read(true).status, 200);
    assert!(client.is_closed());
}

#[test]
fn an_idle_connection_is_closed_after_the_keep_alive() {
    let world = World::new();
    let mut client = world.connect();
    assert_eq!(client.send("GET /health/live HTTP/1.1\r\nHost: test\r\n").status, 200);
    assert!(client.is_closed());
}

#[test]
fn after_a_slow_or_large_body_the_connection_is_closed() {
    let world = World::new();
    for rest in [
        "Content-Length: 10\r\n\r\n{",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nab",
        "Content-Length: 99999\r\n\r\nx",
    ] {
        // A request that is left half-sent at the same time, to compare with.
        let mut other = world.connect();
        other.write(b"GET /health/live HTTP/1.1\r\n");
        let mut client = world.connect();
        client.write(
            format!(
                "POST /api/streams/stop HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer user-1\r\n{rest}"
            )
            .as_bytes(),
        );
        let answer = client.read(true);
        assert!([408, 413].contains(&answer.status), "{answer:?}");
        assert_eq!(answer.header("connection"), Some("close"));
        assert!(client.is_closed());
        assert_eq!(
            other.send("Host: test\r\n").status,
            200,
            "{rest:?}: it was closed because of its silence"
        );
    }
}

#[test]
fn a_client_that_reads_no_response_is_disconnected() {
    let mut world = World::new();
    for user in 1..=500 {
        world.key_of(user);
    }
    let mut client = world.connect();
    // Some 200 MB of responses, far more than the system buffers for a client that does not read.
    for _ in 0..1_000 {
        if !client.try_write(b"GET /api/streams/public HTTP/1.1\r\nHost: test\r\n\r\n") {
            break;
        }
    }
    std::thread::sleep(std::time::Duration::from_secs(2));
    world.begin_to_stop();
    assert_eq!(world.join(), 0, "the connection was still open");
}
