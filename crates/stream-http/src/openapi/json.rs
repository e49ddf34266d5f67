//! JSON values, read and changed part by part.

use serde_json::Value;

/// Reads a file of the document.
pub(super) fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("tests read the files of the document")
}

/// Adds what `parts` has; objects are merged, and anything else replaces what was there.
pub(super) fn merge(whole: &mut Value, parts: Value) {
    match (whole, parts) {
        (Value::Object(whole), Value::Object(parts)) => {
            for (name, part) in parts {
                merge(whole.entry(name).or_insert(Value::Null), part);
            }
        }
        (whole, part) => *whole = part,
    }
}

/// Makes one schema of a form that holds another: each of the two forbids the fields of the other.
pub(super) fn join_all_of(schemas: &mut Value, name: &str) {
    let Value::Array(parts) = schemas[name]["allOf"].take() else {
        return;
    };
    let mut whole = Value::Null;
    for mut part in parts {
        if let Some(held) = part["$ref"].as_str() {
            part = schemas[held.trim_start_matches("#/components/schemas/")].clone();
        }
        merge(&mut whole, part);
    }
    whole["description"] = schemas[name]["description"].take();
    schemas[name] = whole;
}

/// The members of an object; none where there is no object.
pub(super) fn members(object: Option<&mut Value>) -> impl Iterator<Item = (&String, &mut Value)> {
    object.and_then(Value::as_object_mut).into_iter().flatten()
}

/// The texts of a list; none where there is no list.
pub(super) fn texts_of(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
