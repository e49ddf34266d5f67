//! The goals for the figures of a run.

use crate::groups::{
    FIXED, FIXED_LONG, FIXED_SHORT, FLASK, LIST, LIST_304, LIST_WRITES, LOOKUP, LOOKUP_SQLITE, LOOKUP_WRITES,
    PAIRS, PGBENCH,
};
use crate::report::{Goal, Measured, find};
use crate::subjects;

/// The figures of a run.
pub(crate) struct Figures<'a> {
    /// The group of lookups.
    pub(crate) lookups: &'a [Measured],
    /// The group of public lists.
    pub(crate) lists: &'a [Measured],
    /// The group of pairs of generate-key and stop.
    pub(crate) writes: &'a [Measured],
    /// The rate of lookups on the largest table relative to the smallest.
    pub(crate) growth: f64,
    /// The 99th percentile at half the maximal load relative to the median.
    pub(crate) calm: f64,
    /// Resident memory after a million requests, in MiB.
    pub(crate) resident_mib: f64,
    /// The time from the start of the process until it is ready, in milliseconds.
    pub(crate) ready_ms: f64,
}

/// Every goal, with its figure.
pub(crate) fn of(figures: &Figures<'_>) -> Vec<Goal> {
    let ratio = |group: &[Measured], own: &str, other: &str| find(group, own).ratio_to(find(group, other));
    let least =
        |what: &str, figure, wanted| Goal { what: what.to_owned(), figure, unit: "", wanted, at_most: false };
    let most = |what: &str, figure, unit, wanted| Goal {
        what: what.to_owned(),
        figure,
        unit,
        wanted,
        at_most: true,
    };
    vec![
        least(
            "lookup on PostgreSQL, to fixed bytes of the same server",
            ratio(figures.lookups, LOOKUP, FIXED),
            0.65,
        ),
        least("the same with 200 writes per second", ratio(figures.lookups, LOOKUP_WRITES, FIXED), 0.55),
        least("lookup on SQLite, to fixed bytes", ratio(figures.lookups, LOOKUP_SQLITE, FIXED), 0.45),
        least("public list of 50, to fixed bytes as long", ratio(figures.lists, LIST, FIXED_LONG), 0.65),
        least("the same with 200 writes per second", ratio(figures.lists, LIST_WRITES, FIXED_LONG), 0.50),
        least("public list answered 304, to fixed bytes", ratio(figures.lists, LIST_304, FIXED_SHORT), 0.80),
        least(
            "generate and stop, to pgbench with the same statements",
            ratio(figures.writes, PAIRS, PGBENCH),
            0.90,
        ),
        least("lookup, to Flask", ratio(figures.lookups, LOOKUP, FLASK), 200.0),
        least("generate and stop, to Flask", ratio(figures.writes, PAIRS, FLASK), 40.0),
        least("lookup at the largest table, to the smallest", figures.growth, 0.90),
        most("p99 at half the maximal load, to p50", figures.calm, "", 3.0),
        most("resident memory after 1,000,000 requests", figures.resident_mib, " MiB", 32.0),
        most("exec to ready, migrated database", figures.ready_ms, " ms", 100.0),
        most("stripped binary", subjects::binary_mib(), " MiB", 15.0),
    ]
}
