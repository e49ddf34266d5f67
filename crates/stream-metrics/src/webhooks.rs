//! Webhooks: what this instance sends, and what the database says is to be sent.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use stream_domain::Timestamp;
use stream_domain::webhooks::{OUTCOME_WORDS, Outcome, WebhookCounts};

/// The bounds of durations, in seconds: an attempt takes 15 at most.
const SECONDS: [f64; 8] = [0.01, 0.05, 0.1, 0.5, 1.0, 2.5, 5.0, 15.0];

/// Attempts to deliver, endpoints, and what is pending.
#[derive(Debug, Clone)]
pub struct WebhookMetrics {
    attempts: Family<OutcomeLabels, Counter>,
    duration: Histogram,
    in_flight: Gauge,
    endpoints: Family<StateLabels, Gauge>,
    pending: Gauge,
    oldest: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    state: &'static str,
}

impl Default for WebhookMetrics {
    fn default() -> Self {
        Self {
            attempts: Family::default(),
            duration: Histogram::new(SECONDS),
            in_flight: Gauge::default(),
            endpoints: Family::default(),
            pending: Gauge::default(),
            oldest: Gauge::default(),
        }
    }
}

impl WebhookMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        for outcome in OUTCOME_WORDS {
            drop(metrics.attempts.get_or_create(&OutcomeLabels { outcome }));
        }
        for state in ["enabled", "disabled"] {
            drop(metrics.endpoints.get_or_create(&StateLabels { state }));
        }
        registry.register(
            "webhook_attempts",
            "Attempts to deliver an event to an endpoint, by what follows",
            metrics.attempts.clone(),
        );
        registry.register_with_unit(
            "webhook_attempt_duration",
            "How long attempts take, from the look-up of the name to the answer",
            Unit::Seconds,
            metrics.duration.clone(),
        );
        registry.register(
            "webhook_attempts_in_flight",
            "Attempts that go on at this instance",
            metrics.in_flight.clone(),
        );
        registry.register(
            "webhooks",
            "Endpoints of the whole platform: those that are sent to, and those that the service has switched off",
            metrics.endpoints.clone(),
        );
        registry.register(
            "webhook_deliveries_pending",
            "Deliveries of the whole platform that are to be made, first or again",
            metrics.pending.clone(),
        );
        registry.register_with_unit(
            "webhook_oldest_pending_age",
            "How long ago the first event happened that an endpoint without failures has yet to be sent; 0 if there is none",
            Unit::Seconds,
            metrics.oldest.clone(),
        );
        metrics
    }

    /// An attempt begins.
    pub fn begun(&self) {
        self.in_flight.inc();
    }

    /// It has ended.
    pub fn ended(&self, outcome: &Outcome, took: Duration) {
        self.in_flight.dec();
        self.attempts.get_or_create(&OutcomeLabels { outcome: outcome.word() }).inc();
        self.duration.observe(took.as_secs_f64());
    }

    /// What there is at `now`.
    pub fn set_counts(&self, counts: &WebhookCounts, now: Timestamp) {
        let number = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        for (state, count) in [("enabled", counts.enabled), ("disabled", counts.disabled)] {
            self.endpoints.get_or_create(&StateLabels { state }).set(number(count));
        }
        self.pending.set(number(counts.pending));
        let age = counts.oldest.map(|oldest| now.since(oldest).whole_seconds());
        self.oldest.set(age.unwrap_or_default().max(0));
    }
}
