//! The store's connections, shared reads and errors, read from it when metrics are asked for.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use stream_domain::ports::{PoolUsage, SharedReadUsage, Statistics};

/// Writes what the store does at the moment.
pub(crate) struct StoreCollector(Arc<dyn Statistics>);

impl StoreCollector {
    pub(crate) fn new(statistics: Arc<dyn Statistics>) -> Self {
        Self(statistics)
    }
}

impl fmt::Debug for StoreCollector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreCollector").finish_non_exhaustive()
    }
}

/// A gauge or counter of each pool, or of each shared read: its name, its help, its unit and its value.
type Column<T> = (&'static str, &'static str, Option<Unit>, fn(&T) -> Box<dyn EncodeMetric>);

const POOLS: [Column<PoolUsage>; 6] = [
    ("database_pool_max_connections", "The most connections that a pool opens", None, |pool| gauge(pool.max)),
    ("database_pool_connections", "Connections that a pool has open", None, |pool| gauge(pool.open)),
    ("database_pool_connections_in_use", "Connections of a pool that are in use", None, |pool| {
        gauge(pool.in_use)
    }),
    ("database_pool_waiting", "Operations that wait for a connection of a pool", None, |pool| {
        gauge(pool.waiting)
    }),
    ("database_pool_acquired", "How often an operation took a connection of a pool", None, |pool| {
        Box::new(ConstCounter::new(pool.acquired))
    }),
    (
        "database_pool_wait",
        "Time that operations waited for a connection of a pool",
        Some(Unit::Seconds),
        |pool| Box::new(ConstCounter::new(pool.waited.as_secs_f64())),
    ),
];

const SHARED_READS: [Column<SharedReadUsage>; 3] = [
    ("shared_reads", "Reads that many requests share", None, |read| Box::new(ConstCounter::new(read.reads))),
    ("shared_read_requests", "Requests that shared reads served", None, |read| {
        Box::new(ConstCounter::new(read.requests))
    }),
    ("shared_read_waiting", "Requests that wait for the next shared read", None, |read| gauge(read.waiting)),
];

fn gauge(value: usize) -> Box<dyn EncodeMetric> {
    Box::new(ConstGauge::new(u64::try_from(value).unwrap_or(u64::MAX)))
}

impl Collector for StoreCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let usage = self.0.usage();
        write(&mut encoder, &POOLS, &usage.pools, ("pool", |pool: &PoolUsage| pool.name))?;
        write(
            &mut encoder,
            &SHARED_READS,
            &usage.shared_reads,
            ("read", |read: &SharedReadUsage| read.name),
        )?;
        let help = "Operations on the database that failed, by class";
        let mut errors = encoder.encode_descriptor("database_errors", help, None, MetricType::Counter)?;
        for (class, number) in usage.errors {
            ConstCounter::new(number).encode(errors.encode_family(&[("class", class)])?)?;
        }
        Ok(())
    }
}

fn write<T>(
    encoder: &mut DescriptorEncoder<'_>,
    columns: &[Column<T>],
    rows: &[T],
    (label, name_of): (&'static str, fn(&T) -> &'static str),
) -> fmt::Result {
    for (name, help, unit, value_of) in columns {
        let Some(kind) = rows.first().map(|row| value_of(row).metric_type()) else { continue };
        let mut family = encoder.encode_descriptor(name, help, unit.as_ref(), kind)?;
        for row in rows {
            value_of(row).encode(family.encode_family(&[(label, name_of(row))])?)?;
        }
    }
    Ok(())
}
