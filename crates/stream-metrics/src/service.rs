//! The service itself: what was built, whether it is ready, how far its clock is from the database's, and how far the log
//! of events has come.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use stream_domain::events::Extent;

/// Readiness and clocks.
#[derive(Debug, Clone, Default)]
pub struct ServiceMetrics {
    ready: Gauge,
    not_ready: Family<ReasonLabels, Gauge>,
    migrated: Gauge,
    skew: Gauge<f64, AtomicU64>,
    events_position: Gauge,
    events_kept: Gauge,
    event_readers: Gauge,
}

/// Whether the service is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceState {
    /// It is.
    Ready,
    /// It is not, for this reason.
    NotReady(&'static str),
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

impl ServiceMetrics {
    pub(crate) fn register(registry: &mut Registry, build: &[(&'static str, String)]) -> Self {
        let metrics = Self::default();
        registry.register("build", "What was built", Info::new(build.to_vec()));
        registry.register(
            "ready",
            "1 while the service is ready, as /health/ready says, else 0",
            metrics.ready.clone(),
        );
        registry.register(
            "not_ready",
            "1 for the reason why the service is not ready; there is none while it is",
            metrics.not_ready.clone(),
        );
        registry.register(
            "database_migrated",
            "1 once the database has the shape that this version needs, else 0",
            metrics.migrated.clone(),
        );
        registry.register_with_unit(
            "clock_skew",
            "How far the database's clock is ahead of this machine's; 0 for a database without a clock of its own",
            Unit::Seconds,
            metrics.skew.clone(),
        );
        registry.register(
            "events_position",
            "The position that the log of events has reached: how many were written since its beginning",
            metrics.events_position.clone(),
        );
        registry.register("events_kept", "Events that can still be read", metrics.events_kept.clone());
        registry.register(
            "event_stream_readers",
            "Connections that read the stream of events at this instance",
            metrics.event_readers.clone(),
        );
        metrics
    }

    /// Whether the service is ready.
    pub fn set_state(&self, state: ServiceState) {
        self.not_ready.clear();
        self.ready.set(i64::from(state == ServiceState::Ready));
        if let ServiceState::NotReady(reason) = state {
            self.not_ready.get_or_create(&ReasonLabels { reason }).set(1);
        }
    }

    /// The database has the shape that this version needs.
    pub fn migrated(&self) {
        self.migrated.set(1);
    }

    /// What the log of events has, and how many read it as it goes on.
    pub fn set_events(&self, extent: Extent, readers: usize) {
        self.events_position.set(extent.last.0);
        self.events_kept.set(extent.last.0 - extent.forgotten.0);
        self.event_readers.set(i64::try_from(readers).unwrap_or(i64::MAX));
    }

    /// How far the database's clock is ahead of this machine's.
    pub fn set_skew(&self, ahead: time::Duration) {
        self.skew.set(ahead.as_seconds_f64());
    }
}
