//! Traces, as a collector gets them: requests, use cases, queries and calls of media servers, and no key among them.

use std::collections::BTreeMap;

use reqwest::Method;
use stream_test_postgres::free_port;
use stream_tests::{
    Collector, Service, ServiceBuilder, Span, StoreKind, TestStore, eventually, find_secret, token_of,
};

super::on_both_stores! { a_request_is_a_part_of_its_clients_trace }

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

/// A service that sends its spans soon.
fn traced(setup: ServiceBuilder, endpoint: &str) -> ServiceBuilder {
    setup.with("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint).with("OTEL_BSP_SCHEDULE_DELAY", "100")
}

/// Sends a request that belongs to a trace, and returns its status.
async fn send(service: &Service, method: Method, path: &str, flags: &str) -> u16 {
    let request = service.request(method, path).bearer_auth(token_of(1));
    service.send(request.header("traceparent", format!("00-{TRACE}-{PARENT}-{flags}"))).await.status
}

/// The span of this name, once it has come.
async fn span(collector: &Collector, name: &str) -> Span {
    let found = || collector.spans().into_iter().find(|span| span.name == name);
    eventually(&format!("the span {name}"), || async { found().is_some() }).await;
    found().expect("it was there")
}

async fn a_request_is_a_part_of_its_clients_trace(kind: StoreKind) {
    let (collector, store) = (Collector::start(0), TestStore::new(kind));
    let service = traced(store.setup(), &collector.endpoint()).start().await;
    assert_eq!(send(&service, Method::POST, "/api/streams/generate-key", "01").await, 201);
    let request = span(&collector, "POST /api/streams/generate-key").await;
    assert_eq!((request.kind, &*request.trace_id, &*request.parent_id), ("server", TRACE, PARENT));
    for (name, value) in [
        ("http.request.method", "POST"),
        ("http.route", "/api/streams/generate-key"),
        ("http.response.status_code", "201"),
    ] {
        assert_eq!(request.attributes.get(name).map(String::as_str), Some(value), "{request:?}");
    }
    assert!(!request.is_error);
    let use_case = span(&collector, "keys.generate").await;
    assert_eq!((&use_case.trace_id, &use_case.parent_id), (&request.trace_id, &request.id));
    let query = span(&collector, "start").await;
    assert_eq!((query.kind, &query.trace_id, &query.parent_id), ("client", &use_case.trace_id, &use_case.id));
    let system = if kind == StoreKind::Postgres { "postgresql" } else { "sqlite" };
    assert_eq!(query.attributes.get("db.system.name").map(String::as_str), Some(system));
    let name = |span: &Span| span.resource.get("service.name").cloned();
    assert_eq!(name(&request).as_deref(), Some("stream-service"));
    let line = format!(r#""trace_id":"{TRACE}""#);
    let is_named =
        || service.program.errors().lines().any(|log| log.contains(&line) && log.contains(r#""status":201"#));
    eventually("the trace in the log", || async { is_named() }).await;

    // A lookup is read for several requests at once, and is still a part of each.
    let key = service.key_of(2).await;
    assert_eq!(send(&service, Method::GET, &format!("/api/streams/{key}"), "01").await, 200);
    let lookup = span(&collector, "GET /api/streams/{stream_key}").await;
    let use_case = span(&collector, "keys.find_publishable").await;
    let query = span(&collector, "look_up").await;
    assert_eq!((&use_case.parent_id, &query.parent_id), (&lookup.id, &use_case.id));
    assert_eq!(send(&service, Method::GET, "/api/streams/public?limit=5", "01").await, 200);
    let page = span(&collector, "page").await;
    assert_eq!(page.parent_id, span(&collector, "catalog.list").await.id);

    // Who sends no trace is in one of its own, which the log names.
    assert_eq!(service.post_as(2, "/api/streams/stop").await.status, 200);
    let stop = span(&collector, "POST /api/streams/stop").await;
    assert!(stop.parent_id.is_empty() && stop.trace_id != TRACE, "{stop:?}");
    let line = format!(r#""trace_id":"{}""#, stop.trace_id);
    eventually("its own trace in the log", || async { service.program.errors().contains(&line) }).await;
    let all = format!("{:?}", collector.spans());
    assert!(find_secret(&all, &[key]).is_none(), "no key is in a span");
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_and_calls_of_media_servers_are_traced_and_failures_show() {
    let collector = Collector::start(0);
    let servers = format!("edge=srs;secret=s;control=http://127.0.0.1:{}", free_port());
    let store = TestStore::new(StoreKind::Sqlite);
    let setup = store.setup().with("MEDIA_SERVERS", &servers);
    let service = traced(setup, &collector.endpoint()).start().await;
    let call = span(&collector, "media_server.publishers").await;
    assert!(call.kind == "client" && call.is_error, "{call:?}");
    let key = service.key_of(1).await;
    let body = serde_json::json!({
        "action": "on_publish", "client_id": "c1", "ip": "127.0.0.1", "vhost": "__defaultVhost__", "app": "live",
        "stream": key, "param": ""
    });
    let hook = service.request(Method::POST, "/hooks/srs/edge?secret=s").body(body.to_string());
    assert_eq!(service.send(hook).await.status, 200);
    let handled = span(&collector, "hooks.handle").await;
    let request = span(&collector, "POST /hooks/{family}/{server}").await;
    assert_eq!((request.kind, &request.id), ("server", &handled.parent_id));
    let all = format!("{:?}", collector.spans());
    assert!(find_secret(&all, &[key]).is_none(), "no key is in a span");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_standard_variables_count() {
    let collector = Collector::start(0);
    let store = TestStore::new(StoreKind::Sqlite);
    let setup = traced(store.setup(), &collector.endpoint());
    let service = setup
        .with("OTEL_SERVICE_NAME", "streams-of-a-platform")
        .with("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=staging")
        .with("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Basic%20abc")
        .with("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        .with("OTEL_TRACES_SAMPLER", "parentbased_always_off")
        .start()
        .await;
    // The client decides for its own traces, and the sampler for the others.
    assert_eq!(service.get("/health").await.status, 200);
    assert_eq!(send(&service, Method::GET, "/api/streams/public", "00").await, 200);
    assert_eq!(send(&service, Method::GET, "/api/streams", "01").await, 200);
    let sampled = span(&collector, "GET /api/streams").await;
    assert!(collector.spans().iter().all(|span| span.trace_id == TRACE), "{:?}", collector.spans());
    assert!(!collector.spans().iter().any(|span| span.name == "GET /api/streams/public"));
    let says = |name: &str| sampled.resource.get(name).cloned().unwrap_or_default();
    assert_eq!(says("service.name"), "streams-of-a-platform");
    assert_eq!(says("deployment.environment.name"), "staging");
    assert!(!says("service.version").is_empty());
    let has = |head: &BTreeMap<String, String>, name: &str, value: &str| {
        head.get(name).is_some_and(|text| text == value)
    };
    assert!(collector.heads().iter().all(|head| has(head, "authorization", "Basic abc")));
    assert!(collector.heads().iter().all(|head| has(head, "content-encoding", "gzip")));
    // A trace that is not exported is named in the log as well.
    let named = format!(r#""trace_id":"{TRACE}""#);
    eventually("both in the log", || async { service.program.errors().matches(&named).count() == 2 }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_is_named_once_and_the_service_goes_on() {
    let (port, store) = (free_port(), TestStore::new(StoreKind::Sqlite));
    let setup = traced(store.setup(), &format!("http://user:not-for-logs@127.0.0.1:{port}"));
    let service = setup.with("LOG_LEVEL", "info").start().await;
    let away = "traces cannot be sent to their collector";
    eventually("the warning", || async {
        assert_eq!(service.get("/api/streams/public").await.status, 200);
        service.program.errors().contains(away)
    })
    .await;
    let collector = Collector::start(port);
    eventually("spans", || async {
        assert_eq!(service.get("/api/streams/public").await.status, 200);
        !collector.spans().is_empty()
    })
    .await;
    eventually("the end of it in the log", || async {
        service.program.errors().contains("the collector takes traces again")
    })
    .await;
    let log = service.program.errors();
    assert_eq!(log.matches(away).count(), 1, "{log}");
    assert!(!log.contains("not-for-logs"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_spans_are_sent_before_the_process_ends() {
    let (collector, store) = (Collector::start(0), TestStore::new(StoreKind::Sqlite));
    let setup = store.setup().with("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.endpoint());
    let mut service = setup.with("OTEL_BSP_SCHEDULE_DELAY", "600000").start().await;
    assert_eq!(send(&service, Method::GET, "/api/streams", "01").await, 200);
    assert!(collector.spans().is_empty());
    service.program.signal("TERM");
    assert!(service.program.wait().await.success());
    assert!(collector.spans().iter().any(|span| span.name == "GET /api/streams"), "{:?}", collector.spans());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_collector_the_log_names_a_clients_trace_and_nothing_else() {
    let store = TestStore::new(StoreKind::Sqlite);
    let service = store.setup().start().await;
    assert_eq!(service.get("/api/streams/public").await.status, 200);
    for wrong in ["", "00-0-0-01", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"] {
        let request = service.request(Method::GET, "/api/streams/public").header("traceparent", wrong);
        assert_eq!(service.send(request).await.status, 200, "{wrong}");
    }
    assert!(!service.program.errors().contains("trace_id"), "{}", service.program.errors());
    assert_eq!(send(&service, Method::GET, "/api/streams", "01").await, 200);
    let named = format!(r#""trace_id":"{TRACE}""#);
    eventually("the trace in the log", || async { service.program.errors().matches(&named).count() == 1 })
        .await;
}

#[test]
fn a_variable_that_cannot_be_honoured_is_named() {
    let setup = ServiceBuilder::default().with("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4318");
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
    ] {
        let (status, _, errors) = setup.clone().with(name, value).run(&["serve"]);
        assert_eq!(status.code(), Some(2), "{name}: {errors}");
        assert!(errors.contains("OTEL_EXPORTER_OTLP_"), "{name}: {errors}");
    }
    // Other commands are not traced, so that none of these can stop them.
    let (status, _, errors) =
        setup.with("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").run(&["token", "--user", "1"]);
    assert!(status.success(), "{errors}");
}
