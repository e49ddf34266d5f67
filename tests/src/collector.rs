//! A collector of traces: it takes OTLP over HTTP and decodes it.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::dev::ServerHandle;
use actix_web::web::{self, Bytes, Data, PayloadConfig};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message as _;

/// A span as it was received; ids are lower-case hexadecimal.
#[derive(Debug, Clone)]
pub struct Span {
    /// What it is called.
    pub name: String,
    /// `server`, `client` or `internal`.
    pub kind: &'static str,
    /// The trace.
    pub trace_id: String,
    /// The span itself.
    pub id: String,
    /// The span around it, or an empty text.
    pub parent_id: String,
    /// Whether it failed.
    pub is_error: bool,
    /// What is said of it.
    pub attributes: BTreeMap<String, String>,
    /// What is said of the service.
    pub resource: BTreeMap<String, String>,
}

#[derive(Debug, Default)]
struct Received {
    spans: Mutex<Vec<Span>>,
    heads: Mutex<Vec<BTreeMap<String, String>>>,
}

/// A collector on a port of this machine; it ends when it is dropped.
#[derive(Debug)]
pub struct Collector {
    port: u16,
    received: Arc<Received>,
    server: ServerHandle,
}

impl Collector {
    /// Starts on this port; 0 takes a free one.
    ///
    /// # Panics
    /// If the port is taken.
    pub fn start(port: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).expect("the port is free");
        let port = listener.local_addr().expect("a bound port").port();
        let received: Arc<Received> = Arc::default();
        let data = Data::from(received.clone());
        let app = move || {
            let app = App::new().app_data(data.clone()).app_data(PayloadConfig::new(16 << 20));
            app.route("/v1/traces", web::post().to(take))
        };
        let server =
            HttpServer::new(app).workers(1).disable_signals().listen(listener).expect("it serves").run();
        let handle = server.handle();
        tokio::spawn(server);
        Self { port, received, server: handle }
    }

    /// The value of `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The spans that have come so far.
    pub fn spans(&self) -> Vec<Span> {
        self.received.spans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The headers of each request that has come so far.
    pub fn heads(&self) -> Vec<BTreeMap<String, String>> {
        self.received.heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends it, and frees its port.
    pub async fn stop(self) {
        self.server.stop(false).await;
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

async fn take(request: HttpRequest, body: Bytes, received: Data<Received>) -> HttpResponse {
    let head: BTreeMap<String, String> = request
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    let mut plain = Vec::new();
    if head.get("content-encoding").is_some_and(|encoding| encoding == "gzip") {
        GzDecoder::new(&*body).read_to_end(&mut plain).expect("gzip");
    } else {
        plain.extend_from_slice(&body);
    }
    let sent = ExportTraceServiceRequest::decode(&*plain).expect("OTLP");
    let spans = sent.resource_spans.into_iter().flat_map(|part| {
        let resource = texts(&part.resource.unwrap_or_default().attributes);
        let spans = part.scope_spans.into_iter().flat_map(|scope| scope.spans);
        spans.map(move |span| Span {
            kind: match span.kind() {
                SpanKind::Server => "server",
                SpanKind::Client => "client",
                _ => "internal",
            },
            is_error: span.status.is_some_and(|status| status.code() == StatusCode::Error),
            attributes: texts(&span.attributes),
            name: span.name,
            trace_id: hexadecimal(&span.trace_id),
            id: hexadecimal(&span.span_id),
            parent_id: hexadecimal(&span.parent_span_id),
            resource: resource.clone(),
        })
    });
    received.spans.lock().unwrap_or_else(PoisonError::into_inner).extend(spans);
    received.heads.lock().unwrap_or_else(PoisonError::into_inner).push(head);
    HttpResponse::Ok().finish()
}

fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Option<AnyValue>| match value.as_ref().and_then(|value| value.value.as_ref()) {
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        other => format!("{other:?}"),
    };
    attributes.iter().map(|one| (one.key.clone(), text(&one.value))).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
