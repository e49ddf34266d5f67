//! The time as Prometheus has it.

use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds since 1970, by this machine's clock.
#[expect(clippy::disallowed_methods, reason = "metrics tell the time, and nothing is decided by it")]
pub(crate) fn unix_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
