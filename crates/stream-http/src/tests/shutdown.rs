//! Stopping without leaving a request unanswered.

use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use super::World;

#[test]
fn a_stopping_service_is_not_ready_and_closes_after_each_response() {
    let mut world = World::new();
    let mut old = world.connect();
    assert_eq!(old.send("GET /health/ready HTTP/1.1\r\nHost: test\r\n").status, 200);
    world.begin_to_stop();
    while world.readiness.not_ready_reason().is_none() {
        thread::yield_now();
    }
    let new = world.get("/health/ready");
    assert_eq!((new.status, new.header("connection")), (503, Some("close")));
    let last = old.send("GET /health/live HTTP/1.1\r\nHost: test\r\n");
    assert_eq!((last.status, last.header("connection")), (200, Some("close")));
    assert!(old.is_closed());
    assert_eq!(world.join(), 0);
}

#[test]
fn every_accepted_connection_is_answered() {
    let mut world = World::new();
    let address = world.address;
    // Connections while the service stops; each that is made must be answered.
    let clients: Vec<_> = (0..8)
        .map(|_| {
            thread::spawn(move || {
                let (mut answered, mut lost) = (0, 0);
                while let Ok(stream) = TcpStream::connect(address) {
                    drop(stream.set_read_timeout(Some(Duration::from_secs(10))));
                    match exchange(stream) {
                        true => answered += 1,
                        false => lost += 1,
                    }
                }
                (answered, lost)
            })
        })
        .collect();
    thread::sleep(Duration::from_millis(200));
    world.begin_to_stop();
    let cut = world.join();
    let outcomes: Vec<(u32, u32)> = clients.into_iter().map(|client| client.join().unwrap()).collect();
    let answered: u32 = outcomes.iter().map(|(answered, _)| answered).sum();
    let lost: u32 = outcomes.iter().map(|(_, lost)| lost).sum();
    // The system refuses connections between the last accept and the closing of the listener: at most one a client.
    assert!(answered > 100 && lost <= 8 && cut == 0, "answered {answered}, lost {lost}, cut {cut}");
}

fn exchange(mut stream: TcpStream) -> bool {
    use std::io::{Read as _, Write as _};
    let mut answer = Vec::new();
    stream.write_all(b"GET /health/live HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").is_ok()
        && stream.read_to_end(&mut answer).is_ok()
        && answer.starts_with(b"HTTP/1.1 200")
}

#[test]
fn an_idle_connection_does_not_delay_the_stop() {
    let mut world = World::new();
    let mut silent = world.connect();
    // One whose request is there before the server looks, and one whose request comes later.
    let mut early = world.connect();
    early.write(b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(early.read(true).status, 200);
    let mut idle = world.connect();
    thread::sleep(Duration::from_millis(100));
    assert_eq!(idle.send("GET /health/live HTTP/1.1\r\nHost: test\r\n").status, 200);
    world.begin_to_stop();
    // The deadline is earlier than the timeout of an idle connection, so none had to be dropped at the deadline.
    assert_eq!(world.join(), 0);
    assert!(silent.is_closed());
    assert!(early.is_closed());
    assert!(idle.is_closed());
}

#[test]
fn a_connection_that_was_just_accepted_is_answered() {
    let mut world = World::new();
    let mut client = world.connect();
    world.begin_to_stop();
    thread::sleep(Duration::from_millis(400));
    assert_eq!(client.send("GET /health/live HTTP/1.1\r\nHost: test\r\n").status, 200);
    assert_eq!(world.join(), 0);
}

#[test]
fn a_request_that_has_begun_may_be_finished() {
    let mut world = World::new();
    let mut client = world.connect();
    client.write(b"GET /health/live HTTP/1.1\r\nHost: te");
    thread::sleep(Duration::from_millis(100));
    world.begin_to_stop();
    // After the notice and the last call.
    thread::sleep(Duration::from_millis(2_000));
    client.write(b"st\r\n\r\n");
    assert_eq!(client.read(true).status, 200);
    assert_eq!(world.join(), 0);
}
