//! The document's examples, sent for real: each request gets the response that stands beside it, to the letter.

use serde_json::{Value, json};
use stream_domain::broadcasts::admission::AddressForm;

use super::{Answer, OPERATOR, World};
use crate::HookServers;
use crate::openapi::document;

/// An operation of the document.
struct Operation {
    method: String,
    path: String,
    description: Value,
}

impl Operation {
    fn named(name: &str) -> Self {
        let document = document();
        for (path, operations) in document["paths"].as_object().unwrap() {
            for (method, operation) in operations.as_object().unwrap() {
                if operation["operationId"] == name {
                    return Self {
                        method: method.to_uppercase(),
                        path: path.clone(),
                        description: operation.clone(),
                    };
                }
            }
        }
        panic!("no operation {name}")
    }

    /// The path with the examples of its parameters.
    fn path(&self) -> String {
        let mut path = self.path.clone();
        for parameter in self.description["parameters"].as_array().unwrap() {
            let name = format!("{{{}}}", parameter["name"].as_str().unwrap_or_default());
            if parameter["in"] == "path" {
                let example = &parameter["example"];
                let text = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
                path = path.replace(&name, &text);
            }
        }
        assert!(!path.contains('{') && !path.contains("null"), "{path} lacks an example");
        path
    }

    /// The example of a parameter in the query.
    fn query(&self, name: &str) -> String {
        let parameters = self.description["parameters"].as_array().unwrap();
        let parameter = parameters.iter().find(|parameter| parameter["name"] == name).unwrap();
        let example = &parameter["example"];
        assert!(!example.is_null(), "{name} lacks an example");
        format!("{name}={}", example.as_str().map_or_else(|| example.to_string(), str::to_owned))
    }

    /// Sends it, as the user if it needs a token.
    fn send(&self, world: &World, query: &str) -> Answer {
        let bearer = match self.description["security"][0].as_object().and_then(|scheme| scheme.keys().next())
        {
            Some(scheme) if scheme == "admin_token" => OPERATOR,
            _ => "user-1",
        };
        let needs_token = ["token", "admin_token"]
            .iter()
            .any(|scheme| self.description["security"][0].get(scheme).is_some());
        let token = if needs_token { format!("Authorization: Bearer {bearer}\r\n") } else { String::new() };
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        let bodies = &self.description["requestBody"]["content"]["application/json"]["examples"];
        let Some((_, body)) = bodies.as_object().and_then(|bodies| bodies.iter().next()) else {
            let path = self.path();
            return world.send(&format!("{} {path}{query} HTTP/1.1\r\nHost: test\r\n{token}", self.method));
        };
        world.send_json(&self.method, bearer, &self.path(), &body["value"].to_string())
    }
}

/// An example of a response.
fn example_of(operation: &Operation, status: u16, name: &str) -> Value {
    let examples =
        &operation.description["responses"][status.to_string()]["content"]["application/json"]["examples"];
    examples[name]["value"].clone()
}

/// Sends an operation with its examples, and compares the response with the example of this name.
#[track_caller]
fn compare(world: &World, operation: &str, query: &[&str], (status, example): (u16, &str)) -> String {
    let operation = Operation::named(operation);
    let query: Vec<String> = query.iter().map(|name| operation.query(name)).collect();
    let answer = operation.send(world, &query.join("&"));
    let expected = example_of(&operation, status, example);
    let found = serde_json::to_string_pretty(&answer.json()).unwrap();
    assert_eq!(answer.status, status, "{found}");
    assert!(answer.json() == expected, "the example {example} of {} is\n{found}", operation.path);
    format!("{} {status} {example}", operation.description["operationId"].as_str().unwrap())
}

/// The hooks that the document shows: the family, the media type, and the body as it is sent.
fn hooks() -> Vec<(String, String, String)> {
    let operation = Operation::named("receive_hook");
    let contents = operation.description["requestBody"]["content"].as_object().unwrap().clone();
    let mut hooks = Vec::new();
    for (media_type, content) in contents {
        for (family, example) in content["examples"].as_object().unwrap() {
            let body = match &example["value"] {
                Value::String(text) => text.clone(),
                Value::Object(fields) if media_type.ends_with("urlencoded") => {
                    let fields = fields.iter().map(|(name, value)| (name, value.as_str().unwrap()));
                    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
                }
                value => value.to_string(),
            };
            hooks.push((family.clone(), media_type.clone(), body));
        }
    }
    hooks
}

fn hook(world: &World, family: &str) -> Answer {
    let hooks = hooks();
    let (_, media_type, body) = hooks.iter().find(|(name, ..)| name == family).unwrap();
    world.hook(&format!("/hooks/{family}/edge-1"), media_type, body)
}

#[test]
fn every_example_of_a_response_is_what_the_service_answers() {
    let world = World::new();
    let mut seen = vec![
        compare(&world, "generate_key", &[], (201, "generated")),
        compare(&world, "generate_key", &[], (409, "stream_already_active")),
        compare(&world, "find_stream", &[], (200, "not_live")),
    ];
    let answer = hook(&world, "nginx-rtmp");
    assert_eq!((answer.status, answer.json()), (200, json!({ "code": 0 })));
    let refused = hook(&world, "srs");
    let operation = Operation::named("receive_hook");
    assert_eq!((refused.status, refused.json()), (403, example_of(&operation, 403, "publish_refused")));
    seen.push("receive_hook 403 publish_refused".to_owned());
    seen.extend([
        compare(&world, "list_public", &["live"], (200, "live")),
        compare(&world, "find_public_stream", &[], (200, "live")),
        compare(&world, "list_sessions", &[], (200, "open")),
        compare(&world, "list_attempts", &[], (200, "refused")),
        compare(&world, "show_details", &[], (200, "described")),
        compare(&world, "replace_details", &[], (200, "replaced")),
        compare(&world, "show_channel", &[], (200, "nothing")),
        compare(&world, "replace_channel", &[], (200, "replaced")),
        compare(&world, "list_categories", &[], (200, "default")),
        compare(&world, "plan_schedule", &[], (201, "planned")),
        compare(&world, "show_schedule", &[], (200, "scheduled")),
        compare(&world, "replace_schedule", &[], (200, "replaced")),
        compare(&world, "list_own_schedules", &["limit"], (200, "own")),
        compare(&world, "list_public_schedules", &["category", "user", "from", "to"], (200, "ahead")),
        compare(&world, "cancel_schedule", &[], (200, "canceled")),
        compare(&world, "list_all_streams", &["limit"], (200, "live")),
        compare(&world, "list_servers", &[], (200, "heard_of")),
        compare(&world, "examine_installation", &[], (200, "doubtful")),
        compare(&world, "stop_stream", &[], (200, "stopped")),
        compare(&world, "stop_any_stream", &[], (200, "ended")),
        compare(&world, "block_user", &[], (200, "blocked")),
        compare(&world, "list_blocked_users", &["limit"], (200, "one")),
        compare(&world, "unblock_user", &[], (200, "lifted")),
    ]);
    world.key_of(1);
    seen.extend([
        compare(&world, "list_own", &["limit"], (200, "first_page")),
        compare(&world, "list_own", &["cursor"], (200, "last_page")),
        compare(&world, "show_health", &[], (200, "healthy")),
        compare(&world, "show_liveness", &[], (200, "alive")),
        compare(&world, "show_readiness", &[], (200, "ready")),
    ]);
    world.readiness.draining();
    seen.extend([
        compare(&world, "show_health", &[], (503, "unhealthy")),
        compare(&world, "show_readiness", &[], (503, "draining")),
    ]);

    let mut shown = Vec::new();
    for operations in document()["paths"].as_object().unwrap().values() {
        for operation in operations.as_object().unwrap().values() {
            let name = operation["operationId"].as_str().unwrap();
            if name.ends_with("_with_secret") || name == "ask_by_hook" {
                continue;
            }
            for (status, response) in operation["responses"].as_object().unwrap() {
                let examples = response["content"]["application/json"]["examples"].as_object();
                let examples = examples.into_iter().flatten();
                // Errors are compared by their codes, in document_errors.rs.
                let own = examples.filter(|(name, example)| {
                    example["value"]["code"] != name.as_str()
                        || example["value"].get("stream").is_some()
                        || name.as_str() == "publish_refused"
                });
                shown.extend(own.map(|(example, _)| format!("{name} {status} {example}")));
            }
        }
    }
    seen.sort();
    shown.sort();
    // The yes to a hook is sent by the test of all families.
    shown.retain(|name| !name.starts_with("receive_hook 200"));
    assert_eq!(seen, shown);
}

#[test]
fn every_example_of_a_hook_is_admitted_by_its_family() {
    let document = document();
    let mut families: Vec<&str> = Vec::new();
    let words = document["components"]["schemas"]["HookFamily"]["enum"].as_array().unwrap();
    families.extend(words.iter().filter_map(Value::as_str));
    for family in families {
        let world = World::on_air(AddressForm::Key, HookServers::new());
        world.key_of(1);
        let answer = hook(&world, family);
        let operation = Operation::named("receive_hook");
        let name = if family == "ovenmediaengine" { "allowed" } else { "accepted" };
        assert_eq!((answer.status, answer.json()), (200, example_of(&operation, 200, name)), "{family}");
        let live = world.get("/api/streams/public?live=true").json();
        assert_eq!(live["streams"].as_array().unwrap().len(), 1, "{family}");
    }
}

#[test]
fn the_example_of_a_question_is_answered_by_the_key_alone() {
    let world = World::new();
    world.key_of(1);
    let operation = Operation::named("ask_by_hook");
    let query = ["call", "app", "name", "clientid", "addr"].map(|name| operation.query(name)).join("&");
    let answer = operation.send(&world, &query);
    assert_eq!((answer.status, answer.json()), (200, json!({ "code": 0 })));
    assert_eq!(operation.send(&world, "").status, 204);
    let live = world.get("/api/streams/public?live=true").json();
    assert_eq!(live["streams"].as_array().unwrap().len(), 0);
}
