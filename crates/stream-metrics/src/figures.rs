//! Totals since the start, over all labels: what operators read without Prometheus.
//!
//! They are counted beside the metrics, since those can only be written down as text.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Up to which times requests and hooks are counted, in seconds: lookups take some hundred microseconds, outages seconds.
pub const LATENCY_BOUNDS: [f64; 13] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];

/// How many took how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LatencyFigures {
    /// How many took at most each of [`LATENCY_BOUNDS`] and longer than the one before, and how many took longer than the
    /// last.
    pub counts: Vec<u64>,
    /// How long all of them took together.
    pub sum: Duration,
}

/// Requests since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFigures {
    /// How many are being answered.
    pub in_flight: u64,
    /// How many were answered with each status, by status.
    pub statuses: Vec<(u16, u64)>,
    /// How long they took.
    pub latency: LatencyFigures,
}

/// Hooks since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HookFigures {
    /// Hooks that were answered with yes: a publisher may publish, or goes on.
    pub accepted: u64,
    /// Hooks by which nothing was asked.
    pub noted: u64,
    /// Publishers that were refused, by reason.
    pub refusals: Vec<(&'static str, u64)>,
    /// Hooks that were rejected themselves, by reason.
    pub rejections: Vec<(&'static str, u64)>,
    /// How long media servers waited.
    pub latency: LatencyFigures,
}

/// Keys since the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFigures {
    /// Keys that users were given.
    pub generated: u64,
    /// Streams that their users stopped.
    pub stopped: u64,
    /// Streams that sweeps marked as expired.
    pub expired: u64,
    /// Requests for a key that were refused, by reason.
    pub refusals: Vec<(&'static str, u64)>,
}

/// Counts times.
#[derive(Debug, Default)]
pub(crate) struct Latencies {
    counts: [AtomicU64; LATENCY_BOUNDS.len() + 1],
    sum_micros: AtomicU64,
}

impl Latencies {
    pub(crate) fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let place = LATENCY_BOUNDS.partition_point(|bound| *bound < seconds);
        self.counts[place].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> LatencyFigures {
        LatencyFigures {
            counts: self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: Duration::from_micros(self.sum_micros.load(Ordering::Relaxed)),
        }
    }
}

/// Counts by reason.
#[derive(Debug, Default)]
pub(crate) struct Reasons(Mutex<BTreeMap<&'static str, u64>>);

impl Reasons {
    pub(crate) fn count(&self, reason: &'static str) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(reason).or_default() += 1;
    }

    /// The most frequent first.
    pub(crate) fn read(&self) -> Vec<(&'static str, u64)> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut counts: Vec<(&'static str, u64)> =
            counts.iter().map(|(reason, count)| (*reason, *count)).collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        counts
    }
}

/// Counts by status.
#[derive(Debug)]
pub(crate) struct Statuses(Box<[AtomicU64]>);

/// One more than the highest status of HTTP.
const STATUSES: usize = 1000;

impl Default for Statuses {
    fn default() -> Self {
        Self((0..STATUSES).map(|_| AtomicU64::default()).collect())
    }
}

impl Statuses {
    pub(crate) fn count(&self, status: u16) {
        if let Some(count) = self.0.get(usize::from(status)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn read(&self) -> Vec<(u16, u64)> {
        let counts = (0..).zip(self.0.iter()).map(|(status, count)| (status, count.load(Ordering::Relaxed)));
        counts.filter(|(_, count)| *count > 0).collect()
    }
}
