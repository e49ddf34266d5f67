//! What is refused before the store is asked, and how requests are read.

use std::sync::Arc;

use stream_domain::ports::MockStreamRepository;
use stream_domain::testing::MemoryStore;

use super::World;

/// A world in which asking the store is a panic, and so a dropped connection.
fn world_without_store() -> World {
    World::with(Arc::new(MockStreamRepository::new()), Arc::new(MemoryStore::default()), 600)
}

#[test]
fn a_bad_token_takes_no_store() {
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
fn the_scheme_is_read_in_any_case() {
    let world = World::new();
    for scheme in ["Bearer", "bearer", "BEARER", "BeArEr"] {
        let answer = world
            .send(&format!("GET /api/streams HTTP/1.1\r\nHost: test\r\nAuthorization: {scheme} user-1\r\n"));
        assert_eq!(answer.status, 200, "{scheme}");
    }
}

#[test]
fn what_cannot_be_a_key_takes_no_store() {
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
    for path in
        ["/api/streams/", "/api/streams/a/b", "/api/streams/public/", "/api", "/", "//", "/api/streams//x"]
    {
        let answer = world.get(path);
        assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{path}");
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
fn a_large_body_takes_no_store() {
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
fn a_small_body_is_read_and_forgotten() {
    let world = World::new();
    for (user, body) in [(1, "{}"), (2, "not json"), (3, ""), (4, r#"{"title":"x"}"#)] {
        let length = body.len();
        let mut client = world.connect();
        client.write(format!("POST /api/streams/generate-key HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer user-{user}\r\nContent-Length: {length}\r\n\r\n{body}").as_bytes());
        assert_eq!(client.read(true).status, 201);
        // The connection goes on.
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
fn what_is_not_http_is_answered_in_the_same_shape() {
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
fn an_answer_before_a_malformed_request_is_kept_apart() {
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

#[test]
fn every_answer_has_a_request_id_and_headers_for_an_api() {
    let world = World::new();
    for path in ["/health", "/api/streams/public", "/nowhere", "/api/streams/%00"] {
        let answer = world.get(path);
        assert_eq!(answer.header("x-request-id").map(str::len), Some(36), "{path}");
        // Whoever keeps the public list asks each time whether it is still so.
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
fn keys_are_not_given_out_faster_than_the_limit() {
    let world = World::with_key_requests_per_minute(3);
    for expected in [201, 409, 409, 429] {
        assert_eq!(world.post_as("user-1", "/api/streams/generate-key").status, expected);
    }
    let refused = world.post_as("user-1", "/api/streams/generate-key");
    assert_eq!(refused.code(), "too_many_requests");
    let seconds: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&seconds), "{seconds}");
    // Each user has an own allowance, and other routes have none.
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
