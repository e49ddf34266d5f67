//! Schemas that no derive can make: words that the domain lists, and text of a fixed alphabet.

use serde_json::Value;
use utoipa::openapi::schema::SchemaType;
use utoipa::openapi::{Object, ObjectBuilder, Type};

/// Text that is one of these words.
pub(crate) fn words<'a>(description: &str, words: impl IntoIterator<Item = &'a str>) -> Object {
    let text = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
    text.description(Some(description)).build()
}

/// Text that is one of these words, or `null`.
pub(crate) fn words_or_null<'a>(description: &str, words: impl IntoIterator<Item = &'a str>) -> Object {
    let values = words.into_iter().map(Value::from).chain([Value::Null]);
    let kinds = SchemaType::Array(vec![Type::String, Type::Null]);
    let text = ObjectBuilder::new().schema_type(kinds).enum_values(Some(values));
    text.description(Some(description)).build()
}
