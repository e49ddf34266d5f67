//! Deliveries from claim to record.

use std::fmt;
use std::sync::Arc;

use time::Duration;

use super::delivery::{Attempt, Claim, DueDelivery, WebhookCounts};
use super::id::WebhookId;
use super::outcome::Outcome;
use super::secret::WebhookSecret;
use crate::ports::{
    Clock, DeliveryStore, Entropy, StoreError, StreamPorts, WebhookMessage, WebhookSender, WebhookStore,
};

/// How long a delivery belongs to the sender that took it: longer than an attempt can take.
const LEASE: Duration = Duration::seconds(30);

/// How many rows a step of upkeep changes at most.
const BATCH: u32 = 1_000;

/// Delivers what is due.
#[derive(Clone)]
pub struct Deliveries {
    webhooks: Arc<dyn WebhookStore>,
    deliveries: Arc<dyn DeliveryStore>,
    sender: Arc<dyn WebhookSender>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for Deliveries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deliveries").finish_non_exhaustive()
    }
}

impl Deliveries {
    /// Wires the use cases to their ports.
    pub fn new(
        ports: &StreamPorts,
        sender: Arc<dyn WebhookSender>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self {
            webhooks: ports.webhooks.clone(),
            deliveries: ports.deliveries.clone(),
            sender,
            clock,
            entropy,
        }
    }

    /// Takes what is due: of at most `webhooks` endpoints that are not busy, at most `each`.
    pub async fn claim(
        &self,
        busy: Vec<WebhookId>,
        webhooks: u32,
        each: u32,
    ) -> Result<Vec<DueDelivery>, StoreError> {
        let now = self.clock.now();
        let claim = Claim { now, until: now.plus(LEASE), busy, webhooks, each };
        self.deliveries.claim_deliveries(&claim).await
    }

    /// Sends a delivery that was taken; what came of it is to be [recorded](Self::record).
    pub async fn send(&self, due: &DueDelivery) -> (Attempt, Outcome) {
        let at = self.clock.now();
        let message = WebhookMessage {
            url: due.webhook.terms.url.clone(),
            id: format!("evt_{}_{}", due.event.position.0, due.event.at.unix_micros()),
            at,
            event: due.event.clone(),
            secrets: due.webhook.secrets_at(at),
        };
        let answer = self.sender.send(&message).await;
        let outcome = Outcome::of(due, &answer, self.clock.now(), &*self.entropy);
        let attempt = Attempt {
            at,
            status: answer.status,
            error: answer.error,
            took: answer.took,
            answer: answer.body,
        };
        (attempt, outcome)
    }

    /// Records what came of an attempt.
    pub async fn record(
        &self,
        due: &DueDelivery,
        attempt: &Attempt,
        outcome: Outcome,
    ) -> Result<(), StoreError> {
        self.deliveries.record_attempt(due, attempt, outcome, self.clock.now()).await
    }

    /// Delivers once more what owners have asked for, in batches, and returns how many there were.
    pub async fn replay(&self) -> Result<u32, StoreError> {
        let mut replayed = 0;
        loop {
            let again = self.deliveries.replay_deliveries(BATCH).await?;
            replayed += again;
            if again == 0 {
                return Ok(replayed);
            }
        }
    }

    /// Forgets deliveries of events that were forgotten, and those to endpoints that are no more.
    pub async fn forget_old(&self) -> Result<u32, StoreError> {
        let mut forgotten = 0;
        loop {
            let gone = self.deliveries.forget_deliveries(BATCH).await?;
            forgotten += gone;
            if gone < BATCH {
                return Ok(forgotten);
            }
        }
    }

    /// What there is.
    pub async fn count(&self) -> Result<WebhookCounts, StoreError> {
        self.deliveries.count_webhooks().await
    }

    /// Keeps the operator's endpoint as the settings say; `None` for none.
    pub async fn keep_operators(&self, wanted: Option<(String, WebhookSecret)>) -> Result<(), StoreError> {
        self.webhooks.keep_operator_webhook(wanted, self.clock.now()).await
    }
}
