//! What is refused before the store is asked, and how requests are read.

use std::sync::Arc;

use stream_domain::testing::{MemoryStore, unused_stream_ports};

use super::World;

/// A world whose store panics, which drops the connection.
fn world_without_store() -> World {
    World::with(unused_stream_ports(), Arc::new(MemoryStore::default()), 600)
}

#[test]
fn a_bad_token_needs_no_store() {
    let world = world_without_store();
    let refused = |authorization: &str| {
        let mut codes = Vec::new();
        for (method, path) in
            [("POST", "/api/streams/generate-key"), ("POST", "/api/streams/stop"), ("GET", "/api/streams")]
        {
            let answer = world.send(&format!(
                "{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n{authorization}"
            ));
            assert_eq!(answer.status, 401, "{authorization}");
            assert!(
                answer.header("www-authenticate").unwrap().starts_with("Bearer realm=\"stream-service\"")
            );
            codes.push(answer.code());
        }
        codes.dedup();
        codes.join(",")
    };
    assert_eq!(refused(""), "missing_token");
    assert_eq!(refused("Authorization: Basic dXNlcjpwYXNz\r\n"), "missing_token");
    assert_eq!(refused("Authorization: user-1\r\n"), "missing_token");
    assert_eq!(refused("Authorization: Bearer\r\n"), "missing_token");
    assert_eq!(refused("Authorization: Bearer nonsense\r\n"), "invalid_token");
    assert_eq!(refused("Authorization: Bearer expired\r\n"), "token_expired");
    assert_eq!(refused("Authorization: Bearer user-1\r\nAuthorization: Bearer user-1\r\n"), "invalid_token");
    assert_eq!(refused("Authorization: Bearer user-1, Bearer user-2\r\n"), "invalid_token");
}

#[test]
fn the_scheme_is_case_insensitive() {
    let world = World::new();
    for scheme in ["Bearer", "bearer", "BEARER", "BeArEr"] {
        let answer = world
            .send(&format!("GET /api/streams HTTP/1.1\r\nHost: test\r\nAuthorization: {scheme} user-1\r\n"));
        assert_eq!(answer.status, 200, "{scheme}");
    }
}

#[test]
fn text_that_cannot_be_a_key_needs_no_store() {
    let world = world_without_store();
    let long = "k".repeat(256);
    for path in [
        "%00",
        "a%00b",
        "a%2Fb",
        "a.b",
        "a%20b",
        "%F0%9F%98%80",
        "%FF%FE",
        "a%",
        "~",
        "..%2f..",
        long.as_str(),
    ] {
        let answer = world.get(&format!("/api/streams/{path}"));
        assert_eq!((answer.status, answer.code().as_str()), (404, "stream_not_found"), "{path}");
    }
    for path in ["/api/streams/", "/api/streams/a/b", "/api/streams/public/", "/api", "//", "/api/streams//x"]
    {
        let answer = world.get(path);
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{path}");
    }
}

#[test]
fn a_path_with_a_slash_too_many_gets_a_hint() {
    let world = world_without_store();
    for (path, hint) in [
        ("/api/streams/public/", "slash at the end"),
        ("/api/streams/", "slash at the end"),
        ("/health/", "slash at the end"),
        ("//api/streams/some-key", "two slashes"),
        ("/api/streams//some-key", "two slashes"),
        ("/nowhere", "No such route."),
    ] {
        let answer = world.get(path);
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{path}");
        assert!(answer.body.contains(hint), "{path}: {answer:?}");
        assert_eq!(answer.header("location"), None);
    }
    let answer = world.send("POST /api/streams/stop/ HTTP/1.1\r\nHost: test\r\nContent-Length: 0\r\n");
    assert!(answer.body.contains("slash at the end"), "{answer:?}");
}

#[test]
fn a_client_of_another_protocol_gets_a_hint() {
    let world = world_without_store();
    for (bytes, hint) in [
        (&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], "HTTP/1.1"),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 5 6\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "PROXY protocol"),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\xc0\0\x02\x02\0\x05\0\x06GET / HTTP/1.1\r\n\r\n", "PROXY protocol"),
        (b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", "TLS"),
        (b"GARBAGE\r\n\r\n", "malformed"),
    ] {
        let mut client = world.connect();
        client.write(bytes);
        let answer = client.read(true);
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"), "{hint}");
        assert!(answer.body.contains(hint), "{answer:?}");
    }
}

#[test]
fn a_percent_encoded_key_is_the_same_key() {
    let world = World::new();
    let key = world.key_of(1);
    let encoded: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
    assert_eq!(world.get(&format!("/api/streams/{encoded}")).status, 200);
    assert_eq!(world.get(&format!("/api/streams/{key}?token=x")).status, 200);
}

#[test]
fn a_large_body_needs_no_store() {
    let world = world_without_store();
    let announced = "POST /api/streams/stop HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer user-1\r\nContent-Length: 16385\r\n";
    let answer = world.send(announced);
    assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"));

    let mut client = world.connect();
    client.write(b"POST /api/streams/stop HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer user-1\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..3 {
        client.write(b"2000\r\n");
        client.write(&[b'x'; 0x2000]);
        client.write(b"\r\n");
    }
    let answer = client.read(true);
    assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"));
}

#[test]
fn a_small_body_is_read_and_dropped() {
    let world = World::new();
    for (user, body) in [(1, "{}"), (2, "not json"), (3, ""), (4, r#"{"title":"x"}"#)] {
        let length = body.len();
        let mut client = world.connect();
        client.write(format!("POST /api/streams/generate-key HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer user-{user}\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes());
        assert_eq!(client.read(true).status, 201);
        // The connection stays open.
        assert_eq!(client.send("GET /health/live HTTP/1.1\r\nHost: test\r\n").status, 200);
    }
}

#[test]
fn a_body_that_is_not_http_is_a_bad_request() {
    let world = world_without_store();
    let mut client = world.connect();
    client.write(b"POST /api/streams/stop HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer user-1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");
    let answer = client.read(true);
    assert_eq!((answer.status, answer.code().as_str()), (400, "bad_request"));
}

#[test]
fn a_request_that_is_not_http_gets_an_error_of_the_same_shape() {
    let world = world_without_store();
    let huge = format!("GET /{} HTTP/1.1\r\nHost: test\r\n", "x".repeat(200_000));
    let many: String = (0..200).map(|number| format!("X-{number}: x\r\n")).collect();
    let many = format!("GET / HTTP/1.1\r\nHost: test\r\n{many}");
    let cases = [
        ("GARBAGE\r\n", 400),
        ("GET / HTTP/9.9\r\n", 400),
        ("GET  HTTP/1.1\r\nHost: test\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: test\r\nContent-Length: x\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: test\r\nContent-Length: 1\r\nContent-Length: 2\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: test\r\nTransfer-Encoding: gzip, nonsense\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: test\r\nBad Header: x\r\n", 400),
        ("\u{16}\u{3}\u{1}\u{2}\u{0}\r\n", 400),
        (many.as_str(), 431),
        (huge.as_str(), 431),
    ];
    for (head, status) in cases {
        let mut client = world.connect();
        let answer = client.send(head);
        let shown = &head[..head.len().min(60)];
        assert_eq!(answer.status, status, "{shown:?}: {answer:?}");
        assert!(["bad_request", "headers_too_large"].contains(&answer.code().as_str()), "{shown:?}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{shown:?}");
        assert!(client.is_closed(), "{shown:?}");
    }
}

#[test]
fn a_response_before_a_malformed_request_stays_as_it_is() {
    let world = world_without_store();
    let mut client = world.connect();
    client.write(b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\nGARBAGE\r\n\r\n");
    assert_eq!(client.read(true).status, 200);
    let second = client.read(true);
    assert_eq!((second.status, second.code().as_str()), (400, "bad_request"));
}

#[test]
fn http_1_0_is_answered_and_closed() {
    let world = World::new();
    let key = world.key_of(1);
    let mut client = world.connect();
    assert_eq!(client.send(&format!("GET /api/streams/{key} HTTP/1.0\r\n")).status, 200);
    assert!(client.is_closed());
}

/// The head of a request as a proxy with its defaults passes it on: HTTP/1.0, without a length.
fn old_post(path: &str, user: u32, more: &str) -> String {
    format!("POST {path} HTTP/1.0\r\nHost: test\r\nAuthorization: Bearer user-{user}\r\n{more}\r\n")
}

#[test]
fn a_post_of_http_1_0_without_a_body_needs_no_length() {
    let world = World::new();
    for (path, status) in [("/api/streams/generate-key", 201), ("/api/streams/stop", 200)] {
        let mut client = world.connect();
        client.write(old_post(path, 1, "Connection: close\r\n").as_bytes());
        assert_eq!(client.read(true).status, status, "{path}");
        assert!(client.is_closed());
    }
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        let answer = world.send(&format!("{method} /api/streams/stop HTTP/1.0\r\nHost: test\r\n"));
        assert_eq!(answer.status, if method == "OPTIONS" { 204 } else { 405 }, "{method}");
    }
}

#[test]
fn a_post_without_a_length_may_arrive_in_pieces_and_with_others() {
    let world = World::new();
    let mut client = world.connect();
    let kept = old_post("/api/streams/generate-key", 1, "Connection: keep-alive\r\n");
    for byte in kept.as_bytes() {
        client.write(&[*byte]);
    }
    assert_eq!(client.read(true).status, 201);
    let stop = old_post("/api/streams/stop", 1, "Connection: keep-alive\r\n");
    client.write(format!("{stop}{kept}{stop}").as_bytes());
    for status in [200, 201, 200] {
        assert_eq!(client.read(true).status, status);
    }
}

#[test]
fn bytes_after_a_post_without_a_length_are_no_request() {
    let world = World::new();
    // At once it is a body that nothing announces.
    let mut client = world.connect();
    let inner = old_post("/api/streams/generate-key", 2, "");
    client.write(format!("{}{inner}", old_post("/api/streams/generate-key", 1, "")).as_bytes());
    assert_eq!(client.read(true).code(), "bad_request");
    assert!(client.is_closed());
    // Later it is not read.
    let mut client = world.connect();
    client.write(old_post("/api/streams/generate-key", 1, "").as_bytes());
    client.try_write(inner.as_bytes());
    assert!(matches!(client.read(true).status, 201 | 400));
    assert!(client.is_closed());
    assert_eq!(world.post_as("user-2", "/api/streams/stop").code(), "no_active_stream");
}

#[test]
fn a_malformed_length_is_refused() {
    let world = world_without_store();
    for more in ["Content-Length: x\r\n", "Content-Length:\r\n", "Transfer-Encoding: chunked\r\n"] {
        let mut client = world.connect();
        client.write(old_post("/api/streams/stop", 1, more).as_bytes());
        assert_eq!(client.read(true).code(), "bad_request", "{more}");
    }
}

#[test]
fn every_answer_has_a_request_id_and_headers_for_an_api() {
    let world = World::new();
    for path in ["/health", "/api/streams/public", "/nowhere", "/api/streams/%00"] {
        let answer = world.get(path);
        assert_eq!(answer.header("x-request-id").map(str::len), Some(36), "{path}");
        // A client may keep the public list, and revalidates it each time.
        let kept = if path == "/api/streams/public" { "no-cache" } else { "no-store" };
        assert_eq!(answer.header("cache-control"), Some(kept), "{path}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("location"), None, "{path}");
    }
    let given = world.send("GET /health HTTP/1.1\r\nHost: test\r\nX-Request-Id: from-the_client.42\r\n");
    assert_eq!(given.header("x-request-id"), Some("from-the_client.42"));
    for rude in ["a b", "a;b", "\"quoted\"", &"x".repeat(129)] {
        let made = world.send(&format!("GET /health HTTP/1.1\r\nHost: test\r\nX-Request-Id: {rude}\r\n"));
        assert_ne!(made.header("x-request-id"), Some(rude));
    }
}

#[test]
fn head_is_answered_like_get_without_a_body() {
    let world = World::new();
    let key = world.key_of(1);
    for path in ["/health".to_owned(), "/api/streams/public".to_owned(), format!("/api/streams/{key}")] {
        let mut client = world.connect();
        let head = client.send(&format!("HEAD {path} HTTP/1.1\r\nHost: test\r\n"));
        let get = client.send(&format!("GET {path} HTTP/1.1\r\nHost: test\r\n"));
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.header("content-length"), get.header("content-length"), "{path}");
        let unknown = client.send("HEAD /nowhere HTTP/1.1\r\nHost: test\r\n");
        assert_eq!(unknown.status, 404);
    }
}

#[test]
fn key_requests_are_limited_per_user() {
    let world = World::with_key_requests_per_minute(3);
    for expected in [201, 409, 409, 429] {
        assert_eq!(world.post_as("user-1", "/api/streams/generate-key").status, expected);
    }
    let refused = world.post_as("user-1", "/api/streams/generate-key");
    assert_eq!(refused.code(), "too_many_requests");
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&seconds), "{seconds}");
    // Each user has a limit of its own, and other routes have none.
    assert_eq!(world.post_as("user-2", "/api/streams/generate-key").status, 201);
    assert_eq!(world.post_as("user-1", "/api/streams/stop").status, 200);
}

#[test]
fn a_limit_of_zero_is_no_limit() {
    let world = World::with_key_requests_per_minute(0);
    world.key_of(1);
    for _ in 0..50 {
        assert_eq!(world.post_as("user-1", "/api/streams/generate-key").status, 409);
    }
}
