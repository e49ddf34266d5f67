//! Traces: the spans of our own crates, sent to a collector by OTLP over HTTP.

use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{KeyValue, Value, global};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterExt as _, Targets, filter_fn};
use tracing_subscriber::registry::LookupSpan;

use super::collector::Collector;
use super::our_crates::OUR_CRATES;
use crate::config::TracesConfig;
use crate::failure::Failure;
use crate::wiring::https_connector;

/// What the service is called unless `OTEL_SERVICE_NAME` or `OTEL_RESOURCE_ATTRIBUTES` say otherwise.
const SERVICE: &str = "stream-service";

/// How long the end of the process waits for the last spans.
const LAST_SPANS_WITHIN: Duration = Duration::from_secs(2);

/// Spans on their way to a collector.
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Starts the thread that sends; the collector is first asked when there is a span.
    pub(crate) fn to(config: &TracesConfig) -> Result<Self, Failure> {
        let connector = https_connector().map_err(|error| Failure::new(format!("traces: {error}")))?;
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Collector::new(connector, config.timeout))
            .with_endpoint(&config.url)
            .with_timeout(config.timeout)
            .build();
        let exporter =
            exporter.map_err(|error| Failure::wrong_setting(format!("OTEL_EXPORTER_OTLP_…: {error}")))?;
        // Requests are sampled before they become spans; what is left are those, and calls of media servers.
        let of_roots = if config.sampler.ratio > 0.0 { Sampler::AlwaysOn } else { Sampler::AlwaysOff };
        let sampler = match config.sampler.follows_parent {
            true => Sampler::ParentBased(Box::new(of_roots)),
            false => of_roots,
        };
        let provider = SdkTracerProvider::builder()
            .with_sampler(sampler)
            .with_resource(resource())
            .with_batch_exporter(exporter);
        Ok(Self(provider.build()))
    }

    /// What hands spans over; nothing but spans of our own crates.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + Send + Sync + use<S>
    where
        S: tracing::Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        let ours = Targets::new().with_targets(OUR_CRATES.map(|name| (name, LevelFilter::INFO)));
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer(SERVICE))
            .with_location(false)
            .with_target(false)
            .with_threads(false)
            .with_tracked_inactivity(false)
            .with_filter(ours.and(filter_fn(|metadata| metadata.is_span())))
    }

    /// Sends the last spans, if the collector takes them in time.
    pub(super) fn end(&self) {
        // The collector's failure was logged.
        let _ = self.0.shutdown_with_timeout(LAST_SPANS_WITHIN);
    }
}

/// Has `traceparent` read, whether or not traces are sent.
pub(super) fn read_trace_context() {
    global::set_text_map_propagator(TraceContextPropagator::new());
}

fn resource() -> Resource {
    let resource =
        Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    let found = resource.build();
    let name = found.get(&"service.name".into());
    // The SDK makes up a name that begins so where none is set.
    if name.is_some_and(|name: Value| !name.as_str().starts_with("unknown_service")) {
        return found;
    }
    let named = Resource::builder().with_service_name(SERVICE);
    named.with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION"))).build()
}
