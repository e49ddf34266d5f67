//! The length and size of a run.

use std::str::FromStr;

use tempfile::TempDir;

/// How many streams the main database has, and how many of them are live.
pub(crate) const ROWS: u32 = 100_000;
pub(crate) const LIVE: u32 = 1_000;

/// A page of the public list.
pub(crate) const PAGE: &str = "/api/streams/public?limit=50";

/// How long each subject is warmed up before the first round, in seconds.
pub(crate) const WARM_UP: u32 = 2;

/// The size of a run.
pub(crate) struct Plan {
    /// Rounds of each subject.
    pub(crate) rounds: usize,
    /// The length of a round, in seconds.
    pub(crate) seconds: u32,
    /// Rows of the largest table.
    pub(crate) most_rows: u32,
    /// Where scripts are written.
    pub(crate) folder: TempDir,
}

impl Plan {
    /// Reads `BENCH_ROUNDS`, `BENCH_SECONDS` and `BENCH_ROWS`.
    pub(crate) fn from_environment() -> Self {
        Self {
            rounds: setting("BENCH_ROUNDS", 5),
            seconds: setting("BENCH_SECONDS", 8),
            most_rows: setting("BENCH_ROWS", 10_000_000),
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }
}

fn setting<T: FromStr>(name: &str, default: T) -> T {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
