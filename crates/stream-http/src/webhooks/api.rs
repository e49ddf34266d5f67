//! What the handlers of webhooks need.

use stream_domain::{WebhookId, Webhooks};

use crate::error::{ApiError, ErrorCode};
use crate::readiness::{AfterStart, Readiness};

/// What the handlers of webhooks need.
pub(crate) struct WebhooksApi {
    pub(super) webhooks: AfterStart<Webhooks>,
}

impl WebhooksApi {
    pub(crate) fn new(webhooks: Webhooks, readiness: &Readiness) -> Self {
        Self { webhooks: AfterStart::new(webhooks, readiness) }
    }
}

/// The number of one of the user's endpoints, from a path.
pub(super) fn number(text: &str) -> Result<WebhookId, ApiError> {
    text.parse().map(WebhookId).map_err(|_| ErrorCode::WebhookNotFound.into())
}
