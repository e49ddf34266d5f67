//! The service itself: what was built, whether it is ready, and how far its clock is from the database's.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// Readiness and clocks.
#[derive(Debug, Clone, Default)]
pub struct ServiceMetrics {
    ready: Gauge,
    not_ready: Family<ReasonLabels, Gauge>,
    migrated: Gauge,
    skew: Gauge<f64, AtomicU64>,
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

    /// How far the database's clock is ahead of this machine's.
    pub fn set_skew(&self, ahead: time::Duration) {
        self.skew.set(ahead.as_seconds_f64());
    }
}
