//! When there is a span, and what a closure's function is called.

use super::*;

trait Store {
    fn stop<'a>(&'a self, name: &'a str) -> &'static str;
}

struct OneOfThem;

impl Store for OneOfThem {
    fn stop<'a>(&'a self, name: &'a str) -> &'static str {
        let step = move || async move { name.len() };
        let inner = || function_of(&step);
        assert_eq!(function_of(&inner), "stop");
        inner()
    }
}

#[test]
fn a_closure_is_called_as_its_function_wherever_that_is() {
    assert_eq!(OneOfThem.stop("a"), "stop");
    assert_eq!(function_of(&|| ()), "a_closure_is_called_as_its_function_wherever_that_is");
}

#[test]
fn without_a_request_that_is_traced_only_a_call_has_a_span() {
    let all = tracing_subscriber::fmt().with_writer(std::io::sink).finish();
    tracing::subscriber::with_default(all, || {
        assert!(use_case("keys.stop").is_none() && query("sqlite", "stop").is_none());
        assert!(!media_server_call("media_server.kick").is_none());
        tracing::info_span!("request").in_scope(|| {
            assert!(!use_case("keys.stop").is_none() && !query("sqlite", "stop").is_none());
        });
    });
}

#[test]
fn an_outcome_is_passed_on() {
    let outcome: Result<(), u8> = futures_executor::block_on(traced(Span::none(), async { Err(7) }));
    assert_eq!(outcome, Err(7));
}
