//! Background tasks: when each last did its work, and how often it failed or was started again.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use crate::unix_time::unix_seconds;

/// Background tasks by name.
#[derive(Debug, Clone, Default)]
pub struct TaskMetrics {
    last_success: Family<TaskLabels, Gauge<f64, AtomicU64>>,
    failures: Family<TaskLabels, Counter>,
    restarts: Family<TaskLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct TaskLabels {
    task: &'static str,
}

impl TaskMetrics {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let metrics = Self::default();
        registry.register_with_unit(
            "task_last_success_timestamp",
            "When a background task last did its work, in seconds since 1970",
            Unit::Seconds,
            metrics.last_success.clone(),
        );
        registry.register("task_failures", "Failures of background tasks", metrics.failures.clone());
        registry.register(
            "task_restarts",
            "Background tasks that panicked and were started again",
            metrics.restarts.clone(),
        );
        metrics
    }

    /// The metrics of one task; its counters are there from now on, at 0, so that alerts have something to go by.
    pub fn of(&self, task: &'static str) -> TaskMeter {
        drop(self.failures.get_or_create(&TaskLabels { task }));
        drop(self.restarts.get_or_create(&TaskLabels { task }));
        TaskMeter { metrics: self.clone(), labels: TaskLabels { task } }
    }
}

/// The metrics of one background task.
#[derive(Debug, Clone)]
pub struct TaskMeter {
    metrics: TaskMetrics,
    labels: TaskLabels,
}

impl TaskMeter {
    /// The task's name.
    pub fn task(&self) -> &'static str {
        self.labels.task
    }

    /// It did its work.
    pub fn succeeded(&self) {
        self.metrics.last_success.get_or_create(&self.labels).set(unix_seconds());
    }

    /// It could not do its work, and will try again.
    pub fn failed(&self) {
        self.metrics.failures.get_or_create(&self.labels).inc();
    }

    /// It panicked and was started again.
    pub fn restarted(&self) {
        self.metrics.restarts.get_or_create(&self.labels).inc();
    }
}
