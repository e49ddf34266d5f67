//! The way out to the endpoints of webhooks.

use std::time::Duration;

use async_trait::async_trait;

use crate::Timestamp;
use crate::events::Event;
use crate::webhooks::WebhookSecret;

/// Sends messages to endpoints.
///
/// No request MUST ever reach an address that is refused, whatever a name resolves to at that moment, and whatever an
/// endpoint answers.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait WebhookSender: Send + Sync {
    /// The address as it is kept, if it may be sent to as far as can be told without asking for its name.
    fn check_url(&self, url: &str) -> Result<String, RefusedUrl>;

    /// Sends a message once, signed with each secret, and waits for the answer within a time.
    async fn send(&self, message: &WebhookMessage) -> WebhookAnswer;
}

/// Why an address cannot be an endpoint's, in words that follow its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedUrl(pub String);

/// A message to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookMessage {
    /// Where to.
    pub url: String,
    /// The same at each attempt, and no other message's.
    pub id: String,
    /// When this attempt is made.
    pub at: Timestamp,
    /// What is told.
    pub event: Event,
    /// What it is signed with.
    pub secrets: Vec<WebhookSecret>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct WebhookAnswer {
    /// The status, if an answer came in time.
    pub status: Option<u16>,
    /// Why none came; in words that say nothing of networks that the endpoint's owner must not see.
    pub error: Option<String>,
    /// For how long the endpoint asks to be left alone.
    pub retry_after: Option<Duration>,
    /// What the answer began with: at most 1 KiB.
    pub body: String,
    /// How long it took.
    pub took: Duration,
}
