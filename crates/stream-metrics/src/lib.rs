//! Metrics: what is counted, under which names, and how it is written down for Prometheus.
//!
//! Some are counted where requests come in ([`RequestMetrics`], [`HookMetrics`]), some by decorators around the ports of
//! the domain ([`MeteredKeyStore`], [`MeteredMediaServer`]), some by background tasks ([`TaskMetrics`]).
//! What concerns the whole platform is read from the database ([`Platform`]), so each instance tells the same.
//!
//! Labels have few values: routes by template, media servers by the names in the settings, reasons by word.
//! Keys, users and addresses are in none. docs/operations/observe.md lists every metric.

mod figures;
mod hooks;
mod keys;
mod labels;
mod media_servers;
mod platform;
mod process;
mod requests;
mod service;
mod store;
mod tasks;
mod unix_time;
mod webhooks;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::registry::Registry;
use stream_domain::ports::Statistics;
use stream_domain::{Family, ServerName};

pub use figures::{HookFigures, KeyFigures, LATENCY_BOUNDS, LatencyFigures, RequestFigures};
pub use hooks::{Decision, HookMetrics};
pub use keys::{KeyMetrics, MeteredKeyStore};
pub use media_servers::{MediaServerMetrics, MeteredMediaServer};
pub use platform::Platform;
pub use requests::{RequestInFlight, RequestMetrics};
pub use service::{ServiceMetrics, ServiceState};
pub use tasks::{TaskMeter, TaskMetrics};
pub use webhooks::WebhookMetrics;

use crate::process::ProcessCollector;
use crate::store::StoreCollector;

/// Every metric of this process.
#[derive(Debug, Clone)]
pub struct Metrics(Arc<Groups>);

#[derive(Debug)]
struct Groups {
    registry: Registry,
    requests: RequestMetrics,
    hooks: HookMetrics,
    keys: KeyMetrics,
    media_servers: MediaServerMetrics,
    tasks: TaskMetrics,
    service: ServiceMetrics,
    platform: Platform,
    webhooks: WebhookMetrics,
}

/// How metrics are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus's text format, version 0.0.4.
    Prometheus,
    /// `OpenMetrics` text, version 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The value of `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The format that an `Accept` header asks for: `OpenMetrics` where it is named, else Prometheus's.
    pub fn of_accept(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") { Self::OpenMetrics } else { Self::Prometheus }
    }
}

impl Metrics {
    /// Metrics of a service with these media servers, on a store with these statistics.
    pub fn new(
        statistics: Arc<dyn Statistics>,
        servers: impl IntoIterator<Item = (ServerName, Family)>,
        build: &[(&'static str, String)],
    ) -> Self {
        let mut registry = Registry::default();
        // Names of the process have no prefix, by convention.
        registry.register_collector(Box::new(ProcessCollector));
        let own = registry.sub_registry_with_prefix("stream");
        let servers: Vec<(ServerName, Family)> = servers.into_iter().collect();
        own.register_collector(Box::new(StoreCollector::new(statistics)));
        Self(Arc::new(Groups {
            requests: RequestMetrics::register(own),
            hooks: HookMetrics::register(own, &servers),
            keys: KeyMetrics::register(own),
            media_servers: MediaServerMetrics::register(own),
            tasks: TaskMetrics::register(own),
            service: ServiceMetrics::register(own, build),
            platform: Platform::register(own, &servers),
            webhooks: WebhookMetrics::register(own),
            registry,
        }))
    }

    /// Requests.
    pub fn requests(&self) -> &RequestMetrics {
        &self.0.requests
    }

    /// Hooks.
    pub fn hooks(&self) -> &HookMetrics {
        &self.0.hooks
    }

    /// Keys.
    pub fn keys(&self) -> &KeyMetrics {
        &self.0.keys
    }

    /// Control interfaces of media servers.
    pub fn media_servers(&self) -> &MediaServerMetrics {
        &self.0.media_servers
    }

    /// Background tasks.
    pub fn tasks(&self) -> &TaskMetrics {
        &self.0.tasks
    }

    /// Readiness and clocks.
    pub fn service(&self) -> &ServiceMetrics {
        &self.0.service
    }

    /// What the database says of the whole platform.
    pub fn platform(&self) -> &Platform {
        &self.0.platform
    }

    /// Webhooks.
    pub fn webhooks(&self) -> &WebhookMetrics {
        &self.0.webhooks
    }

    /// All metrics as text.
    pub fn render(&self, format: Format) -> String {
        let mut written = String::new();
        let done = match format {
            Format::Prometheus => prometheus_text::encode(&mut written, &self.0.registry),
            Format::OpenMetrics => text::encode(&mut written, &self.0.registry),
        };
        done.expect("a string takes what is written to it");
        written
    }
}
