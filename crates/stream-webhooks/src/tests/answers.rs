//! What is made of answers.

use std::sync::mpsc::channel;
use std::time::Duration;

use http_body_util::Full;

use super::server::{Server, Trap};
use super::{LONG, at_home, error, send};
use crate::answer::{MAX_BODY, read_begin, text_of};
use stream_domain::ports::WebhookAnswer;

async fn answer_to(answer: impl Into<Vec<u8>>) -> WebhookAnswer {
    let server = Server::answering(answer);
    let answer = send(&at_home(LONG), &server.url()).await;
    assert_eq!(answer.error, None);
    answer
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let elsewhere = Trap::at_home();
    for status in [301, 302, 303, 307, 308] {
        let location = format!("http://127.0.0.1:{}/", elsewhere.port());
        let redirect = format!("HTTP/1.1 {status} Elsewhere\r\nlocation: {location}\r\n\r\nmoved");
        let answer = answer_to(redirect).await;
        assert_eq!((answer.status, &*answer.body), (Some(status), "moved"));
    }
    elsewhere.assert_untouched();
}

#[tokio::test]
async fn a_status_is_told_whatever_it_is() {
    for status in [200, 202, 400, 410, 500, 599] {
        assert_eq!(answer_to(format!("HTTP/1.1 {status} x\r\n\r\n")).await.status, Some(status));
    }
    let late = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 201 x\r\n\r\n";
    assert_eq!(answer_to(late).await.status, Some(201));
}

#[tokio::test]
async fn a_pause_is_read_in_seconds_and_as_a_date() {
    let seconds = |count| Some(Duration::from_secs(count));
    for (text, expected) in [
        ("120", seconds(120)),
        (" 0 ", seconds(0)),
        ("99999999999999999999999", seconds(u64::MAX)),
        // The past.
        ("Fri, 02 Jan 2026 03:04:00 GMT", seconds(0)),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1.5", None),
        ("soon", None),
    ] {
        let answer = answer_to(format!("HTTP/1.1 429 x\r\nretry-after: {text}\r\n\r\n")).await;
        assert_eq!(answer.retry_after, expected, "{text}");
    }
    // An hour after the attempt, less what it took.
    let answer = answer_to("HTTP/1.1 503 x\r\nRetry-After: Fri, 02 Jan 2026 04:04:09 GMT\r\n\r\nbusy").await;
    assert_eq!((answer.status, &*answer.body), (Some(503), "busy"));
    let pause = answer.retry_after.unwrap();
    let (longest, took) = (Duration::from_millis(3_599_100), answer.took);
    assert!(pause <= longest && pause >= longest - took, "{pause:?}");
    assert_eq!(answer_to("HTTP/1.1 503 x\r\n\r\n").await.retry_after, None);
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_the_status() {
    let answer = answer_to("HTTP/1.1 500 x\r\ncontent-length: 100\r\n\r\noh no").await;
    assert_eq!((answer.status, &*answer.body), (Some(500), "oh no"));
    let answer = answer_to("HTTP/1.1 200 x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n").await;
    assert_eq!((answer.status, &*answer.body), (Some(200), "ok"));
}

#[tokio::test]
async fn of_an_endless_body_the_beginning_is_kept_and_the_connection_is_dropped() {
    let (broken, breaks) = channel();
    let server = Server::playing(move |wire| {
        wire.write_all(b"HTTP/1.1 200 x\r\n\r\n").unwrap();
        // Only an error ends it.
        while wire.write_all(&[b'x'; 512]).is_ok() {}
        broken.send(()).unwrap();
    });
    let answer = send(&at_home(LONG), &server.url()).await;
    assert_eq!((answer.status, answer.body), (Some(200), "x".repeat(MAX_BODY)));
    breaks.recv_timeout(LONG).expect("the connection ends with the attempt");
}

#[tokio::test]
async fn headers_without_an_end_are_an_error() {
    let no_http = "the answer is no HTTP, or its headers are too large";
    let many = |count| "x: y\r\n".repeat(count);
    let large = "y".repeat(1 << 20);
    for headers in [many(1000), many(1_000_000), format!("x: {large}\r\n"), large] {
        let server = Server::answering(format!("HTTP/1.1 200 x\r\n{headers}\r\n"));
        assert_eq!(error(&at_home(LONG), &server.url()).await, no_http);
    }
    // Those of any real endpoint are none.
    assert_eq!(answer_to(format!("HTTP/1.1 200 x\r\n{}\r\n", many(50))).await.status, Some(200));
}

#[tokio::test]
async fn a_body_is_kept_as_a_text_that_stores_take() {
    let mut answer = b"HTTP/1.1 400 x\r\n\r\n".to_vec();
    answer.extend_from_slice(b"a\0b\r\n\tc\x1b[31m\x7f \xc3\xa4 \xff\xfe \xc2\x85.");
    let kept = answer_to(answer).await.body;
    assert_eq!(kept, "a\u{fffd}b\u{fffd}\n\tc\u{fffd}[31m\u{fffd} ä \u{fffd}\u{fffd} \u{fffd}.");
}

#[test]
fn a_text_is_cut_between_characters_and_never_longer_than_the_bytes_kept() {
    let long = "x".repeat(MAX_BODY - 1) + "ä";
    assert_eq!(text_of(&long.as_bytes()[..MAX_BODY]), "x".repeat(MAX_BODY - 1));
    // A short one that ends within a character says so.
    assert_eq!(text_of(b"x\xc3"), "x\u{fffd}");
    // What replaces a byte is longer than that.
    let replaced = text_of(&[0; MAX_BODY]);
    assert_eq!(replaced, "\u{fffd}".repeat(MAX_BODY / 3));
    let euros = text_of(&"€".repeat(400).as_bytes()[..MAX_BODY]);
    assert_eq!(euros, "€".repeat(341));
    // Three bytes of four would leave room for what replaces them.
    let smile = "x".to_owned() + &"🙂".repeat(300);
    assert_eq!(text_of(&smile.as_bytes()[..MAX_BODY]), "x".to_owned() + &"🙂".repeat(255));
}

#[tokio::test]
async fn no_more_of_a_body_is_kept_than_that_even_if_it_comes_at_once() {
    let mut begin = vec![b'a'; 1000];
    read_begin(Full::from(vec![b'b'; 1000]), &mut begin).await;
    assert_eq!(begin.len(), MAX_BODY);
}
