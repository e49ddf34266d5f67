//! The whole platform, as the database has it: every instance tells the same.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;
use stream_domain::broadcasts::session::EndReason;
use stream_domain::ports::{Counts, EndedSession, Statistics, StoreError};
use stream_domain::{ServerName, SessionId, Timestamp};
use time::Duration;

use crate::labels::UNLISTED;

/// An end may be written this long after it happened, and is counted all the same.
const WRITTEN_WITHIN: Duration = Duration::minutes(15);

/// Streams and sessions of the whole platform.
#[derive(Debug, Clone)]
pub struct Platform(Arc<Seen>);

#[derive(Debug)]
struct Seen {
    listed: HashSet<String>,
    /// `None` until they were counted, and while they cannot be: an old number would pass for a fresh one.
    counts: Mutex<Option<Counts>>,
    ended: Family<ReasonLabels, Counter>,
    counted: Mutex<Counted>,
}

/// The sessions whose end is counted already.
#[derive(Debug, Default)]
struct Counted {
    /// Ends before this are of no concern; `None` before the service counts.
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    sessions: HashMap<SessionId, Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabels {
    reason: &'static str,
}

impl Platform {
    pub(crate) fn register(registry: &mut Registry, servers: &[(ServerName, stream_domain::Family)]) -> Self {
        let seen = Arc::new(Seen {
            listed: servers.iter().map(|(name, _)| name.as_str().to_owned()).collect(),
            counts: Mutex::default(),
            ended: Family::default(),
            counted: Mutex::default(),
        });
        for reason in EndReason::ALL {
            drop(seen.ended.get_or_create(&ReasonLabels { reason: reason.as_str() }));
        }
        registry.register(
            "sessions_ended",
            "Sessions of the whole platform that ended since this instance began, by reason",
            seen.ended.clone(),
        );
        registry.register_collector(Box::new(PlatformCollector(seen.clone())));
        Self(seen)
    }

    /// Counts the sessions that end from now on.
    pub fn begin(&self, now: Timestamp) {
        let mut counted = self.counted();
        counted.since.get_or_insert(now);
        counted.until.get_or_insert(now);
    }

    /// Reads the counts again, as they are at `now`.
    ///
    /// Calls MUST NOT overlap.
    pub async fn refresh(&self, statistics: &dyn Statistics, now: Timestamp) -> Result<(), StoreError> {
        self.begin(now);
        let counts = statistics.count(now).await;
        let (counts, failure) = match counts {
            Ok(counts) => (Some(counts), None),
            Err(error) => (None, Some(error)),
        };
        *self.0.counts.lock().unwrap_or_else(PoisonError::into_inner) = counts;
        if let Some(error) = failure {
            return Err(error);
        }
        let since = self.counted().until.unwrap_or(now).plus(-WRITTEN_WITHIN);
        let ended = statistics.list_ended(since).await?;
        self.count_ended(&ended, since, now);
        Ok(())
    }

    /// What was counted last; `None` while the database cannot be asked.
    pub fn counts(&self) -> Option<Counts> {
        self.0.counts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The counts are not known any more.
    pub fn forget(&self) {
        *self.0.counts.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn count_ended(&self, ended: &[EndedSession], since: Timestamp, now: Timestamp) {
        let mut counted = self.counted();
        for one in ended {
            let is_new = counted.sessions.insert(one.session, one.at).is_none();
            if is_new && counted.since.is_some_and(|began| one.at > began) {
                self.0.ended.get_or_create(&ReasonLabels { reason: one.reason.as_str() }).inc();
            }
        }
        counted.sessions.retain(|_, at| *at > since);
        counted.until = Some(now);
    }

    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.0.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the counts of the moment, if there are any.
#[derive(Debug)]
struct PlatformCollector(Arc<Seen>);

impl Collector for PlatformCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let counts = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let up = ConstGauge::new(i64::from(counts.is_some()));
        let help = "1 if the database answered when this was asked for, else 0";
        up.encode(encoder.encode_descriptor("database_up", help, None, up.metric_type())?)?;
        let Some(counts) = counts else { return Ok(()) };
        let totals = [
            (
                "database_objects_missing",
                "Tables, columns, indexes and triggers that the database lacks",
                counts.missing_objects,
            ),
            ("streams_active", "Streams of the whole platform whose key may publish", counts.active),
            ("streams_live", "Streams of the whole platform that are live", counts.live),
        ];
        for (name, help, count) in totals {
            let gauge = ConstGauge::new(count);
            gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)?;
        }
        let help = "Open sessions of the whole platform, by media server";
        let mut sessions = encoder.encode_descriptor("sessions_open", help, None, MetricType::Gauge)?;
        for (server, count) in self.0.by_listed_server(counts.open_sessions) {
            let labels = [("server", server)];
            ConstGauge::new(count).encode(sessions.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

impl Seen {
    /// Each media server of the settings, with 0 where it has no session, and the others as one.
    fn by_listed_server(&self, open: Vec<(ServerName, u64)>) -> Vec<(String, u64)> {
        let mut counts: HashMap<String, u64> = self.listed.iter().map(|name| (name.clone(), 0)).collect();
        for (server, count) in open {
            let name = if self.listed.contains(server.as_str()) { server.as_str() } else { UNLISTED };
            *counts.entry(name.to_owned()).or_default() += count;
        }
        let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
        counts.sort();
        counts
    }
}
