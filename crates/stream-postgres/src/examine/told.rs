//! How an error becomes a finding: what is wrong, and its cure.

use std::time::Duration;

use stream_domain::Finding;
use stream_domain::ports::{StoreError, chain_of};

use crate::connect::NotConnected;
use crate::cure::cure;
use crate::error::{BrokenPooler, Meaning};

/// The subject of what stands between the store and the server.
pub(super) const POOLER: &str = "database pooler";

/// The server could not be reached, or refused the connection.
pub(super) fn not_connected(error: NotConnected) -> Finding {
    if error.state.map(Meaning::of) == Some(Meaning::Stale) {
        return failed(POOLER, &error.into());
    }
    let text = error.to_string();
    let known = error.state.and_then(|state| cure(&state.to_string()));
    let cure = known.unwrap_or("start the database, or correct host, port and sslmode in DB_URL");
    let what = known.and_then(|cure| text.strip_suffix(&format!("; {cure}"))).unwrap_or(&text);
    Finding::failure("database", format!("no connection: {what}"), cure)
}

/// A question failed; errors of ours say the cure behind a semicolon.
pub(super) fn failed(subject: &str, error: &StoreError) -> Finding {
    if let StoreError::Failed(source) = error
        && source.downcast_ref::<BrokenPooler>().is_some()
    {
        let text = source.to_string();
        let (what, cure) = text.split_once(": ").unwrap_or((&text, "use another pool mode"));
        return Finding::failure(subject, what, cure);
    }
    let text = error.innermost_cause();
    if let Some((what, cure)) = text.split_once("; ") {
        return Finding::failure(subject, what, cure);
    }
    let cure = match error {
        StoreError::Unavailable(_) => "try again; if it stays so, look at the server's log and its load",
        StoreError::ReadOnly(_) => "name the primary in DB_URL, or make room on its disk",
        StoreError::Denied(_) => "grant the role the privileges that docs/operations.md lists",
        StoreError::Corrupt { .. } | StoreError::Failed(_) => {
            "look at the server's log, and at what `stream-server migrate --dry-run` says"
        }
    };
    Finding::failure(subject, chain_of(error), cure)
}

/// A step took too long.
pub(super) fn timed_out(subject: &str, limit: Duration) -> Finding {
    Finding::failure(
        subject,
        format!("no answer within {} seconds", limit.as_secs()),
        "look for a server that hangs, a firewall that drops packets, and long locks (SELECT * FROM pg_stat_activity)",
    )
}
