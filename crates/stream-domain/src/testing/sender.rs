//! A sender of webhooks that sends nothing.

use async_trait::async_trait;

use crate::ports::{RefusedUrl, WebhookAnswer, WebhookMessage, WebhookSender};

/// A [`WebhookSender`] that takes every `https` address, and says that each message has arrived.
#[derive(Debug, Default)]
pub struct FakeSender;

#[async_trait]
impl WebhookSender for FakeSender {
    fn check_url(&self, url: &str) -> Result<String, RefusedUrl> {
        let is_https = url.starts_with("https://");
        if is_https { Ok(url.to_owned()) } else { Err(RefusedUrl("must be an https:// address".to_owned())) }
    }

    async fn send(&self, _message: &WebhookMessage) -> WebhookAnswer {
        WebhookAnswer { status: Some(200), ..WebhookAnswer::default() }
    }
}
