//! Whatever a server does, the answer comes within a bound.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use stream_domain::Publisher;
use stream_domain::ports::{HookSettings, Kick, KickPatience, Listing, MediaServer, MediaServerError};
use tokio::time::timeout;
use tracing::Instrument as _;
use tracing::field::Empty;

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

/// A span around what a media server is asked.
async fn traced<T>(
    asked: &'static str,
    answer: impl Future<Output = Result<T, MediaServerError>>,
) -> Result<T, MediaServerError> {
    let span = tracing::info_span!(
        "media server",
        otel.name = asked,
        otel.kind = "client",
        otel.status_code = Empty
    );
    let answer = answer.instrument(span.clone()).await;
    if answer.is_err() {
        span.record("otel.status_code", "ERROR");
    }
    answer
}

#[async_trait]
impl<M: MediaServer> MediaServer for Bounded<M> {
    async fn publishers(&self) -> Result<Listing, MediaServerError> {
        let listed = timeout(LIST_WITHIN, traced("media_server.publishers", self.0.publishers())).await;
        listed.unwrap_or_else(|late| Err(MediaServerError::Unreachable(late.into())))
    }

    async fn kick(&self, publisher: &Publisher, patience: KickPatience) -> Result<Kick, MediaServerError> {
        let within = match patience {
            KickPatience::BeforeAnswer => ORDER_BEFORE_ANSWER_WITHIN,
            KickPatience::Unhurried => ORDER_WITHIN,
        };
        let done = timeout(within, traced("media_server.kick", self.0.kick(publisher, patience))).await;
        done.unwrap_or_else(|late| Err(MediaServerError::Unreachable(late.into())))
    }

    async fn hook_settings(&self) -> Result<HookSettings, MediaServerError> {
        let read = timeout(ORDER_WITHIN, traced("media_server.hook_settings", self.0.hook_settings())).await;
        read.unwrap_or_else(|late| Err(MediaServerError::Unreachable(late.into())))
    }
}
