//! An attempt's end when nothing else ends it.

use std::future::pending;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc::unbounded_channel;

use super::server::Server;
use super::{ENOUGH, LONG, SHORT, at_home, error, options, send};
use crate::WebhookClient;

const OVER: &str = "timed out after 0.2 s";

#[tokio::test]
async fn the_time_ends_while_a_name_is_asked_for() {
    let mut options = options(&["127.0.0.0/8"], &[], SHORT);
    options.look_up = Arc::new(|_| Box::pin(pending()));
    let client = WebhookClient::with(options).unwrap();
    for url in ["http://hooks.example/", "https://hooks.example/"] {
        assert_eq!(error(&client, url).await, OVER);
        assert_eq!(client.look_up(url).await.unwrap_err(), OVER);
    }
}

#[tokio::test]
async fn the_time_ends_while_tls_or_an_answer_is_waited_for() {
    // It takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    for scheme in ["http", "https"] {
        assert_eq!(error(&at_home(SHORT), &format!("{scheme}://127.0.0.1:{port}/")).await, OVER);
    }
}

#[tokio::test]
async fn the_time_ends_while_headers_trickle() {
    let server = Server::playing(|wire| {
        let _ = wire.write_all(b"HTTP/1.1 200 x\r\n");
        while wire.write_all(b"x: y\r\n").is_ok() {
            std::thread::sleep(SHORT / 4);
        }
    });
    assert_eq!(error(&at_home(SHORT), &server.url()).await, OVER);
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_none_and_not_the_next_ones() {
    let (release, released) = channel::<&'static [u8]>();
    let released = Mutex::new(released);
    let server = Server::playing(move |wire| {
        let answer = released.lock().unwrap().recv().unwrap();
        let _ = wire.write_all(answer);
    });
    assert_eq!(error(&at_home(SHORT), &server.url()).await, OVER);
    release.send(b"HTTP/1.1 200 late\r\n\r\nlate").unwrap();
    release.send(b"HTTP/1.1 201 next\r\n\r\nnext").unwrap();
    let next = send(&at_home(LONG), &server.url()).await;
    assert_eq!((next.status, &*next.body), (Some(201), "next"));
}

#[tokio::test]
async fn a_body_that_stops_leaves_the_status_and_its_connection_is_closed() {
    let (closed, closes) = channel();
    let server = Server::playing(move |wire| {
        wire.write_all(b"HTTP/1.1 410 x\r\ncontent-length: 100\r\n\r\ngone").unwrap();
        // Until the other end is gone.
        let _ = wire.read(&mut [0]);
        closed.send(()).unwrap();
    });
    let answer = send(&at_home(ENOUGH), &server.url()).await;
    assert_eq!((answer.status, &*answer.body, answer.error), (Some(410), "gone", None));
    closes.recv_timeout(LONG).expect("the connection ends with the attempt");
}

#[tokio::test]
async fn an_attempt_that_is_over_or_given_up_leaves_no_connection() {
    let (closed, closes) = channel();
    let (asked, mut asks) = unbounded_channel();
    let server = Server::playing(move |wire| {
        asked.send(()).unwrap();
        let _ = wire.read(&mut [0]);
        closed.send(()).unwrap();
    });
    assert_eq!(error(&at_home(ENOUGH), &server.url()).await, "timed out after 2 s");
    closes.recv_timeout(LONG).expect("it ends with the time");
    asks.recv().await.unwrap();
    let (client, url) = (at_home(LONG), server.url());
    tokio::select! {
        answer = send(&client, &url) => panic!("{answer:?}"),
        asked = asks.recv() => asked.unwrap(),
    }
    closes.recv_timeout(LONG).expect("it ends with what waits for it");
}
