//! Whatever a server does, the answer comes within a bound.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use stream_domain::Publisher;
use stream_domain::ports::{HookSettings, Kick, KickPatience, Listing, MediaServer, MediaServerError};
use stream_spans::{media_server_call, traced};
use tokio::time::timeout;

/// How long a list may take in all.
const LIST_WITHIN: Duration = Duration::from_secs(8);

/// How long an order may take in all that nobody waits for.
const ORDER_WITHIN: Duration = Duration::from_secs(3);

/// How long an order may take while a publisher waits for the answer of its hook, which has a second.
const ORDER_BEFORE_ANSWER_WITHIN: Duration = Duration::from_millis(400);

/// A server whose answers may never end.
struct Bounded<M>(M);

/// Bounds what a server's answers may take, and traces them.
pub(crate) fn bounded(server: impl MediaServer + 'static) -> Arc<dyn MediaServer> {
    Arc::new(Bounded(server))
}

#[async_trait]
impl<M: MediaServer> MediaServer for Bounded<M> {
    async fn publishers(&self) -> Result<Listing, MediaServerError> {
        let listed =
            timeout(LIST_WITHIN, traced(media_server_call("media_server.publishers"), self.0.publishers()))
                .await;
        listed.unwrap_or_else(|late| Err(MediaServerError::Unreachable(late.into())))
    }

    async fn kick(&self, publisher: &Publisher, patience: KickPatience) -> Result<Kick, MediaServerError> {
        let within = match patience {
            KickPatience::BeforeAnswer => ORDER_BEFORE_ANSWER_WITHIN,
            KickPatience::Unhurried => ORDER_WITHIN,
        };
        let done =
            timeout(within, traced(media_server_call("media_server.kick"), self.0.kick(publisher, patience)))
                .await;
        done.unwrap_or_else(|late| Err(MediaServerError::Unreachable(late.into())))
    }

    async fn hook_settings(&self) -> Result<HookSettings, MediaServerError> {
        let read = timeout(
            ORDER_WITHIN,
            traced(media_server_call("media_server.hook_settings"), self.0.hook_settings()),
        )
        .await;
        read.unwrap_or_else(|late| Err(MediaServerError::Unreachable(late.into())))
    }
}
