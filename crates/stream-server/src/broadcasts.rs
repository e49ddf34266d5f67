//! What is done for media servers without a request: cutting who is to be cut, and comparing lists.

use std::time::Duration;

use stream_domain::broadcasts::ReconcileError;
use stream_domain::ports::chain_of;
use stream_domain::{Broadcasts, ServerName};
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::media_servers::Entry;

/// How often those are looked for who are to be cut.
const CUT_INTERVAL: Duration = Duration::from_millis(500);

/// How often silent servers are looked for.
const SILENCE_INTERVAL: Duration = Duration::from_secs(1);

/// How often it is considered whether to look at a media server's list.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// Cuts whoever is to be cut at one media server, for ever.
pub(crate) async fn cut(broadcasts: Broadcasts, server: ServerName) {
    let mut trouble = Trouble::new(&server, "publishers could not be cut");
    let mut ticks = every(CUT_INTERVAL);
    loop {
        ticks.tick().await;
        match broadcasts.kick_pending(&server).await {
            // Nobody was to be cut, so nothing was tried.
            Ok(0) => {}
            Ok(cut) => {
                trouble.is_over();
                tracing::info!(%server, cut, "cut publishers that may no longer be on air");
            }
            Err(error) => trouble.is(&error),
        }
    }
}

/// Compares what is written down with one media server's list, for ever.
pub(crate) async fn compare(broadcasts: Broadcasts, server: ServerName) {
    let mut trouble = Trouble::new(&server, "the media server's list could not be compared");
    let mut ticks = every(LOOK_INTERVAL);
    loop {
        ticks.tick().await;
        if !broadcasts.is_look_due(&server) {
            continue;
        }
        match broadcasts.reconcile(&server).await {
            Ok(done) => {
                trouble.is_over();
                let (ended, found, cut) = (done.ended, done.found, done.cut);
                if ended + found + cut > 0 {
                    tracing::info!(%server, ended, found, cut, "compared with the media server's list");
                }
            }
            Err(error) => trouble.is(&error),
        }
    }
}

/// Tells of media servers that let somebody in, say nothing more and cannot be asked, for ever.
pub(crate) async fn warn_of_silent(broadcasts: Broadcasts) {
    let mut ticks = every(SILENCE_INTERVAL);
    loop {
        ticks.tick().await;
        for (server, family) in broadcasts.take_silent_servers() {
            let lease = broadcasts.servers().lease_of(&server, family).whole_seconds();
            let cure = family.cure_for_silence().unwrap_or_default();
            tracing::warn!(
                %server,
                family = family.as_str(),
                "this media server says nothing of the publisher that it let in, and cannot be asked: the stream counts \
                 as off air {lease} seconds after it began though it goes on, and a stop cuts nobody. To mend it, {cure}"
            );
        }
    }
}

/// Tells of media servers in the settings that cannot be asked.
pub(crate) fn warn_of_unasked<'a>(entries: impl IntoIterator<Item = &'a Entry>) {
    for entry in entries {
        if let Some(cure) = entry.family.cure_for_silence().filter(|_| entry.control.is_none()) {
            let lease = entry.lease.whole_seconds();
            tracing::warn!(
                server = %entry.name,
                family = entry.family.as_str(),
                "MEDIA_SERVERS gives this media server no control: unless it says by itself that its publishers go on, \
                 each counts as off air {lease} seconds after it began, and a stop cuts nobody. To mend it, {cure}"
            );
        }
    }
}

fn every(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// A trouble that is told once, and once that it is over.
struct Trouble<'a> {
    server: &'a ServerName,
    what: &'static str,
    known: Option<String>,
}

impl<'a> Trouble<'a> {
    fn new(server: &'a ServerName, what: &'static str) -> Self {
        Self { server, what, known: None }
    }

    fn is(&mut self, error: &ReconcileError) {
        let cause = chain_of(error);
        if self.known.as_ref() != Some(&cause) {
            tracing::warn!(server = %self.server, error = cause, "{}", self.what);
        }
        self.known = Some(cause);
    }

    fn is_over(&mut self) {
        if self.known.take().is_some() {
            tracing::info!(server = %self.server, "no longer: {}", self.what);
        }
    }
}
