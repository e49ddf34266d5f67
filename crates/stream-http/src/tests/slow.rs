//! Clients that take their time.

use super::World;

#[test]
fn a_head_that_does_not_come_is_408() {
    let world = World::new();
    let mut client = world.connect();
    client.write(b"GET /health HTTP/1.1\r\nHost: te");
    let answer = client.read(true);
    assert_eq!((answer.status, answer.code().as_str()), (408, "request_timeout"));
    assert!(client.is_closed());
}

#[test]
fn a_body_that_does_not_come_is_408() {
    let world = World::new();
    let mut client = world.connect();
    client.write(b"POST /api/streams/stop HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer user-1\r\nContent-Length: 10\r\n\r\n{");
    let answer = client.read(true);
    assert_eq!((answer.status, answer.code().as_str()), (408, "request_timeout"));
}

#[test]
fn a_client_that_takes_no_answer_is_let_go() {
    let mut world = World::new();
    for user in 1..=500 {
        world.key_of(user);
    }
    let mut client = world.connect();
    // Some 200 MB of answers, far more than the system holds for a client that does not read.
    for _ in 0..1_000 {
        if !client.try_write(b"GET /api/streams/public HTTP/1.1\r\nHost: test\r\n\r\n") {
            break;
        }
    }
    std::thread::sleep(std::time::Duration::from_secs(2));
    world.begin_to_stop();
    assert_eq!(world.join(), 0, "the connection was still open");
}
