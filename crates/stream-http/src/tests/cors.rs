//! Which pages may read answers.

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
        // Refusals are readable by the page as well.
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
            let told =
                ["access-control-allow", "access-control-expose"].iter().any(|name| shown.contains(name));
            assert!(!told, "{origin}: {answer:?}");
        }
    }
}

#[test]
fn the_public_list_may_be_read_from_anywhere_without_credentials() {
    let world = World::new();
    for origin in ["http://evil.test", "http://localhost:3000"] {
        for method in ["GET", "OPTIONS"] {
            let more = if method == "GET" { "" } else { "Access-Control-Request-Method: GET\r\n" };
            let answer = request(&world, method, "/api/streams/public", origin, more);
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
            assert_eq!(answer.header("access-control-allow-credentials"), None);
        }
    }
}
