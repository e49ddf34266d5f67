//! What owners of endpoints ask.

use std::fmt;
use std::sync::Arc;

use super::delivery::{Delivery, DeliveryKey, DeliveryPage, DeliveryQuery};
use super::form::{InvalidWebhook, WebhookForm};
use super::id::WebhookId;
use super::secret::WebhookSecret;
use super::webhook::{Webhook, WebhookChange};
use crate::UserId;
use crate::events::{Forgotten, LogPosition};
use crate::ports::{
    AddWebhookError, Clock, DeliveryStore, Entropy, EntropyError, EventLog, StoreError, StreamPorts,
    WebhookSender, WebhookStore,
};

/// The use cases of those who have endpoints.
#[derive(Clone)]
pub struct Webhooks {
    webhooks: Arc<dyn WebhookStore>,
    deliveries: Arc<dyn DeliveryStore>,
    log: Arc<dyn EventLog>,
    sender: Arc<dyn WebhookSender>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").finish_non_exhaustive()
    }
}

/// Why an endpoint does not do what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// A field cannot be taken.
    #[error(transparent)]
    Invalid(#[from] InvalidWebhook),
    /// The user has as many as one may have.
    #[error("the user has as many endpoints as one may have")]
    TooMany,
    /// The platform does not know the user.
    #[error("the platform does not know the user")]
    UnknownUser,
    /// The user has no such endpoint.
    #[error("the user has no such endpoint")]
    NoSuchWebhook,
    /// Nothing of this position was to be delivered there.
    #[error("the endpoint has no such delivery")]
    NoSuchDelivery,
    /// It is switched off.
    #[error("the endpoint is switched off")]
    Disabled,
    /// There would be a gap.
    #[error(transparent)]
    Forgotten(#[from] Forgotten),
    /// There is no randomness for a secret.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Webhooks {
    /// Wires the use cases to their ports.
    pub fn new(
        ports: &StreamPorts,
        sender: Arc<dyn WebhookSender>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        let (webhooks, deliveries) = (ports.webhooks.clone(), ports.deliveries.clone());
        Self { webhooks, deliveries, log: ports.events.clone(), sender, clock, entropy }
    }

    /// Adds an endpoint, with a new secret.
    pub async fn add(&self, user: UserId, form: WebhookForm) -> Result<Webhook, WebhookError> {
        let (terms, is_enabled) = form.read(&*self.sender)?;
        let (secret, now) = (WebhookSecret::generate(&*self.entropy)?, self.clock.now());
        let new = Webhook::added(Some(user), terms, secret, now);
        let new = if is_enabled { new } else { new.switched_off(now) };
        self.webhooks.add_webhook(user, &new).await.map_err(|error| match error {
            AddWebhookError::TooMany => WebhookError::TooMany,
            AddWebhookError::UnknownUser => WebhookError::UnknownUser,
            AddWebhookError::Store(error) => error.into(),
        })
    }

    /// The user's endpoints, the first one first.
    pub async fn list(&self, user: UserId) -> Result<Vec<Webhook>, StoreError> {
        self.webhooks.list_webhooks(user).await
    }

    /// One of them.
    pub async fn own(&self, user: UserId, id: WebhookId) -> Result<Webhook, WebhookError> {
        self.webhooks.find_webhook(user, id).await?.ok_or(WebhookError::NoSuchWebhook)
    }

    /// Says everything anew; one that was switched off gets what is pending again.
    pub async fn replace(
        &self,
        user: UserId,
        id: WebhookId,
        form: WebhookForm,
    ) -> Result<Webhook, WebhookError> {
        let (terms, is_enabled) = form.read(&*self.sender)?;
        self.change(user, id, WebhookChange::Replace(terms, is_enabled)).await
    }

    /// Gives it another secret; the former one signs along for a day.
    pub async fn rotate(&self, user: UserId, id: WebhookId) -> Result<Webhook, WebhookError> {
        let secret = WebhookSecret::generate(&*self.entropy)?;
        self.change(user, id, WebhookChange::Rotate(secret)).await
    }

    /// Takes it away, with what was to be delivered there; what it was.
    pub async fn remove(&self, user: UserId, id: WebhookId) -> Result<Webhook, WebhookError> {
        self.webhooks.remove_webhook(user, id).await?.ok_or(WebhookError::NoSuchWebhook)
    }

    /// Sends it an event that means nothing.
    pub async fn test(&self, user: UserId, id: WebhookId) -> Result<Webhook, WebhookError> {
        let webhook = self.enabled(user, id).await?;
        self.webhooks.tell_test(user, id).await?;
        Ok(webhook)
    }

    /// What was and is to be delivered there.
    pub async fn deliveries(
        &self,
        user: UserId,
        query: &DeliveryQuery,
    ) -> Result<DeliveryPage, WebhookError> {
        self.own(user, query.webhook).await?;
        Ok(self.deliveries.list_deliveries(query).await?)
    }

    /// Delivers an event there once more, at once.
    pub async fn retry(
        &self,
        user: UserId,
        id: WebhookId,
        position: LogPosition,
    ) -> Result<Delivery, WebhookError> {
        self.enabled(user, id).await?;
        let key = DeliveryKey { webhook: id, position };
        let found = self.deliveries.retry_delivery(key).await?;
        found.ok_or(WebhookError::NoSuchDelivery)
    }

    /// Delivers everything there once more that happened after a position and is wanted there.
    pub async fn replay(
        &self,
        user: UserId,
        id: WebhookId,
        after: LogPosition,
    ) -> Result<Webhook, WebhookError> {
        self.enabled(user, id).await?;
        let extent = self.log.extent().await?;
        extent.check(after)?;
        self.change(user, id, WebhookChange::Replay(after, extent.last)).await
    }

    async fn enabled(&self, user: UserId, id: WebhookId) -> Result<Webhook, WebhookError> {
        let webhook = self.own(user, id).await?;
        if webhook.disabled.is_some() { Err(WebhookError::Disabled) } else { Ok(webhook) }
    }

    async fn change(
        &self,
        user: UserId,
        id: WebhookId,
        change: WebhookChange,
    ) -> Result<Webhook, WebhookError> {
        let changed = self.webhooks.change_webhook(user, id, &change, self.clock.now()).await?;
        changed.ok_or(WebhookError::NoSuchWebhook)
    }
}
