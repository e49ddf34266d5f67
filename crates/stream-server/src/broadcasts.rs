//! What is done for media servers without a request: cutting who is to be cut, and comparing lists.

use std::time::Duration;

use stream_domain::broadcasts::ReconcileError;
use stream_domain::ports::chain_of;
use stream_domain::{Broadcasts, ServerName};
use tokio::time::{Interval, MissedTickBehavior, interval};

/// How often those are looked for who are to be cut.
const CUT_INTERVAL: Duration = Duration::from_millis(500);

/// How often a media server's list is looked at.
const ROLL_INTERVAL: Duration = Duration::from_secs(2);

/// Cuts whoever is to be cut at one media server, for ever.
pub(crate) async fn cut(broadcasts: Broadcasts, server: ServerName) {
    let mut trouble = Trouble::new(&server, "publishers could not be cut");
    let mut ticks = every(CUT_INTERVAL);
    loop {
        ticks.tick().await;
        match broadcasts.cut_due(&server).await {
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
    let mut ticks = every(ROLL_INTERVAL);
    loop {
        ticks.tick().await;
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
