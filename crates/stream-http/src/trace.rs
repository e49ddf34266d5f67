//! Traces: a span for each request, which belongs to the trace that its `traceparent` names, and one for each use case.
//!
//! A span costs next to nothing while nobody exports it.
//! The id of a client's trace is in the log all the same.

use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::http::{Method, StatusCode};
use opentelemetry::global;
use opentelemetry::propagation::Extractor;
use opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceId};
use tracing::field::Empty;
use tracing::instrument::Instrumented;
use tracing::{Instrument as _, Span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use uuid::Uuid;

/// The header that the W3C's Trace Context names a trace by.
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Which requests are traced; it decides before a span costs anything.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceSampler {
    /// Whether a client that names its trace decides for it.
    pub follows_parent: bool,
    /// The share of the other requests, from 0 to 1.
    pub ratio: f64,
}

impl TraceSampler {
    fn takes(self, parent: Option<&SpanContext>) -> bool {
        match parent {
            Some(parent) if self.follows_parent => parent.is_sampled(),
            // The last bits of such an id are random.
            _ => self.ratio >= 1.0 || (Uuid::now_v7().as_u128() as u32 as f64) < self.ratio * TWO_TO_32,
        }
    }
}

/// How many numbers 32 bits are.
const TWO_TO_32: f64 = 4_294_967_296.0;

/// A request as a part of a trace.
pub(crate) struct RequestTrace {
    span: Span,
    id: Option<TraceId>,
}

impl RequestTrace {
    /// Begins the span of a request, if it is sampled.
    pub(crate) fn begin(
        sampler: Option<&TraceSampler>,
        method: &Method,
        headers: &HeaderMap,
        request_id: &str,
    ) -> Self {
        let parent = headers
            .contains_key(&TRACEPARENT)
            .then(|| global::get_text_map_propagator(|format| format.extract(&Headers(headers))))
            .filter(|parent| parent.span().span_context().is_valid());
        let clients = parent.as_ref().map(|parent| parent.span().span_context().clone());
        let id = clients.as_ref().map(SpanContext::trace_id);
        if !sampler.is_some_and(|sampler| sampler.takes(clients.as_ref())) {
            return Self { span: Span::none(), id };
        }
        let span = tracing::info_span!(
            "request",
            otel.kind = "server",
            otel.status_code = Empty,
            http.request.method = %method,
            http.route = Empty,
            http.response.status_code = Empty,
            request_id,
        );
        if let Some(parent) = parent {
            // It fails for want of an exporter only, and then there is no trace that could lack its parent.
            let _ = span.set_parent(parent);
        }
        let own = span.context().span().span_context().clone();
        Self { span, id: id.or(own.is_valid().then(|| own.trace_id())) }
    }

    /// The span, for what is done meanwhile.
    pub(crate) fn span(&self) -> Span {
        self.span.clone()
    }

    /// The trace's id for the log: the client's, or that of the exported trace.
    pub(crate) fn id(&self) -> Option<tracing::field::DisplayValue<TraceId>> {
        self.id.map(tracing::field::display)
    }

    /// Ends the span with what is known now; `route` is a template, since a path may be a key.
    pub(crate) fn end(self, method: &Method, route: &str, status: StatusCode) {
        if self.span.is_disabled() {
            return;
        }
        // The name of a span that has begun is not changed by a field.
        self.span.context().span().update_name(format!("{method} {route}"));
        self.span.record("http.route", route);
        self.span.record("http.response.status_code", status.as_u16());
        if status.is_server_error() {
            self.span.record("otel.status_code", "ERROR");
        }
    }
}

/// Runs a use case in a span of its name, as a part of a request that is traced.
pub(crate) fn use_case<F: Future>(name: &'static str, run: F) -> Instrumented<F> {
    run.instrument(stream_spans::use_case(name))
}

/// A request's headers, as the library of the format reads them.
struct Headers<'h>(&'h HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}
