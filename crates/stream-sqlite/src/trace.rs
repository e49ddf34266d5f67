//! Spans of queries, for whoever exports traces.

use tracing::field::Empty;
use tracing::{Instrument as _, Span};

/// The span of an operation, as a part of a request that is traced; texts and parameters are not in it, since those are
/// keys.
pub(crate) fn query(operation: &str) -> Span {
    if Span::current().is_none() {
        return Span::none();
    }
    tracing::info_span!(
        "query",
        otel.name = operation,
        otel.kind = "client",
        otel.status_code = Empty,
        db.system.name = "sqlite",
        db.operation.name = operation,
    )
}

/// The name of the function that has this closure.
pub(crate) fn function_of<F>(_: &F) -> &'static str {
    let path = std::any::type_name::<F>().trim_end_matches("::{{closure}}");
    let name = path.rsplit("::").next().unwrap_or(path);
    // Lifetimes may follow it.
    name.split('<').next().unwrap_or(name)
}

/// Waits for an outcome in the span, which says whether it failed.
pub(crate) async fn traced<T, E>(span: Span, run: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    let outcome = run.instrument(span.clone()).await;
    if outcome.is_err() {
        span.record("otel.status_code", "ERROR");
    }
    outcome
}
