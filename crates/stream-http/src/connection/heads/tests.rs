//! Which heads are completed, and which are passed on unchanged.

use proptest::prelude::*;

use super::Heads;

/// What the library reads of bytes that arrive in these pieces.
fn read(pieces: &[&[u8]]) -> Vec<u8> {
    let mut heads = Heads::default();
    let mut seen = Vec::new();
    for piece in pieces.iter().filter(|piece| !piece.is_empty()) {
        seen.extend(heads.replace(piece).unwrap_or_else(|| piece.to_vec()));
    }
    seen.extend(heads.replace(b"").unwrap_or_default());
    seen
}

fn text(pieces: &[&[u8]]) -> String {
    String::from_utf8(read(pieces)).unwrap()
}

const POST: &str = "POST /api/streams/stop HTTP/1.0\r\nHost: test\r\n";
const KEPT: &str = "POST /api/streams/stop HTTP/1.0\r\nConnection: keep-alive\r\n";
const GET: &str = "GET /health HTTP/1.1\r\nHost: test\r\n\r\n";
const LENGTH: &str = "Content-Length: 0\r\n";

#[test]
fn a_post_without_a_length_gets_the_length_0() {
    assert_eq!(text(&[format!("{POST}\r\n").as_bytes()]), format!("{POST}{LENGTH}\r\n"));
    assert_eq!(text(&[b"POST / HTTP/1.0\r\n\r\n"]), format!("POST / HTTP/1.0\r\n{LENGTH}\r\n"));
    assert_eq!(text(&[b"POST / HTTP/1.0\nHost: x\n\n"]), format!("POST / HTTP/1.0\nHost: x\n{LENGTH}\n"));
    assert_eq!(
        text(&[b"\r\n\r\nPOST / HTTP/1.0\r\n\r\n"]),
        format!("\r\n\r\nPOST / HTTP/1.0\r\n{LENGTH}\r\n")
    );
}

#[test]
fn every_other_request_is_passed_on_unchanged() {
    let same = [
        GET,
        "POST / HTTP/1.1\r\nHost: test\r\n\r\n",
        "PUT / HTTP/1.0\r\n\r\n",
        "POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n",
        "POST / HTTP/1.0\r\ncontent-LENGTH: 3\r\n\r\nabc",
        "POST / HTTP/1.0\r\nContent-Length: +3\r\n\r\nabc",
        "POST / HTTP/1.0\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.0\r\nTransfer-Encoding: x\r\n\r\n",
        "POST / HTTP/1.0\r\nUpgrade: websocket\r\n\r\n",
        "POST / HTTP/1.0\r\nBad Header: x\r\n\r\n",
        "POST / HTTP/2.0\r\n\r\n",
        "POST / HTTP/1.0\r\nHost: never finished\r\n\r",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "nonsense\r\n\r\nPOST / HTTP/1.0\r\n\r\n",
    ];
    for request in same {
        assert_eq!(text(&[request.as_bytes()]), request);
    }
    let many: String = (0..97).map(|number| format!("X-{number}: x\r\n")).collect();
    let many = format!("POST / HTTP/1.0\r\n{many}\r\n");
    assert_eq!(text(&[many.as_bytes()]), many);
}

#[test]
fn a_head_inside_a_body_is_no_head() {
    let inner = format!("{POST}\r\n");
    let length = inner.len();
    let whole = format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{inner}");
    assert_eq!(text(&[whole.as_bytes()]), whole);
    let then = format!("{whole}{KEPT}\r\n");
    assert_eq!(text(&[then.as_bytes()]), format!("{whole}{KEPT}{LENGTH}\r\n"));
    // Only the library follows chunks.
    let chunked =
        format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n{KEPT}\r\n");
    assert_eq!(text(&[chunked.as_bytes()]), chunked);
}

#[test]
fn a_body_that_nothing_announces_is_left_to_the_library() {
    for body in ["{}", "GET / HTTP/1.0\r\n\r\n", "\r\n"] {
        let request = format!("{POST}\r\n{body}");
        assert_eq!(text(&[request.as_bytes()]), request, "{body:?}");
        // A later body is not read, since the head was passed on already.
        assert_eq!(text(&[format!("{POST}\r\n").as_bytes(), body.as_bytes()]), format!("{POST}{LENGTH}\r\n"));
    }
}

#[test]
fn requests_that_arrive_together_are_each_completed() {
    let together = format!("{KEPT}\r\n{GET}{KEPT}\r\n{KEPT}\r\n{POST}\r\n");
    let completed = format!("{KEPT}{LENGTH}\r\n{GET}{KEPT}{LENGTH}\r\n{KEPT}{LENGTH}\r\n{POST}{LENGTH}\r\n");
    assert_eq!(text(&[together.as_bytes()]), completed);
    let closed = KEPT.replace("keep-alive", "Keep-Alive, close");
    assert_eq!(text(&[format!("{closed}\r\n{GET}").as_bytes()]), format!("{closed}\r\n{GET}"));
}

#[test]
fn a_head_that_never_ends_is_not_kept() {
    let mut heads = Heads::default();
    assert_eq!(heads.replace(b"POST / HTTP/1.0\r\nX: "), None);
    for _ in 0..3 {
        assert_eq!(heads.replace(&[b'x'; 64 * 1024]), None);
    }
    assert_eq!(heads.begun.capacity(), 0);
    assert_eq!(heads.replace(b"\r\n\r\nPOST / HTTP/1.0\r\n\r\n"), None);
}

proptest! {
    #[test]
    fn heads_are_completed_alike_in_any_pieces(cuts in proptest::collection::vec(0..400_usize, 0..12)) {
        let whole = format!("{GET}POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n\r\n\r\n{KEPT}\r\n{KEPT}\r\n{POST}\r\n");
        let expected = text(&[whole.as_bytes()]);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % whole.len()).collect();
        cuts.sort_unstable();
        let mut pieces = Vec::new();
        let mut from = 0;
        for cut in cuts.into_iter().chain([whole.len()]) {
            pieces.push(&whole.as_bytes()[from..cut]);
            from = cut;
        }
        prop_assert_eq!(text(&pieces), expected);
    }

    #[test]
    fn nothing_but_the_missing_line_is_added(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 0..300_usize) {
        let (first, second) = bytes.split_at(cut.min(bytes.len()));
        prop_assert_eq!(read(&[first, second]), bytes);
    }
}
