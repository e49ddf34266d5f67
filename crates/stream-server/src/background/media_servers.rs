//! Media servers without a request: pending kicks are carried out, and sessions are reconciled with publisher lists.

use std::time::Duration;

use stream_domain::{Broadcasts, ServerName};
use stream_metrics::TaskMeter;

use crate::background::once_warning::OnceWarning;
use crate::background::ticks::every;

/// How often pending kicks are looked for.
const KICK_INTERVAL: Duration = Duration::from_millis(500);

/// How often servers that went silent are looked for.
const SILENCE_INTERVAL: Duration = Duration::from_secs(1);

/// How often it is checked whether a media server's list is due.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Kicks publishers that may no longer publish at one media server; never returns.
pub(super) async fn kick_publishers(broadcasts: Broadcasts, server: ServerName, meter: TaskMeter) {
    let mut warning =
        OnceWarning::at(&server, "publishers could not be kicked", "publishers can be kicked again");
    let mut ticks = every(KICK_INTERVAL);
    loop {
        ticks.tick().await;
        match broadcasts.kick_pending(&server).await {
            // No kick was pending, so the server was not asked.
            Ok(0) => meter.succeeded(),
            Ok(kicked) => {
                meter.succeeded();
                warning.clear();
                tracing::info!(%server, kicked, "kicked publishers that may no longer publish");
            }
            Err(error) => {
                meter.failed();
                warning.raise(&error);
            }
        }
    }
}

/// Reconciles sessions with one media server's publisher list; never returns.
pub(super) async fn reconcile(broadcasts: Broadcasts, server: ServerName, meter: TaskMeter) {
    let mut warning = OnceWarning::at(
        &server,
        "the media server's publishers could not be listed",
        "the media server's publishers can be listed again",
    );
    let mut ticks = every(POLL_INTERVAL);
    loop {
        ticks.tick().await;
        if !broadcasts.is_look_due(&server) {
            continue;
        }
        match broadcasts.reconcile(&server).await {
            Ok(done) => {
                meter.succeeded();
                warning.clear();
                let (ended, found, kicked) = (done.ended, done.found, done.kicked);
                if ended + found + kicked > 0 {
                    tracing::info!(%server, ended, found, kicked, "reconciled with the media server's list");
                }
            }
            Err(error) => {
                meter.failed();
                warning.raise(&error);
            }
        }
    }
}

/// Warns of media servers that let a publisher in, report nothing more and cannot be asked; never returns.
pub(super) async fn warn_of_silent_servers(broadcasts: Broadcasts, meter: TaskMeter) {
    let mut ticks = every(SILENCE_INTERVAL);
    loop {
        ticks.tick().await;
        meter.succeeded();
        for (server, family) in broadcasts.take_silent_servers() {
            let lease = broadcasts.servers().lease_of(&server, family).whole_seconds();
            let cure = family.capabilities().liveness_settings.unwrap_or_default();
            tracing::warn!(
                %server,
                family = family.as_str(),
                "this media server says nothing of the publisher that it let in, and cannot be asked: the stream counts \
                 as off air {lease} seconds after it began though it goes on, and a stop cuts nobody. To mend it, {cure}"
            );
        }
    }
}
