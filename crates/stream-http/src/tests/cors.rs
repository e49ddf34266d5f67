//! Which pages may read responses.

use super::World;

fn request(world: &World, method: &str, path: &str, origin: &str, more: &str) -> super::Answer {
    world.send(&format!(
        "{method} {path} HTTP/1.1\r\nHost: test\r\nOrigin: {origin}\r\nContent-Length: 0\r\n{more}"
    ))
}

const PREFLIGHT: &str =
    "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: authorization,content-type\r\n";

#[test]
fn a_listed_origin_may_call_with_credentials() {
    let world = World::new();
    for origin in ["http://localhost:3000", "http://127.0.0.1:3000"] {
        let preflight = request(&world, "OPTIONS", "/api/streams/generate-key", origin, PREFLIGHT);
        assert_eq!(preflight.status, 200);
        assert_eq!(preflight.header("access-control-allow-origin"), Some(origin));
        assert_eq!(preflight.header("access-control-allow-credentials"), Some("true"));
        let mut methods: Vec<&str> =
            preflight.header("access-control-allow-methods").unwrap().split(", ").collect();
        methods.sort_unstable();
        assert_eq!(methods, ["DELETE", "GET", "OPTIONS", "POST", "PUT"]);
        let headers = preflight.header("access-control-allow-headers").unwrap().to_lowercase();
        assert!(headers.contains("authorization") && headers.contains("content-type"), "{headers}");
        // Pages may read errors as well.
        let refused = request(&world, "POST", "/api/streams/stop", origin, "");
        assert_eq!(refused.status, 401);
        assert_eq!(refused.header("access-control-allow-origin"), Some(origin));
        assert_eq!(refused.header("vary").map(|vary| vary.contains("Origin")), Some(true));
    }
}

#[test]
fn an_origin_that_is_not_listed_gets_no_allow_header_at_all() {
    let world = World::new();
    for origin in ["http://evil.test", "http://localhost:3000.evil.test", "https://localhost:3000", "null"] {
        let preflight = request(&world, "OPTIONS", "/api/streams/generate-key", origin, PREFLIGHT);
        assert_eq!((preflight.status, preflight.code().as_str()), (400, "bad_request"));
        let actual = request(&world, "POST", "/api/streams/stop", origin, "Authorization: Bearer user-1\r\n");
        let lookup = request(&world, "GET", "/api/streams/some-key", origin, "");
        for answer in [preflight, actual, lookup] {
            let shown = format!("{answer:?}").to_lowercase();
            let reveals =
                ["access-control-allow", "access-control-expose"].iter().any(|name| shown.contains(name));
            assert!(!reveals, "{origin}: {answer:?}");
        }
    }
}

#[test]
fn the_public_list_may_be_read_from_anywhere_without_credentials() {
    let world = World::new();
    for path in ["/api/streams/public", "/api/streams/public/nobody", "/api/streams/public/no/route"] {
        for method in ["GET", "OPTIONS"] {
            let more = if method == "GET" { "" } else { "Access-Control-Request-Method: GET\r\n" };
            let answer = request(&world, method, path, "http://evil.test", more);
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
            assert_eq!(answer.header("access-control-allow-credentials"), None);
            assert!(answer.header("vary").is_some_and(|vary| vary.contains("Origin")), "{answer:?}");
        }
    }
}

#[test]
fn a_listed_origin_may_read_the_public_list_with_credentials() {
    let world = World::new();
    for method in ["GET", "OPTIONS"] {
        let more = if method == "GET" { "" } else { "Access-Control-Request-Method: GET\r\n" };
        let answer = request(&world, method, "/api/streams/public", "http://localhost:3000", more);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("access-control-allow-origin"), Some("http://localhost:3000"));
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
        assert!(answer.header("vary").is_some_and(|vary| vary.contains("Origin")), "{answer:?}");
    }
}

#[test]
fn a_response_without_an_origin_may_not_be_cached_for_one_with() {
    let world = World::new();
    for path in ["/api/streams/public", "/api/streams/some-key", "/api/nowhere"] {
        let answer = world.get(path);
        assert_eq!(answer.header("access-control-allow-origin"), None, "{path}");
        assert!(answer.header("vary").is_some_and(|vary| vary.contains("Origin")), "{answer:?}");
    }
}

/// The headers that a preflight allows, in lower case.
fn allowed_headers(preflight: &super::Answer) -> Vec<String> {
    let allowed = preflight.header("access-control-allow-headers").unwrap_or_default().to_lowercase();
    allowed.split(',').map(|name| name.trim().to_owned()).collect()
}

#[test]
fn any_header_may_be_sent_from_a_listed_origin() {
    let world = World::new();
    let sent = [
        "authorization,baggage,sentry-trace",
        "traceparent, tracestate",
        "x-requested-with",
        "X-Request-Id",
        "if-none-match",
        "x-datadog-trace-id,newrelic,x-b3-traceid",
        "content-type,authorization,x-a,x-b",
    ];
    for (path, method) in [("/api/streams/generate-key", "POST"), ("/api/streams/public?limit=5", "GET")] {
        for names in sent {
            let more = format!(
                "Access-Control-Request-Method: {method}\r\nAccess-Control-Request-Headers: {names}\r\n"
            );
            let preflight = request(&world, "OPTIONS", path, "http://localhost:3000", &more);
            let allowed = allowed_headers(&preflight);
            let wanted = names.split(',').map(|name| name.trim().to_lowercase());
            for name in wanted.chain(["authorization".to_owned(), "content-type".to_owned()]) {
                assert!(allowed.contains(&name), "{path}: {name} is not in {allowed:?}");
            }
        }
    }
}

#[test]
fn any_page_may_revalidate_its_public_list() {
    let world = World::new();
    let more = "Access-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: if-none-match\r\n";
    let preflight = request(&world, "OPTIONS", "/api/streams/public", "https://anybody.test", more);
    assert_eq!(preflight.status, 200);
    assert!(allowed_headers(&preflight).contains(&"if-none-match".to_owned()));
    let list = request(&world, "GET", "/api/streams/public", "https://anybody.test", "");
    let etag = list.header("etag").unwrap();
    let known = format!("If-None-Match: {etag}\r\n");
    let again = request(&world, "GET", "/api/streams/public", "https://anybody.test", &known);
    assert_eq!((again.status, again.header("access-control-allow-origin")), (304, Some("*")));
}

#[test]
fn a_preflight_of_another_method_gets_the_allowed_ones() {
    let world = World::new();
    let more = "Access-Control-Request-Method: PATCH\r\n";
    let preflight = request(&world, "OPTIONS", "/api/streams/generate-key", "http://localhost:3000", more);
    assert_eq!(preflight.status, 200);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("http://localhost:3000"));
    let methods = preflight.header("access-control-allow-methods").unwrap();
    assert!(methods.contains("POST") && !methods.contains("PATCH"), "{methods}");
}

#[test]
fn a_preflight_for_malformed_headers_gets_none_of_them_back() {
    let world = World::new();
    let more =
        "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-good, b@d, ,(,x\ty\r\n";
    let preflight = request(&world, "OPTIONS", "/api/streams/generate-key", "http://localhost:3000", more);
    assert_eq!(allowed_headers(&preflight), ["authorization", "content-type", "x-good"]);
}

#[test]
fn pages_may_read_the_response_headers_that_they_need() {
    let world = World::new();
    let listed = request(&world, "POST", "/api/streams/stop", "http://localhost:3000", "");
    let public = request(&world, "GET", "/api/streams/public", "http://anybody.test", "");
    for answer in [listed, public] {
        let exposed = answer.header("access-control-expose-headers").unwrap().to_lowercase();
        for name in ["etag", "retry-after", "x-request-id", "allow", "link", "www-authenticate", "ratelimit"]
        {
            assert!(exposed.split(", ").any(|known| known == name), "{name} is not in {exposed}");
        }
    }
}
