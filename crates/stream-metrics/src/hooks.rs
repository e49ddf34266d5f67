//! Hooks: what media servers were answered, and how long that took.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use stream_domain::ServerName;

use crate::figures::{HookFigures, Latencies, Reasons};
use crate::labels::UNLISTED;
use crate::requests::latencies;

/// Hooks by media server and decision.
#[derive(Debug, Clone)]
pub struct HookMetrics {
    decisions: Family<DecisionLabels, Counter>,
    durations: Family<ServerLabels, Histogram, fn() -> Histogram>,
    listed: Arc<HashSet<String>>,
    totals: Arc<Totals>,
}

/// The same over all media servers.
#[derive(Debug, Default)]
struct Totals {
    accepted: Counter,
    noted: Counter,
    refusals: Reasons,
    rejections: Reasons,
    latencies: Latencies,
}

/// What a hook was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Decision {
    /// A publisher may publish, or goes on.
    Accepted,
    /// A publisher may not, for this reason.
    Refused(&'static str),
    /// The hook itself was rejected, for this reason: a wrong secret, say.
    Rejected(&'static str),
    /// Nothing was asked.
    Noted,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DecisionLabels {
    server: String,
    family: &'static str,
    decision: &'static str,
    reason: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServerLabels {
    server: String,
    family: &'static str,
}

impl HookMetrics {
    pub(crate) fn register(registry: &mut Registry, servers: &[(ServerName, stream_domain::Family)]) -> Self {
        let metrics = Self {
            decisions: Family::default(),
            durations: Family::new_with_constructor(latencies),
            listed: Arc::new(servers.iter().map(|(name, _)| name.as_str().to_owned()).collect()),
            totals: Arc::default(),
        };
        registry.register(
            "hook_decisions",
            "Hooks that were answered, by media server, family, decision and its reason",
            metrics.decisions.clone(),
        );
        registry.register_with_unit(
            "hook_duration",
            "Time that a media server waited for the answer to a hook",
            Unit::Seconds,
            metrics.durations.clone(),
        );
        metrics
    }

    /// What was counted since the start, over all media servers.
    pub fn figures(&self) -> HookFigures {
        HookFigures {
            accepted: self.totals.accepted.get(),
            noted: self.totals.noted.get(),
            refusals: self.totals.refusals.read(),
            rejections: self.totals.rejections.read(),
            latency: self.totals.latencies.read(),
        }
    }

    /// A hook of this server was answered; `family` is `unknown` where the path names none.
    pub fn answered(&self, server: &str, family: Option<&'static str>, decision: Decision, took: Duration) {
        // A sender of hooks may choose any name, and labels must be few.
        let server = if self.listed.contains(server) { server } else { UNLISTED };
        let family = family.unwrap_or("unknown");
        self.totals.count(decision, took);
        let (decision, reason) = match decision {
            Decision::Accepted => ("accepted", ""),
            Decision::Refused(reason) => ("refused", reason),
            Decision::Rejected(reason) => ("rejected", reason),
            Decision::Noted => ("noted", ""),
        };
        let labels = DecisionLabels { server: server.to_owned(), family, decision, reason };
        self.decisions.get_or_create(&labels).inc();
        let labels = ServerLabels { server: labels.server, family };
        self.durations.get_or_create(&labels).observe(took.as_secs_f64());
    }
}

impl Totals {
    fn count(&self, decision: Decision, took: Duration) {
        match decision {
            Decision::Accepted => {
                self.accepted.inc();
            }
            Decision::Refused(reason) => self.refusals.count(reason),
            Decision::Rejected(reason) => self.rejections.count(reason),
            Decision::Noted => {
                self.noted.inc();
            }
        }
        self.latencies.observe(took);
    }
}
