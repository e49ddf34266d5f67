//! The API's description and its prose, held to each other.

use std::collections::BTreeSet;

use serde_json::Value;
use stream_http::ROUTES;

use super::read;

/// The names of the fields, parameters and headers below a value of the document.
fn names(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                if let (true, Some(fields)) =
                    (["properties", "headers"].contains(&name.as_str()), member.as_object())
                {
                    found.extend(fields.keys().cloned());
                }
                if let (true, Some(parameters)) = (name == "parameters", member.as_array()) {
                    found.extend(parameters.iter().filter_map(|one| one["name"].as_str()).map(str::to_owned));
                }
                if name != "examples" && name != "example" {
                    names(member, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        _ => {}
    }
}

/// The words that a document shows as code, in its lines and in its blocks.
fn code(text: &str) -> BTreeSet<&str> {
    let parts = text.split('`').skip(1).step_by(2);
    parts
        .flat_map(|part| part.split(|end: char| !end.is_ascii_alphanumeric() && !"_-".contains(end)))
        .collect()
}

#[test]
fn the_described_routes_fields_headers_and_codes_are_in_the_prose() {
    let (document, prose) = (read("crates/stream-http/openapi.json"), read("docs/http-api.md"));
    let document: Value = serde_json::from_str(&document).expect("the description is JSON");
    let paths = document["paths"].as_object().expect("the description has paths");
    for path in paths.keys() {
        assert!(prose.contains(&format!("`{path}`")), "{path} is not in docs/http-api.md");
        assert!(ROUTES.iter().any(|(_, route)| route == path), "{path}");
    }
    let shown = code(&prose);
    let mut described = BTreeSet::new();
    names(&document, &mut described);
    let codes = document["components"]["schemas"]["Error"]["properties"]["code"]["enum"].as_array();
    let codes = codes.expect("errors have codes").iter().filter_map(Value::as_str).map(str::to_owned);
    described.extend(codes);
    assert!(described.len() > 100, "{described:?}");
    let missing: Vec<&String> = described.iter().filter(|name| !shown.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "docs/http-api.md does not mention {missing:?}");
}
