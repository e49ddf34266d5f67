//! Deliveries to endpoints.

use async_trait::async_trait;

use super::StoreError;
use crate::Timestamp;
use crate::webhooks::{
    Attempt, Claim, Delivery, DeliveryKey, DeliveryPage, DeliveryQuery, DueDelivery, Outcome, WebhookCounts,
};

/// Keeps what is to be delivered, and what became of it.
///
/// An event that gets its position MUST be pending from then on for each endpoint that is sent to and wants it: the
/// user's own, and the operator's.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait DeliveryStore: Send + Sync {
    /// Takes what is due: new events first, in their order, and then what is to be tried again.
    ///
    /// What was taken MUST NOT be taken again before [`Claim::until`], and MUST be afterwards unless it was
    /// [recorded](Self::record_attempt).
    /// Nothing MUST be taken for an endpoint that is switched off.
    async fn claim_deliveries(&self, claim: &Claim) -> Result<Vec<DueDelivery>, StoreError>;

    /// Records an attempt, what becomes of the delivery, and whether its endpoint fails.
    ///
    /// An endpoint that its owner has changed since MUST NOT be taken for failing, nor be switched off, by it.
    /// Of the attempts of a delivery the last [`KEPT_ATTEMPTS`](crate::webhooks::KEPT_ATTEMPTS) MUST be kept.
    async fn record_attempt(
        &self,
        due: &DueDelivery,
        attempt: &Attempt,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// A part of the list of an endpoint's deliveries, the latest event first.
    async fn list_deliveries(&self, query: &DeliveryQuery) -> Result<DeliveryPage, StoreError>;

    /// Makes a delivery pending and due, as if it had never been tried, and returns it; `None` if there is none.
    async fn retry_delivery(&self, key: DeliveryKey) -> Result<Option<Delivery>, StoreError>;

    /// Goes on with the [replay](crate::webhooks::Webhook::replay) of an endpoint that is sent to, tests excepted: makes at
    /// most `limit` deliveries pending and due, as if they had never been tried, and returns how many.
    async fn replay_deliveries(&self, limit: u32) -> Result<u32, StoreError>;

    /// Forgets at most `limit` deliveries of events or endpoints that are no more; returns how many.
    async fn forget_deliveries(&self, limit: u32) -> Result<u32, StoreError>;

    /// Counts for operators.
    async fn count_webhooks(&self) -> Result<WebhookCounts, StoreError>;
}
