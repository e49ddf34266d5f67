//! The public list for clients that have it already, and compressed.

use std::io::Read as _;

use super::*;

const LIST: &str = "/api/streams/public";

fn ask(world: &World, headers: &str) -> Answer {
    world.send(&format!("GET {LIST} HTTP/1.1\r\nHost: test\r\n{headers}"))
}

#[test]
fn a_client_that_has_the_list_gets_a_304_without_a_body() {
    let world = World::new();
    world.key_of(1);
    let list = world.get(LIST);
    let etag = list.header("etag").expect("a list has an ETag").to_owned();
    assert!(etag.starts_with("W/\"") && etag.ends_with('"'), "{etag}");
    let strong = etag.trim_start_matches("W/").to_owned();
    for known in [&etag, &strong, &format!("\"other\", {etag}"), "*"] {
        let answer = ask(&world, &format!("If-None-Match: {known}\r\n"));
        assert_eq!((answer.status, answer.body.as_str()), (304, ""), "{known}");
        assert_eq!(answer.header("etag"), Some(etag.as_str()));
        assert_eq!(answer.header("cache-control"), Some("no-cache"));
        assert!(answer.header("vary").is_some_and(|vary| vary.contains("Accept-Encoding")), "{answer:?}");
    }
    for unknown in ["\"other\"", "W/\"other\"", "no etag at all"] {
        assert_eq!(ask(&world, &format!("If-None-Match: {unknown}\r\n")).body, list.body, "{unknown}");
    }
}

#[test]
fn a_changed_list_has_another_etag() {
    let world = World::new();
    let of_list = || world.get(LIST).header("etag").expect("a list has an ETag").to_owned();
    let empty = of_list();
    world.key_of(1);
    let one = of_list();
    assert_ne!(one, empty);
    assert_eq!(of_list(), one);
    world.post_as("user-1", "/api/streams/stop");
    assert_eq!(of_list(), empty, "what is shown is the same again");
    world.key_of(2);
    let other = of_list();
    // A stream expires without a write.
    world.clock.advance(time::Duration::hours(24));
    assert_ne!(of_list(), other);
    assert_eq!(ask(&world, &format!("If-None-Match: {other}\r\n")).status, 200);
}

#[test]
fn a_connection_stays_open_after_a_response_without_a_body() {
    let world = World::new();
    world.key_of(1);
    let etag = world.get(LIST).header("etag").unwrap().to_owned();
    let mut client = world.connect();
    let known = format!("GET {LIST} HTTP/1.1\r\nHost: test\r\nIf-None-Match: {etag}\r\n");
    for _ in 0..3 {
        assert_eq!(client.send(&known).status, 304);
    }
    // Two at once, the second of which is not HTTP: the first response has no body, the second is an error with one.
    client.write(format!("{known}\r\nnonsense\r\n\r\n").as_bytes());
    assert_eq!(client.read(true).status, 304);
    assert_eq!(client.read(true).code(), "bad_request");
}

/// Sends a request over a connection of its own, and reads the body as bytes.
fn encoded(world: &World, accept: &str) -> (Option<String>, Vec<u8>) {
    use std::io::Write as _;
    let mut stream = std::net::TcpStream::connect(world.address).unwrap();
    let request = format!("GET {LIST} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{accept}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap().to_lowercase();
    let encoding = head.lines().find_map(|line| line.strip_prefix("content-encoding: ")).map(str::to_owned);
    (encoding, bytes[end + 4..].to_vec())
}

#[test]
fn a_long_list_is_compressed_for_clients_that_accept_it() {
    let world = World::new();
    (1..=20).for_each(|user| {
        world.key_of(user);
    });
    let plain = world.get(LIST).body;
    let (encoding, body) = encoded(&world, "Accept-Encoding: gzip\r\n");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
    assert_eq!((encoding.as_deref(), &text), (Some("gzip"), &plain));
    assert!(body.len() * 3 < plain.len(), "{} of {}", body.len(), plain.len());
    for accept in ["br", "gzip, deflate, br, zstd", "br;q=0.9, gzip;q=0.5"] {
        let (encoding, body) = encoded(&world, &format!("Accept-Encoding: {accept}\r\n"));
        let mut text = String::new();
        brotli::Decompressor::new(&body[..], 4_096).read_to_string(&mut text).unwrap();
        assert_eq!((encoding.as_deref(), &text), (Some("br"), &plain), "{accept}");
    }
    for accept in
        ["", "Accept-Encoding: identity\r\n", "Accept-Encoding: zstd\r\n", "Accept-Encoding: gzip;q=0\r\n"]
    {
        assert_eq!(encoded(&world, accept), (None, plain.clone().into_bytes()), "{accept}");
    }
}

#[test]
fn a_short_list_is_not_compressed() {
    let world = World::new();
    world.key_of(1);
    let (encoding, body) = encoded(&world, "Accept-Encoding: gzip, br\r\n");
    assert_eq!((encoding, body), (None, world.get(LIST).body.into_bytes()));
}
