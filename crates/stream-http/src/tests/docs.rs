//! The served description: the document and the page that shows it.

use serde_json::Value;

use super::World;
use crate::openapi::document;

const PAGE: [&str; 3] = ["/docs", "/docs/script.js", "/docs/style.css"];

#[test]
fn the_document_is_served_and_is_unchanged_until_the_next_version() {
    let world = World::new();
    let answer = world.get("/openapi.json");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.header("cache-control"), Some("no-cache"));
    assert_eq!(answer.json(), document());
    let etag = answer.header("etag").unwrap();
    assert!(!etag.starts_with("W/"), "{etag}");
    for path in ["/openapi.json", PAGE[0], PAGE[1], PAGE[2]] {
        let etag = world.get(path).header("etag").unwrap().to_owned();
        for (known, status) in [(etag.as_str(), 304), ("*", 304), ("\"other\"", 200)] {
            let head = format!("GET {path} HTTP/1.1\r\nHost: test\r\nIf-None-Match: {known}\r\n");
            let answer = world.send(&head);
            assert_eq!(
                (answer.status, answer.header("etag")),
                (status, Some(etag.as_str())),
                "{path} {known}"
            );
            assert_eq!(answer.body.is_empty(), status == 304, "{path} {known}");
        }
    }
}

#[test]
fn the_page_may_load_nothing_from_elsewhere() {
    let world = World::new();
    let policy = world.get("/docs").header("content-security-policy").unwrap().to_owned();
    for rule in ["default-src 'none'", "script-src 'self'", "base-uri 'none'", "form-action 'none'"] {
        assert!(policy.split("; ").any(|own| own == rule), "{policy}");
    }
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{policy}");
    for path in PAGE {
        let answer = world.get(path);
        assert_eq!(answer.status, 200, "{path}");
        // Nothing from other hosts, and nothing that the policy would refuse.
        for foreign in ["http:", "https:", "url(", "style=", "onclick", "innerHTML", "eval("] {
            assert!(!answer.body.contains(foreign), "{path} has {foreign}");
        }
    }
    let page = world.get("/docs").body;
    for file in ["docs/script.js", "docs/style.css"] {
        assert!(page.contains(&format!("\"{file}\"")), "{file}");
    }
    assert!(page.contains("<noscript>") && page.contains("href=\"openapi.json\""));
}

#[test]
fn the_description_is_there_while_the_service_stops() {
    let world = World::new();
    world.readiness.draining();
    assert_eq!(world.get("/openapi.json").status, 200);
    assert_eq!(world.get("/docs").status, 200);
}

#[test]
fn the_description_needs_no_token_and_grants_no_origin() {
    let world = World::new();
    let answer = world.send("GET /openapi.json HTTP/1.1\r\nHost: test\r\nOrigin: http://localhost:3000\r\n");
    assert_eq!((answer.status, answer.header("access-control-allow-origin")), (200, None));
    assert!(answer.json()["paths"].as_object().is_some_and(|paths| paths.values().all(Value::is_object)));
}
