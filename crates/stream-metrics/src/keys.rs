//! Keys: how many were generated, refused, stopped and expired by this instance.

use std::sync::Arc;

use async_trait::async_trait;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use stream_domain::ports::{KeyStore, StartError, StoreError, UserStreamsError};
use stream_domain::{NewStream, PageRequest, Stream, StreamPage, Timestamp, UserId};

use crate::figures::{KeyFigures, Reasons};

/// Keys by what became of them.
#[derive(Debug, Clone, Default)]
pub struct KeyMetrics {
    generated: Counter,
    refused: Family<ReasonLabels, Counter>,
    /// The same, to be read.
    refusals: Arc<Reasons>,
    stopped: Counter,
    expired: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

impl KeyMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register("keys_generated", "Keys that users were given", metrics.generated.clone());
        registry.register(
            "keys_refused",
            "Requests for a key that were refused, by reason",
            metrics.refused.clone(),
        );
        registry.register("keys_stopped", "Streams that their users stopped", metrics.stopped.clone());
        registry.register("keys_expired", "Streams that sweeps marked as expired", metrics.expired.clone());
        metrics
    }

    /// A request for a key was refused, for this reason.
    pub fn refused(&self, reason: &'static str) {
        self.refused.get_or_create(&ReasonLabels { reason }).inc();
        self.refusals.count(reason);
    }

    /// What was counted since the start.
    pub fn figures(&self) -> KeyFigures {
        KeyFigures {
            generated: self.generated.get(),
            stopped: self.stopped.get(),
            expired: self.expired.get(),
            refusals: self.refusals.read(),
        }
    }
}

/// A store of keys that is counted.
#[derive(Clone)]
pub struct MeteredKeyStore {
    store: Arc<dyn KeyStore>,
    metrics: KeyMetrics,
}

impl std::fmt::Debug for MeteredKeyStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MeteredKeyStore").finish_non_exhaustive()
    }
}

impl MeteredKeyStore {
    /// Counts what this store does.
    pub fn new(store: Arc<dyn KeyStore>, metrics: KeyMetrics) -> Self {
        Self { store, metrics }
    }
}

#[async_trait]
impl KeyStore for MeteredKeyStore {
    async fn start(&self, new: &NewStream) -> Result<Stream, StartError> {
        let started = self.store.start(new).await;
        match &started {
            Ok(_) => {
                self.metrics.generated.inc();
            }
            Err(StartError::AlreadyActive(_)) => self.metrics.refused("stream_already_active"),
            Err(StartError::TooSoon(_)) => self.metrics.refused("too_many_requests"),
            Err(StartError::Blocked(_)) => self.metrics.refused("user_blocked"),
            Err(StartError::UnknownUser) => self.metrics.refused("user_not_found"),
            Err(StartError::Store(_)) => self.metrics.refused("store_unavailable"),
            // Another one is drawn.
            Err(StartError::KeyTaken) => {}
        }
        started
    }

    async fn stop_active(&self, user: UserId, now: Timestamp) -> Result<Option<Stream>, UserStreamsError> {
        let stopped = self.store.stop_active(user, now).await;
        if matches!(stopped, Ok(Some(_))) {
            self.metrics.stopped.inc();
        }
        stopped
    }

    async fn list_by_user(&self, user: UserId, page: &PageRequest) -> Result<StreamPage, UserStreamsError> {
        self.store.list_by_user(user, page).await
    }

    async fn expire_overdue(&self, now: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let expired = self.store.expire_overdue(now, limit).await;
        if let Ok(number) = expired {
            self.metrics.expired.inc_by(number.into());
        }
        expired
    }
}
