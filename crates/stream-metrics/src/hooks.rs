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

use crate::labels::UNLISTED;
use crate::requests::latencies;

/// Hooks by media server and decision.
#[derive(Debug, Clone)]
pub struct HookMetrics {
    decisions: Family<DecisionLabels, Counter>,
    durations: Family<ServerLabels, Histogram, fn() -> Histogram>,
    listed: Arc<HashSet<String>>,
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

    /// A hook of this server was answered; `family` is `unknown` where the path names none.
    pub fn answered(&self, server: &str, family: Option<&'static str>, decision: Decision, took: Duration) {
        // A sender of hooks may choose any name, and labels must be few.
        let server = if self.listed.contains(server) { server } else { UNLISTED };
        let family = family.unwrap_or("unknown");
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
