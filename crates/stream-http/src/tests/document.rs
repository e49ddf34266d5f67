//! The document, held to the code: its committed copy, its routes, its references and its limits.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use stream_domain::{PlaybackId, StreamKey};

use crate::error::ErrorCode;
use crate::openapi::document;
use crate::paging::MAX_LIMIT;
use crate::{ROUTES, openapi_json};

/// Every value of the document, with its JSON pointer.
fn walk<'a>(value: &'a Value, pointer: &str, visit: &mut impl FnMut(&str, &'a Value)) {
    visit(pointer, value);
    let escaped = |name: &str| name.replace('~', "~0").replace('/', "~1");
    match value {
        Value::Object(members) => {
            members
                .iter()
                .for_each(|(name, value)| walk(value, &format!("{pointer}/{}", escaped(name)), visit));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| walk(value, &format!("{pointer}/{at}"), visit));
        }
        _ => {}
    }
}

#[test]
fn the_committed_document_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    let committed = std::fs::read_to_string(path).unwrap();
    let differs = committed.lines().zip(openapi_json().lines()).position(|(old, new)| old != new);
    assert!(
        committed == openapi_json(),
        "crates/stream-http/openapi.json differs from line {differs:?} on; run `make openapi`"
    );
}

#[test]
fn the_document_has_every_route_and_no_others() {
    let document = document();
    let mut described: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        described
            .insert(path, operations.as_object().unwrap().keys().map(|name| name.to_uppercase()).collect());
    }
    let mut routes: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (method, path) in ROUTES {
        routes.entry(path).or_default().insert(method.to_owned());
        // Hooks may ask by GET as well.
        if path.starts_with("/hooks/") {
            routes.entry(path).or_default().insert("GET".to_owned());
        }
    }
    assert_eq!(described, routes);
}

#[test]
fn every_operation_has_a_name_of_its_own_and_a_known_group() {
    let document = document();
    let groups: Vec<&Value> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    let mut names = BTreeSet::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for operation in operations.as_object().unwrap().values() {
            assert!(names.insert(operation["operationId"].as_str().unwrap()), "{operation}");
            assert!(groups.contains(&&operation["tags"][0]), "{path}");
            for text in ["summary", "description"] {
                assert!(operation[text].as_str().is_some_and(|text| !text.is_empty()), "{path} {text}");
            }
        }
    }
}

#[test]
fn every_reference_names_a_part_and_every_part_is_referenced() {
    let document = document();
    let mut references = BTreeSet::new();
    walk(&document, "", &mut |pointer, value| {
        if pointer.ends_with("/$ref") {
            let target = value.as_str().unwrap().trim_start_matches('#');
            assert!(document.pointer(target).is_some(), "{pointer} refers to {target}");
            references.insert(target.to_owned());
        }
    });
    // A wrong method is answered by no operation.
    references
        .extend(["/components/responses/MethodNotAllowed", "/components/headers/Allow"].map(str::to_owned));
    for kind in ["headers", "parameters", "responses", "schemas"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            assert!(references.contains(&format!("/components/{kind}/{name}")), "{kind}/{name} is unused");
        }
    }
}

#[test]
fn every_field_and_parameter_is_described() {
    let document = document();
    let mut count = 0;
    walk(&document, "", &mut |pointer, value| {
        if let Some(fields) = value.as_object().filter(|_| pointer.ends_with("/properties")) {
            for (name, field) in fields {
                let choices = field["oneOf"].as_array().into_iter().flatten();
                let is_described = choices.chain([field]).any(|choice| choice["description"].is_string())
                    || field.get("$ref").is_some();
                let narrows = field.get("enum").is_some() && pointer.contains("/responses/");
                let of_list = field["items"].get("$ref").is_some();
                let of_error = pointer.contains("/HookRefused/");
                assert!(is_described || narrows || of_list || of_error, "{pointer}/{name}");
                count += 1;
            }
        }
        if pointer.ends_with("/parameters") {
            for parameter in value.as_array().into_iter().flatten().filter(|one| one.get("$ref").is_none()) {
                assert!(parameter["description"].is_string(), "{pointer}: {parameter}");
            }
        }
    });
    assert!(count > 60, "{count}");
}

/// The fields that a schema describes, with their schemas.
fn fields<'a>(document: &'a Value, schema: &'a Value) -> BTreeMap<&'a str, &'a Value> {
    let mut found = BTreeMap::new();
    if let Some(name) = schema["$ref"].as_str() {
        found.extend(fields(document, document.pointer(name.trim_start_matches('#')).unwrap()));
    }
    for choice in ["allOf", "anyOf", "oneOf"] {
        for part in schema[choice].as_array().into_iter().flatten() {
            found.extend(fields(document, part));
        }
    }
    if schema.get("items").is_some() {
        found.extend(fields(document, &schema["items"]));
    }
    found.extend(
        schema["properties"].as_object().into_iter().flatten().map(|(name, field)| (name.as_str(), field)),
    );
    found
}

/// The fields of an example that its schema does not have.
fn undescribed(document: &Value, schema: &Value, example: &Value) -> Vec<String> {
    match example {
        Value::Object(members) => {
            let fields = fields(document, schema);
            let missing = |(name, value): (&String, &Value)| match fields.get(name.as_str()) {
                Some(field) => undescribed(document, field, value),
                None => vec![name.clone()],
            };
            members.iter().flat_map(missing).collect()
        }
        Value::Array(items) => items.iter().flat_map(|item| undescribed(document, schema, item)).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_field_of_an_example_is_described() {
    let document = document();
    let mut count = 0;
    walk(&document, "", &mut |pointer, content| {
        let Some(examples) = content["examples"].as_object().filter(|_| content.get("schema").is_some())
        else {
            return;
        };
        for (name, example) in examples {
            count += 1;
            let mut undescribed = undescribed(&document, &content["schema"], &example["value"]);
            // The dialect asks only whether it is there.
            undescribed.retain(|field| field != "originType");
            assert_eq!(undescribed, Vec::<String>::new(), "{pointer} {name}");
        }
    });
    assert!(count > 40, "{count}");
}

#[test]
fn every_error_code_is_described_with_its_status() {
    let document = document();
    let mut described: BTreeSet<(String, String)> = BTreeSet::new();
    let mut note = |status: &str, response: &Value| {
        for example in response["content"]["application/json"]["examples"].as_object().into_iter().flatten() {
            if let Some(code) = example.1["value"]["code"].as_str() {
                described.insert((status.to_owned(), code.to_owned()));
            }
        }
    };
    for operations in document["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let name = response["$ref"].as_str().map(|name| name.trim_start_matches('#'));
                note(status, name.map_or(response, |name| document.pointer(name).unwrap()));
            }
        }
    }
    note("405", &document["components"]["responses"]["MethodNotAllowed"]);
    let in_code =
        ErrorCode::ALL.iter().map(|code| (code.status().as_str().to_owned(), code.as_str().to_owned()));
    let missing: Vec<_> = in_code.filter(|row| !described.contains(row)).collect();
    assert_eq!(missing, []);
}

#[test]
fn the_limits_of_the_document_are_those_of_the_code() {
    let document = document();
    let parameter = |path: &str, name: &str| {
        let parameters = document["paths"][path]["get"]["parameters"].as_array().unwrap();
        parameters.iter().find(|parameter| parameter["name"] == name).unwrap()["schema"].clone()
    };
    for path in ["/api/streams", "/api/streams/public"] {
        let limit = parameter(path, "limit");
        assert_eq!((&limit["minimum"], &limit["maximum"]), (&1.into(), &MAX_LIMIT.into()), "{path}");
    }
    let key = parameter("/api/streams/{stream_key}", "stream_key");
    assert_eq!(key["maxLength"], StreamKey::MAX_LENGTH);
    let name = parameter("/api/streams/public/{playback_id}", "playback_id");
    assert_eq!(name["maxLength"], PlaybackId::MAX_LENGTH);
    let text = document["info"]["description"].as_str().unwrap();
    let small = [crate::body::SMALL / 1024, crate::body::LARGE / 1024].map(|limit| format!("{limit} KiB"));
    assert!(small.iter().all(|limit| text.contains(limit)), "{small:?}");
}
