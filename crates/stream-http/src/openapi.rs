//! The API's own description: an OpenAPI 3.1 document, made from the handlers, their types and the table of errors.
//!
//! What derives cannot say stands beside it: `openapi/parts.json` (the hooks, whose body is that of a family, security,
//! headers, groups) and `openapi/examples.json`.
//! The committed copy is `crates/stream-http/openapi.json`; `make openapi` writes it, and a test compares it.

mod errors;
mod json;

use serde_json::{Map, Value, json};
use utoipa::OpenApi as _;

use self::json::{join_all_of, members, merge, parse, texts_of};
use crate::{
    admin, broadcasts, catalog, console, details, docs, events, health, hooks, keys, metrics, schedules,
    webhooks,
};

/// What the derives say.
#[derive(utoipa::OpenApi)]
#[openapi(
    paths(
        admin::figures::show_figures,
        admin::health::examine_installation,
        admin::servers::list_servers,
        admin::streams::list_all_streams,
        admin::streams::stop_any_stream,
        admin::users::block_user,
        admin::users::list_blocked_users,
        admin::users::unblock_user,
        broadcasts::list_attempts,
        broadcasts::list_sessions,
        catalog::find_public_stream,
        catalog::list_public,
        console::show_console,
        console::show_embed,
        console::show_file,
        console::show_settings,
        console::session::start_session,
        details::list_categories,
        details::replace_channel,
        details::replace_details,
        details::show_channel,
        details::show_details,
        docs::show_document,
        docs::show_page,
        docs::show_script,
        docs::show_style,
        events::list_events,
        events::stream_events,
        health::show_health,
        health::show_liveness,
        health::show_readiness,
        keys::find_stream,
        keys::generate_key,
        keys::list_own,
        keys::stop_stream,
        metrics::show_metrics,
        schedules::cancel_schedule,
        schedules::list_own_schedules,
        schedules::list_public_schedules,
        schedules::plan_schedule,
        schedules::replace_schedule,
        schedules::show_calendar,
        schedules::show_schedule,
        webhooks::endpoints::add_webhook,
        webhooks::deliveries::list_deliveries,
        webhooks::endpoints::list_webhooks,
        webhooks::endpoints::remove_webhook,
        webhooks::endpoints::replace_webhook,
        webhooks::deliveries::replay_events,
        webhooks::deliveries::retry_delivery,
        webhooks::endpoints::rotate_secret,
        webhooks::endpoints::show_webhook,
        webhooks::endpoints::test_webhook
    ),
    components(schemas(
        crate::error::ErrorView<'static>,
        health::NotReadyView,
        hooks::AntMediaHook,
        hooks::MediaMtxHook,
        hooks::NodeMediaServerHook,
        hooks::OvenMediaEngineHook,
        hooks::RefusedView,
        hooks::SrsHook,
        hooks::ZlMediaKitHook
    ))
)]
struct Derived;

/// What the derives cannot say.
const PARTS: &str = include_str!("openapi/parts.json");

/// Examples of parameters, bodies and responses, by operation.
const EXAMPLES: &str = include_str!("openapi/examples.json");

/// The path of hooks, and the same with the secret in it.
const HOOKS: [&str; 2] = ["/hooks/{family}/{server}", "/hooks/{family}/{server}/{secret}"];

/// What the names of the second path's operations end with.
const WITH_SECRET: &str = "_with_secret";

/// The document as JSON with indentation, as it is committed.
pub fn openapi_json() -> String {
    let mut text = serde_json::to_string_pretty(&document()).expect("a JSON value is JSON");
    text.push('\n');
    text
}

/// The document.
pub(crate) fn document() -> Value {
    let mut document = serde_json::to_value(Derived::openapi()).expect("the document is JSON");
    merge(&mut document, parse(PARTS));
    for form in ["NewStreamForm", "ScheduleForm"] {
        join_all_of(&mut document["components"]["schemas"], form);
    }
    document["components"]["schemas"]["HookFamily"] =
        serde_json::to_value(hooks::family_schema()).expect("a schema is JSON");
    add_hooks_with_secret(&mut document);
    let headers = texts_of(&document["components"]["x-every-response"].take());
    let shared = errors::shared_responses().map(|(name, mut response)| {
        headers.iter().for_each(|header| errors::add_header(&mut response, header));
        (name.to_owned(), response)
    });
    document["components"]["responses"] = shared.collect::<Map<String, Value>>().into();
    let examples = parse(EXAMPLES);
    for_each_operation(&mut document, |path, operation| {
        // It is the first line of a doc comment.
        operation["summary"] = operation["summary"].as_str().unwrap_or_default().trim_end_matches('.').into();
        errors::describe(path, operation);
        add_headers(operation, &headers);
        let name =
            operation["operationId"].as_str().unwrap_or_default().trim_end_matches(WITH_SECRET).to_owned();
        add_examples(operation, &examples[&name]);
    });
    // What was taken away.
    if let Some(components) = document["components"].as_object_mut() {
        components.retain(|_, part| !part.is_null());
    }
    document
}

/// Describes the hooks with the secret in their path: as those without, with one more parameter and no other secret.
fn add_hooks_with_secret(document: &mut Value) {
    let secret = document["components"]["x-hook-secret"].take();
    let mut hooks = document["paths"][HOOKS[0]].clone();
    for (_, operation) in members(Some(&mut hooks)) {
        for name in ["operationId", "summary"] {
            let end = if name == "summary" { " (secret in the path)" } else { WITH_SECRET };
            operation[name] = [operation[name].as_str().unwrap_or_default(), end].concat().into();
        }
        operation["security"] = json!([]);
        if let Some(parameters) = operation["parameters"].as_array_mut() {
            parameters.push(secret.clone());
        }
    }
    document["paths"][HOOKS[1]] = hooks;
}

/// Every operation of the document, with its path.
fn for_each_operation(document: &mut Value, mut change: impl FnMut(&str, &mut Value)) {
    for (path, operations) in members(document.get_mut("paths")) {
        members(Some(operations)).for_each(|(_, operation)| change(path, operation));
    }
}

/// Every request may name itself, and every response has these headers; what may be unchanged has an `ETag`.
fn add_headers(operation: &mut Value, headers: &[String]) {
    let may_be_unchanged = operation["responses"].get("304").is_some();
    if operation.get("parameters").is_none() {
        operation["parameters"] = json!([]);
    }
    let names = if may_be_unchanged { &["IfNoneMatch", "RequestId"][..] } else { &["RequestId"] };
    if let Some(parameters) = operation["parameters"].as_array_mut() {
        parameters
            .extend(names.iter().map(|name| json!({ "$ref": format!("#/components/parameters/{name}") })));
    }
    for (status, response) in members(operation.get_mut("responses")) {
        if response.get("$ref").is_some() {
            continue;
        }
        headers.iter().for_each(|header| errors::add_header(response, header));
        if may_be_unchanged && ["200", "304"].contains(&status.as_str()) {
            errors::add_header(response, "ETag");
        }
    }
}

/// Adds the examples of an operation to its parameters, bodies and responses.
fn add_examples(operation: &mut Value, examples: &Value) {
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        let example = parameter["name"].as_str().and_then(|name| examples["parameters"].get(name));
        if let Some(example) = example.cloned() {
            parameter["example"] = example;
        }
    }
    for (media_type, content) in members(operation.pointer_mut("/requestBody/content")) {
        merge_examples(content, &examples["body"][media_type]);
    }
    for (status, response) in members(operation.get_mut("responses")) {
        if let Some(content) = response.pointer_mut("/content/application~1json") {
            merge_examples(content, &examples["responses"][status]);
        }
    }
}

fn merge_examples(content: &mut Value, examples: &Value) {
    for (name, value) in examples.as_object().into_iter().flatten() {
        content["examples"][name] = json!({ "value": value });
    }
}
