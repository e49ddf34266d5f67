//! Endpoints of webhooks.

use async_trait::async_trait;

use super::{StoreError, UserStreamsError};
use crate::webhooks::{Webhook, WebhookChange, WebhookId, WebhookSecret};
use crate::{Timestamp, UserId};

/// Keeps the endpoints that events are delivered to.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait WebhookStore: Send + Sync {
    /// Keeps a new endpoint of the user's and returns it with its number.
    ///
    /// The user MUST NOT have more than [`MAX_WEBHOOKS`](crate::webhooks::MAX_WEBHOOKS) of them, whatever runs at the
    /// same time.
    async fn add_webhook(&self, user: UserId, new: &Webhook) -> Result<Webhook, AddWebhookError>;

    /// The user's endpoints, by number.
    async fn list_webhooks(&self, user: UserId) -> Result<Vec<Webhook>, StoreError>;

    /// One of them.
    async fn find_webhook(&self, user: UserId, id: WebhookId) -> Result<Option<Webhook>, StoreError>;

    /// Changes one of them as [`Webhook::changed`] says, and returns it; `None` if the user has no such endpoint.
    ///
    /// [`WebhookDisabled`](crate::events::EventKind::WebhookDisabled) MUST be told when it is switched off, here and by
    /// a delivery.
    async fn change_webhook(
        &self,
        user: UserId,
        id: WebhookId,
        change: &WebhookChange,
        now: Timestamp,
    ) -> Result<Option<Webhook>, StoreError>;

    /// Takes one of them away, and returns it.
    async fn remove_webhook(&self, user: UserId, id: WebhookId) -> Result<Option<Webhook>, StoreError>;

    /// Writes an event that is delivered to this endpoint alone, whatever types it wants.
    async fn tell_test(&self, user: UserId, id: WebhookId) -> Result<(), StoreError>;

    /// Has one endpoint without a user, with this address and this secret, and sent to; without them it is switched off.
    ///
    /// Where the secret was another, the former one signs along as after a rotation.
    async fn keep_operator_webhook(
        &self,
        wanted: Option<(String, WebhookSecret)>,
        now: Timestamp,
    ) -> Result<(), StoreError>;
}

/// Why an endpoint was not kept.
#[derive(Debug, thiserror::Error)]
pub enum AddWebhookError {
    /// The user has as many as one may have.
    #[error("the user has as many endpoints as one may have")]
    TooMany,
    /// The platform does not know the user.
    #[error("the platform does not know the user")]
    UnknownUser,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<UserStreamsError> for AddWebhookError {
    fn from(error: UserStreamsError) -> Self {
        match error {
            UserStreamsError::UnknownUser => Self::UnknownUser,
            UserStreamsError::Store(error) => Self::Store(error),
        }
    }
}
