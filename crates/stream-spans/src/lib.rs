//! Spans: the parts of a request that is traced, and calls of media servers, by the names and attributes that
//! OpenTelemetry has for them.
//!
//! No span has a text or a parameter of what is done, since those are keys.

use tracing::field::Empty;
use tracing::{Instrument as _, Span};

#[cfg(test)]
mod tests;

/// A use case, as a part of a request that is traced.
pub fn use_case(name: &str) -> Span {
    within_request(|| tracing::info_span!("use case", otel.name = name))
}

/// An operation on a database of this kind, as a part of a request that is traced.
pub fn query(system: &str, operation: &str) -> Span {
    within_request(|| {
        tracing::info_span!(
            "query",
            otel.name = operation,
            otel.kind = "client",
            otel.status_code = Empty,
            db.system.name = system,
            db.operation.name = operation,
        )
    })
}

/// A question or an order to a media server, whoever causes it.
pub fn media_server_call(name: &str) -> Span {
    tracing::info_span!("media server", otel.name = name, otel.kind = "client", otel.status_code = Empty)
}

/// The span, if the task is in one.
fn within_request(span: impl FnOnce() -> Span) -> Span {
    if Span::current().is_none() { Span::none() } else { span() }
}

/// Waits for an outcome in the span, which says whether it failed.
pub async fn traced<T, E>(span: Span, run: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let outcome = run.instrument(span.clone()).await;
    if outcome.is_err() {
        span.record("otel.status_code", "ERROR");
    }
    outcome
}

/// The name of the function that has this closure.
pub fn function_of<F>(_: &F) -> &'static str {
    let path = std::any::type_name::<F>().trim_end_matches("::{{closure}}");
    let name = path.rsplit("::").next().unwrap_or(path);
    // Lifetimes may follow it.
    name.split('<').next().unwrap_or(name)
}
