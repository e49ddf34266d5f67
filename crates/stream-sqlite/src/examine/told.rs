//! How an error becomes a finding: what is wrong, and its cure.

use std::error::Error as _;
use std::time::Duration;

use stream_domain::Finding;
use stream_domain::ports::StoreError;

/// A question failed; errors of the file say what to do behind its name.
pub(super) fn failed(subject: &str, error: &StoreError) -> Finding {
    let cause = error.source().map(ToString::to_string).unwrap_or_default();
    let otherwise = "look at the system's log, and at what `stream-server migrate --dry-run` says";
    let cure = cause.split_once(": ").map_or(otherwise, |(_, advice)| advice);
    Finding::failure(subject, error.innermost_cause(), cure)
}

/// A step took too long.
pub(super) fn timed_out(subject: &str, limit: Duration) -> Finding {
    Finding::failure(
        subject,
        format!("the file could not be looked through within {} seconds", limit.as_secs()),
        "look at the disk's health and load in the system's log",
    )
}
