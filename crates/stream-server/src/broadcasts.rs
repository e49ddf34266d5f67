//! What is done for media servers without a request: cutting who is to be cut, and comparing lists.

use std::time::Duration;

use stream_domain::broadcasts::ReconcileError;
use stream_domain::ports::chain_of;
use stream_domain::{Broadcasts, ServerName};
use tokio::time::{MissedTickBehavior, interval};

/// How often those are looked for who are to be cut.
const CUT_INTERVAL: Duration = Duration::from_millis(500);

/// How many such looks come to one comparison of lists: every two seconds.
const LOOKS_PER_ROLL: u64 = 4;

/// Attends to one media server for ever; says once that it does not answer, and once that it does again.
pub(crate) async fn attend(broadcasts: Broadcasts, server: ServerName) {
    let mut ticks = interval(CUT_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut trouble = None;
    for look in 0_u64.. {
        ticks.tick().await;
        let mut outcome = cut(&broadcasts, &server).await;
        if look % LOOKS_PER_ROLL == 0 && outcome.is_ok() {
            outcome = compare(&broadcasts, &server).await;
        }
        match (outcome, &trouble) {
            (Ok(()), None) => {}
            (Ok(()), Some(_)) => {
                tracing::info!(%server, "the media server answers again");
                trouble = None;
            }
            (Err(error), known) => {
                let cause = chain_of(&error);
                if known.as_ref() != Some(&cause) {
                    tracing::warn!(%server, error = cause, "the media server could not be compared or told");
                }
                trouble = Some(cause);
            }
        }
    }
}

async fn cut(broadcasts: &Broadcasts, server: &ServerName) -> Result<(), ReconcileError> {
    let cut = broadcasts.cut_due(server).await?;
    if cut > 0 {
        tracing::info!(%server, cut, "cut publishers that may no longer be on air");
    }
    Ok(())
}

async fn compare(broadcasts: &Broadcasts, server: &ServerName) -> Result<(), ReconcileError> {
    let done = broadcasts.reconcile(server).await?;
    if done.ended + done.found + done.cut > 0 {
        let (ended, found, cut) = (done.ended, done.found, done.cut);
        tracing::info!(%server, ended, found, cut, "compared with the media server's list");
    }
    Ok(())
}
