//! Webhooks: what is due is taken and sent, each endpoint on its own, and what belongs to it is looked after.

use std::time::Duration;

use stream_domain::ports::{Clock as _, chain_of};
use stream_domain::webhooks::{DueDelivery, WebhookSecret};
use stream_domain::{Deliveries, UserId, WebhookId};
use stream_metrics::{TaskMeter, WebhookMetrics};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::task::TaskTracker;

use crate::background::in_flight::{EACH, InFlight};
use crate::background::once_warning::OnceWarning;
use crate::background::ticks::every;
use crate::system::SystemClock;

/// How often it is looked for what is due.
const INTERVAL: Duration = Duration::from_millis(200);

/// How often replays go on.
const REPLAY_INTERVAL: Duration = Duration::from_secs(1);

/// How often it is counted what is pending.
const COUNT_INTERVAL: Duration = Duration::from_secs(15);

/// The pause before an outcome is recorded again.
const PAUSE: Duration = Duration::from_secs(1);

/// How often that is tried; when the lease has run out, the event is sent again.
const RECORDS: u32 = 10;

/// What sends: the use cases, what is counted, and what has to end before the process does.
#[derive(Clone)]
pub(crate) struct Sending {
    /// The use cases.
    pub(crate) deliveries: Deliveries,
    /// What is counted.
    pub(crate) metrics: WebhookMetrics,
    /// The operator's endpoint.
    pub(crate) operators: Option<(String, WebhookSecret)>,
    /// Deliveries that go on.
    pub(crate) running: TaskTracker,
}

/// Tells that a delivery has ended, however it does.
struct Ending {
    webhook: WebhookId,
    tell_end: mpsc::UnboundedSender<WebhookId>,
}

impl Drop for Ending {
    fn drop(&mut self) {
        // The receiver is gone when the task has ended.
        let _ = self.tell_end.send(self.webhook);
    }
}

/// Takes what is due, and sends it, until the process stops.
pub(super) async fn deliver(sending: Sending, meter: TaskMeter) {
    let mut warning =
        OnceWarning::new("webhooks could not be looked after", "webhooks are looked after again");
    let mut keeping = OnceWarning::new(
        "the endpoint of WEBHOOK_URL could not be kept",
        "the endpoint of WEBHOOK_URL is kept",
    );
    let mut ticks = every(INTERVAL);
    let (tell_end, mut ended) = mpsc::unbounded_channel();
    let mut in_flight = InFlight::default();
    let mut is_kept = false;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            Some(webhook) = ended.recv() => {
                let mut is_more_due = in_flight.end(webhook);
                while let Ok(webhook) = ended.try_recv() {
                    is_more_due |= in_flight.end(webhook);
                }
                if !is_more_due {
                    continue;
                }
            }
        }
        if !is_kept {
            match sending.deliveries.keep_operators(sending.operators.clone()).await {
                Ok(()) => {
                    is_kept = true;
                    keeping.clear();
                }
                Err(error) => {
                    meter.failed();
                    keeping.raise(&error);
                }
            }
        }
        let room = in_flight.room();
        if room == 0 {
            continue;
        }
        match sending.deliveries.claim(in_flight.busy(), room, EACH).await {
            Ok(due) => {
                meter.succeeded();
                warning.clear();
                in_flight.begin(&due, room);
                for due in due {
                    let sending = sending.clone();
                    let ending = Ending { webhook: due.webhook.id, tell_end: tell_end.clone() };
                    // One that has begun goes on when the task ends, so that what has arrived is recorded.
                    sending.running.clone().spawn(async move {
                        let _ending = ending;
                        send(&sending, &due).await;
                    });
                }
            }
            Err(error) => {
                meter.failed();
                warning.raise(&error);
            }
        }
    }
}

/// Sends a delivery, and records what came of it.
async fn send(Sending { deliveries, metrics, .. }: &Sending, due: &DueDelivery) {
    metrics.begun();
    let (attempt, outcome) = deliveries.send(due).await;
    metrics.ended(&outcome, attempt.took);
    let (webhook, position) = (due.webhook.id.0, due.event.position.0);
    tracing::debug!(
        webhook,
        position,
        status = attempt.status,
        error = attempt.error,
        outcome = outcome.word(),
        "sent an event"
    );
    if let Some(reason) = outcome.disable {
        let (user, reason) = (due.webhook.user.map(UserId::get), reason.as_str());
        tracing::warn!(webhook, user, reason, "switched a webhook off");
    }
    for tries in 1..=RECORDS {
        match deliveries.record(due, &attempt, outcome).await {
            Ok(()) => return,
            Err(error) if tries == RECORDS => {
                let error = chain_of(&error);
                tracing::warn!(
                    webhook,
                    position,
                    error,
                    "an outcome could not be recorded; the event is sent again"
                );
            }
            Err(_) => sleep(PAUSE).await,
        }
    }
}

/// Goes on with replays, again and again.
pub(super) async fn replay(deliveries: Deliveries, meter: TaskMeter) {
    let mut warning = OnceWarning::new("events could not be replayed", "events are replayed again");
    let mut ticks = every(REPLAY_INTERVAL);
    loop {
        ticks.tick().await;
        match deliveries.replay().await {
            Ok(_) => {
                meter.succeeded();
                warning.clear();
            }
            Err(error) => {
                meter.failed();
                warning.raise(&error);
            }
        }
    }
}

/// Counts endpoints and what is pending, again and again.
pub(super) async fn count(deliveries: Deliveries, metrics: WebhookMetrics, meter: TaskMeter) {
    let mut ticks = every(COUNT_INTERVAL);
    loop {
        ticks.tick().await;
        match deliveries.count().await {
            Ok(counts) => {
                metrics.set_counts(&counts, SystemClock.now());
                meter.succeeded();
            }
            Err(error) => {
                meter.failed();
                tracing::debug!(error = chain_of(&error), "webhooks could not be counted");
            }
        }
    }
}

/// Forgets deliveries of what was forgotten, once each period.
pub(super) async fn forget_old(deliveries: Deliveries, period: Duration, meter: TaskMeter) {
    let mut ticks = every(period);
    loop {
        ticks.tick().await;
        match deliveries.forget_old().await {
            Ok(_) => meter.succeeded(),
            Err(error) => {
                meter.failed();
                tracing::warn!(error = chain_of(&error), "could not forget old deliveries; trying again");
            }
        }
    }
}
