//! Requests: how many, how they were answered, and how long that took.

use std::sync::Arc;
use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::figures::{LATENCY_BOUNDS, Latencies, RequestFigures, Statuses};

/// Requests by route, method and status.
#[derive(Debug, Clone)]
pub struct RequestMetrics {
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    totals: Arc<Totals>,
}

/// The same over all routes.
#[derive(Debug, Default)]
struct Totals {
    statuses: Statuses,
    latencies: Latencies,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    route: String,
    method: &'static str,
}

impl RequestMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(latencies),
            in_flight: Gauge::default(),
            totals: Arc::default(),
        };
        registry.register(
            "http_requests",
            "Requests that were answered, by template of the route, method and status",
            metrics.requests.clone(),
        );
        registry.register_with_unit(
            "http_request_duration",
            "Time from the head of a request to the head of its response",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        registry.register(
            "http_requests_in_flight",
            "Requests that are being answered",
            metrics.in_flight.clone(),
        );
        metrics
    }

    /// What was counted since the start, over all routes.
    pub fn figures(&self) -> RequestFigures {
        RequestFigures {
            in_flight: u64::try_from(self.in_flight.get()).unwrap_or_default(),
            statuses: self.totals.statuses.read(),
            latency: self.totals.latencies.read(),
        }
    }

    /// A request came in.
    pub fn begin(&self) -> RequestInFlight {
        self.in_flight.inc();
        RequestInFlight { metrics: self.clone(), began: Instant::now() }
    }
}

/// A request that is being answered, until this is dropped.
#[derive(Debug)]
pub struct RequestInFlight {
    metrics: RequestMetrics,
    began: Instant,
}

impl RequestInFlight {
    /// Counts the response; `route` MUST be a template, not a path.
    pub fn end(self, route: &str, method: &str, status: u16) {
        let (route, method) = (route.to_owned(), method_label(method));
        let labels = RouteLabels { route, method };
        let took = self.began.elapsed();
        self.metrics.durations.get_or_create(&labels).observe(took.as_secs_f64());
        self.metrics.totals.latencies.observe(took);
        self.metrics.totals.statuses.count(status);
        let labels = RequestLabels { route: labels.route, method, status };
        self.metrics.requests.get_or_create(&labels).inc();
    }
}

impl Drop for RequestInFlight {
    /// A client that leaves ends its request, too.
    fn drop(&mut self) {
        self.metrics.in_flight.dec();
    }
}

/// A histogram of the times of requests and hooks.
pub(crate) fn latencies() -> Histogram {
    Histogram::new(LATENCY_BOUNDS)
}

/// A client may invent methods, and labels must be few.
fn method_label(method: &str) -> &'static str {
    const KNOWN: [&str; 9] = ["GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or("other")
}
