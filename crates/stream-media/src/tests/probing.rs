//! What a look at an address tells, and that it tells nothing of the address.

use std::time::Duration;

use super::*;
use crate::Probe;

fn probe(limit: Duration) -> Probe {
    Probe::new(limit).unwrap()
}

#[tokio::test]
async fn a_look_shows_status_headers_and_body_and_sends_what_it_is_given() {
    let stub = Stub::start(&[("GET /live/x.m3u8", (200, "#EXTM3U"))]).await;
    let looked = probe(Duration::from_secs(5));
    let answer =
        looked.get(&format!("http://{}/live/x.m3u8", stub.address), &[("origin", "http://page")]).await;
    let answer = answer.unwrap();
    assert_eq!((answer.status, answer.body.as_str()), (200, "#EXTM3U"));
    assert_eq!(
        (answer.header("content-length"), answer.header("access-control-allow-origin")),
        (Some("7"), None)
    );
    assert!(stub.has_sent("origin: http://page"));
    let missing = looked.get(&format!("http://{}/other", stub.address), &[]).await.unwrap();
    assert_eq!(missing.status, 404);
}

#[tokio::test]
async fn what_does_not_answer_is_told_without_its_address() {
    let slow = Stub::start(&[("GET /a-secret", SLOW)]).await;
    let address = slow.address.clone();
    for (url, words) in [
        (format!("http://{address}/a-secret"), "no answer within"),
        ("http://127.0.0.1:1/a-secret".to_owned(), "refused"),
        ("not a url with a-secret".to_owned(), "no URL"),
        // Nothing speaks TLS there.
        (format!("https://{address}/a-secret"), ""),
    ] {
        let error = probe(Duration::from_secs(1)).get(&url, &[]).await.unwrap_err();
        assert!(error.contains(words), "{url}: {error}");
        assert!(!error.contains("a-secret"), "{error}");
    }
}
