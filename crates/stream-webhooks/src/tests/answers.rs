//! What comes back, and what does not.

use std::time::Duration;

use stream_domain::ports::{WebhookAnswer, WebhookSender as _};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::{Receiver, client, client_within, loopback, message, run};

/// What is made of an answer.
async fn answer_to(answer: impl Into<Vec<u8>>) -> WebhookAnswer {
    let receiver = Receiver::start(answer).await;
    client(loopback(), &[]).send(&message(&receiver.url("127.0.0.1"))).await
}

/// What is made of a server that does this, by a client that waits for half a second.
async fn patience_with<F>(act: impl Fn(TcpStream) -> F + Send + 'static) -> WebhookAnswer
where
    F: Future<Output = ()> + Send + 'static,
{
    let receiver = Receiver::start_with(act).await;
    let client = client_within(loopback(), &[], Vec::new(), Duration::from_millis(500)).unwrap();
    client.send(&message(&receiver.url("127.0.0.1"))).await
}

#[test]
fn a_status_is_told_whatever_it_is() {
    run(async {
        for status in [200, 299, 301, 307, 400, 410, 500] {
            let answer = answer_to(format!("HTTP/1.1 {status} X\r\nContent-Length: 2\r\n\r\nok")).await;
            assert_eq!((answer.status, answer.error, &*answer.body), (Some(status), None, "ok"));
        }
    });
}

#[test]
fn a_redirect_is_not_followed() {
    run(async {
        let inner = Receiver::start("HTTP/1.1 200 OK\r\n\r\n").await;
        for status in [301, 302, 303, 307, 308] {
            let location = inner.url("127.0.0.1");
            let answer = answer_to(format!("HTTP/1.1 {status} X\r\nLocation: {location}\r\n\r\n")).await;
            assert_eq!(answer.status, Some(status));
        }
        assert_eq!(inner.requests(), [""; 0]);
    });
}

#[test]
fn retry_after_is_read_in_seconds_and_as_a_date() {
    run(async {
        for (header, expected) in [
            ("Retry-After: 120", Some(120)),
            // Ten seconds after the attempt, whose time has a fraction.
            ("Retry-After: Fri, 02 Jan 2026 03:04:20 GMT", Some(9)),
            ("Retry-After: Fri, 02 Jan 2026 03:04:00 GMT", None),
            ("Retry-After: soon", None),
            ("Retry-After: -1", None),
            ("X: y", None),
        ] {
            let answer = answer_to(format!("HTTP/1.1 503 X\r\n{header}\r\n\r\n")).await;
            assert_eq!(answer.retry_after.map(|pause| pause.as_secs()), expected, "{header}");
        }
    });
}

#[test]
fn a_server_that_hangs_is_waited_for_only_so_long() {
    run(async {
        let hanging = patience_with(|stream| async move {
            tokio::time::sleep(Duration::from_secs(60)).await;
            drop(stream);
        });
        let answer = hanging.await;
        assert_eq!((answer.status, answer.error.as_deref()), (None, Some("no answer within 0 seconds")));
        let late = patience_with(|mut stream| async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok();
        });
        assert_eq!(late.await.status, None);
    });
}

#[test]
fn a_body_that_stops_or_never_ends_takes_no_status_back() {
    run(async {
        let cut = answer_to("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nbeginn").await;
        assert_eq!((cut.status, cut.error, &*cut.body), (Some(200), None, "beginn"));
        let slow = patience_with(|mut stream| async move {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nslow").await.ok();
            tokio::time::sleep(Duration::from_secs(60)).await;
        });
        let slow = slow.await;
        assert_eq!((slow.status, &*slow.body), (Some(200), "slow"));
        let endless = patience_with(|mut stream| async move {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok();
            while stream.write_all(&[b'x'; 1000]).await.is_ok() {}
        });
        let endless = endless.await;
        assert_eq!((endless.status, endless.body.len()), (Some(200), 1_024));
    });
}

#[test]
fn what_is_kept_of_a_body_can_be_stored_and_shown() {
    run(async {
        let mut bytes = b"HTTP/1.1 500 X\r\n\r\na\0b\x1b[31m\xff\n\tc".to_vec();
        assert_eq!(answer_to(bytes.clone()).await.body, "a\u{fffd}b\u{fffd}[31m\u{fffd}\n\tc");
        bytes.truncate(18);
        // The last character is cut in two by the limit.
        bytes.extend(std::iter::repeat_n("€", 400).flat_map(str::bytes));
        let body = answer_to(bytes).await.body;
        assert_eq!(body, "€".repeat(341));
    });
}

#[test]
fn what_is_no_answer_is_told_in_words() {
    run(async {
        for (answer, words) in [
            ("", "the connection was closed"),
            ("nonsense\r\n\r\n", "the connection failed, or the answer was no HTTP"),
        ] {
            let answer = answer_to(answer).await;
            assert_eq!((answer.status, answer.error.as_deref()), (None, Some(words)));
        }
        let bomb = format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(100_000));
        assert_eq!(answer_to(bomb).await.status, None);
        let closed = client(loopback(), &[]).send(&message("http://127.0.0.1:1/")).await;
        assert_eq!(closed.error.as_deref(), Some("the connection was refused"));
        let unknown = client(loopback(), &[]).send(&message("http://unknown.example/")).await;
        assert_eq!(unknown.error.as_deref(), Some("the name cannot be resolved"));
    });
}
