//! Media servers: whether they answer, how many publishers they list, and how kicks end.

use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use stream_domain::ports::{HookSettings, Kick, KickPatience, Listing, MediaServer, MediaServerError};
use stream_domain::{Publisher, ServerName};

use crate::requests::latencies;
use crate::unix_time::unix_seconds;

/// Control interfaces of media servers.
#[derive(Debug, Clone)]
pub struct MediaServerMetrics {
    reachable: Family<ServerLabels, Gauge>,
    last_poll: Family<ServerLabels, Gauge<f64, std::sync::atomic::AtomicU64>>,
    publishers: Family<ServerLabels, Gauge>,
    polls: Family<ServerLabels, Histogram, fn() -> Histogram>,
    kicks: Family<KickLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ServerLabels {
    server: String,
    family: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct KickLabels {
    server: String,
    family: &'static str,
    outcome: &'static str,
}

/// What becomes of kicks: each is ordered, and then one of the others.
const OUTCOMES: [&str; 4] = ["ordered", "done", "not_found", "failed"];

impl MediaServerMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            reachable: Family::default(),
            last_poll: Family::default(),
            publishers: Family::default(),
            polls: Family::new_with_constructor(latencies),
            kicks: Family::default(),
        };
        registry.register(
            "media_server_reachable",
            "1 if the media server's control interface answered last, else 0",
            metrics.reachable.clone(),
        );
        registry.register_with_unit(
            "media_server_last_poll_timestamp",
            "When the media server last listed its publishers, in seconds since 1970",
            Unit::Seconds,
            metrics.last_poll.clone(),
        );
        registry.register(
            "media_server_publishers",
            "Publishers that the media server listed last",
            metrics.publishers.clone(),
        );
        registry.register_with_unit(
            "media_server_poll_duration",
            "Time that the media server took for its list, or to fail",
            Unit::Seconds,
            metrics.polls.clone(),
        );
        registry.register(
            "kicks",
            "Kicks that were ordered, and how they ended: done, not_found or failed",
            metrics.kicks.clone(),
        );
        metrics
    }

    /// The same control interface, counted.
    pub fn metered(
        &self,
        server: &ServerName,
        family: stream_domain::Family,
        control: Arc<dyn MediaServer>,
    ) -> Arc<dyn MediaServer> {
        let labels = ServerLabels { server: server.as_str().to_owned(), family: family.as_str() };
        // A server that was never asked is not reachable, and alerts need a value to go by.
        self.reachable.get_or_create(&labels).set(0);
        let metered = MeteredMediaServer { control, labels, metrics: self.clone() };
        for outcome in OUTCOMES {
            metered.kicks(outcome);
        }
        Arc::new(metered)
    }
}

/// A control interface that is counted.
#[derive(Clone)]
pub struct MeteredMediaServer {
    control: Arc<dyn MediaServer>,
    labels: ServerLabels,
    metrics: MediaServerMetrics,
}

impl std::fmt::Debug for MeteredMediaServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MeteredMediaServer").field("labels", &self.labels).finish_non_exhaustive()
    }
}

impl MeteredMediaServer {
    fn kicks(&self, outcome: &'static str) -> Counter {
        let ServerLabels { server, family } = self.labels.clone();
        self.metrics.kicks.get_or_create_owned(&KickLabels { server, family, outcome })
    }
}

#[async_trait]
impl MediaServer for MeteredMediaServer {
    async fn publishers(&self) -> Result<Listing, MediaServerError> {
        let began = Instant::now();
        let listed = self.control.publishers().await;
        let (metrics, labels) = (&self.metrics, &self.labels);
        metrics.polls.get_or_create(labels).observe(began.elapsed().as_secs_f64());
        metrics.reachable.get_or_create(labels).set(i64::from(listed.is_ok()));
        if let Ok(listing) = &listed {
            let publishers = i64::try_from(listing.publishers.len()).unwrap_or(i64::MAX);
            metrics.publishers.get_or_create(labels).set(publishers);
            metrics.last_poll.get_or_create(labels).set(unix_seconds());
        }
        listed
    }

    async fn hook_settings(&self) -> Result<HookSettings, MediaServerError> {
        self.control.hook_settings().await
    }

    async fn kick(&self, publisher: &Publisher, patience: KickPatience) -> Result<Kick, MediaServerError> {
        self.kicks("ordered").inc();
        let kicked = self.control.kick(publisher, patience).await;
        let outcome = match &kicked {
            Ok(Kick::Gone) => "done",
            Ok(Kick::NotFound) => "not_found",
            Err(_) => "failed",
        };
        self.kicks(outcome).inc();
        kicked
    }
}
