//! The errors of each operation, from the table of errors.
//!
//! A handler names the codes of its own (`x-error-codes`); those that its security and its path bring are added here.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::json::{members, texts_of};
use crate::error::ErrorCode;
use crate::error::ErrorCode::{
    BadRequest, BodyTooLarge, HeadersTooLarge, InternalError, InvalidToken, MethodNotAllowed, MissingToken,
    NotFound, NotReady, RequestTimeout, StoreUnavailable, StreamAlreadyActive, TokenExpired, TooManyRequests,
    UnknownUser,
};

/// The errors of every operation: those of a request's head, and defects.
const OF_ALL: [ErrorCode; 4] = [BadRequest, RequestTimeout, HeadersTooLarge, InternalError];

/// The errors of operations that need a token.
const OF_TOKENS: [ErrorCode; 4] = [MissingToken, InvalidToken, TokenExpired, UnknownUser];

/// The errors of operations that need the token of operators; without one in the settings, none of them is there.
const OF_OPERATORS: [ErrorCode; 4] = [MissingToken, InvalidToken, NotFound, TooManyRequests];

/// The errors of operations that need the database.
const OF_THE_STORE: [ErrorCode; 2] = [StoreUnavailable, NotReady];

/// The responses that several operations share, by their names in the document.
const SHARED: [(&str, &[ErrorCode]); 8] = [
    ("BadRequest", &[BadRequest]),
    ("Unauthorized", &OF_TOKENS),
    ("MethodNotAllowed", &[MethodNotAllowed]),
    ("RequestTimeout", &[RequestTimeout]),
    ("BodyTooLarge", &[BodyTooLarge]),
    ("HeadersTooLarge", &[HeadersTooLarge]),
    ("InternalError", &[InternalError]),
    ("Unavailable", &OF_THE_STORE),
];

/// The headers of a status, besides those of every response.
const HEADERS: [(&str, &str); 6] = [
    ("401", "WWW-Authenticate"),
    ("405", "Allow"),
    ("429", "Retry-After"),
    ("429", "RateLimit"),
    ("429", "RateLimit-Policy"),
    ("503", "Retry-After"),
];

/// The responses that several operations share, with their names.
pub(super) fn shared_responses() -> impl Iterator<Item = (&'static str, Value)> {
    SHARED.iter().map(|(name, codes)| (*name, response(codes)))
}

/// Describes the errors of an operation; a response with fields of its own is described by its handler.
pub(super) fn describe(path: &str, operation: &mut Value) {
    let codes = codes_of(path, operation);
    if let Some(operation) = operation.as_object_mut() {
        operation.remove("x-error-codes");
    }
    for (status, codes) in codes {
        let responses = &mut operation["responses"][status.to_string()];
        if responses.is_null() {
            let shared = SHARED.iter().find(|(_, shared)| *shared == codes);
            *responses = match shared {
                Some((name, _)) => json!({ "$ref": format!("#/components/responses/{name}") }),
                None => response(&codes),
            };
        }
    }
    for (status, described) in members(operation.get_mut("responses")) {
        // A hook's 401 is for the encoder behind the media server, which makes a challenge of its own.
        if described.get("$ref").is_none() && !path.starts_with("/hooks/") {
            add_headers_of_status(described, status);
        }
    }
}

/// The codes of an operation, by their status and in the order of the table.
fn codes_of(path: &str, operation: &Value) -> BTreeMap<u16, Vec<ErrorCode>> {
    let own = texts_of(&operation["x-error-codes"]);
    let security = operation["security"].as_array().into_iter().flatten();
    let mut schemes = security.into_iter().filter_map(Value::as_object).flat_map(Map::keys).peekable();
    let is_for_operators = schemes.peek().is_some_and(|scheme| scheme.as_str() == "admin_token");
    let needs_token = schemes.any(|scheme| scheme == "token");
    let is_of_operation = |code: &ErrorCode| {
        OF_ALL.contains(code)
            || (needs_token && OF_TOKENS.contains(code))
            || (is_for_operators && OF_OPERATORS.contains(code))
            || (path.starts_with("/api/") && OF_THE_STORE.contains(code))
            || own.iter().any(|named| named == code.as_str())
    };
    let mut by_status: BTreeMap<u16, Vec<ErrorCode>> = BTreeMap::new();
    for code in ErrorCode::ALL.iter().copied().filter(is_of_operation) {
        by_status.entry(code.status().as_u16()).or_default().push(code);
    }
    by_status
}

/// A response with one of these codes, which have one status.
fn response(codes: &[ErrorCode]) -> Value {
    let lines = codes.iter().map(|code| format!("- `{}`: {}", code.as_str(), code.sentence()));
    let mut schema = json!({
        "allOf": [{ "$ref": "#/components/schemas/Error" }],
        "properties": { "code": { "enum": codes } },
    });
    // Beside other codes no schema can require it of this one alone.
    if codes == [StreamAlreadyActive] {
        schema["required"] = json!(["stream"]);
    }
    let mut content = json!({ "schema": schema });
    for code in codes {
        let value = json!({ "error": code.sentence(), "code": code });
        content["examples"][code.as_str()] = json!({ "value": value });
    }
    let description = lines.collect::<Vec<_>>().join("\n");
    let mut response = json!({ "description": description, "content": { "application/json": content } });
    if let Some(code) = codes.first() {
        add_headers_of_status(&mut response, code.status().as_str());
    }
    response
}

fn add_headers_of_status(response: &mut Value, status: &str) {
    for (_, header) in HEADERS.iter().filter(|(known, _)| *known == status) {
        add_header(response, header);
    }
}

/// Adds a header that the document's components describe.
pub(super) fn add_header(response: &mut Value, header: &str) {
    response["headers"][header] = json!({ "$ref": format!("#/components/headers/{header}") });
}
