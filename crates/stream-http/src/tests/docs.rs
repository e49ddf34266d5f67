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
    // It names the document in each of its encodings.
    assert!(etag.starts_with("W/"), "{etag}");
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

/// The relative luminance of `#rgb` or `#rrggbb`, as WCAG 2 defines it.
fn luminance(colour: &str) -> f64 {
    let digits = colour.strip_prefix('#').unwrap();
    let width = digits.len() / 3;
    let channel = |at: usize| {
        let text = &digits[at * width..(at + 1) * width];
        let value = f64::from(u8::from_str_radix(&text.repeat(2 / width), 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(0) + 0.7152 * channel(1) + 0.0722 * channel(2)
}

fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// WCAG 2 asks for 4.5 of text; the style has no colours but those of its two palettes.
#[test]
fn the_page_can_be_read_in_the_light_and_in_the_dark() {
    let style = World::new().get("/docs/style.css").body;
    let palettes: Vec<&str> =
        style.split(":root {").skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
    assert_eq!(palettes.len(), 2);
    for palette in &palettes {
        let of = |name: &str| {
            let value = palette.split(&format!("--{name}: ")).nth(1).unwrap();
            value.split(';').next().unwrap()
        };
        for text in ["text", "muted", "accent", "get", "post", "good", "bad", "other"] {
            for background in ["page", "panel"] {
                let found = contrast(of(text), of(background));
                assert!(found >= 4.5, "{text} on {background}: {found:.2} of {palette}");
            }
        }
    }
    let rules = style.replace(palettes[0], "").replace(palettes[1], "");
    assert!(!rules.contains(": #"), "a colour outside the palettes");
    // Browsers choose a grey of their own otherwise.
    assert!(rules.contains("::placeholder { color: var(--muted); opacity: 1; }"));
    assert!(rules.contains(":focus-visible { outline: 3px solid var(--accent)"));
}
