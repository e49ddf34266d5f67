//! Looks at the media servers, one at a time for all who wait: a page that polls asks none of them more often.

use std::sync::Arc;
use std::time::Duration;

use stream_coalesce::{BatchRead, Limits};
use stream_domain::Broadcasts;
use stream_domain::broadcasts::KnownServer;
use stream_domain::ports::StoreError;

/// One look at a time, for all who wait; media servers answer within seconds or fail.
pub(super) const LIMITS: Limits =
    Limits { max_waiting: 64, max_batch: 64, slow_after: Duration::from_secs(60), max_slow: 0 };

/// Looks at all media servers.
pub(super) struct ServerLook(pub(super) Broadcasts);

impl BatchRead for ServerLook {
    type Request = ();
    type Response = Arc<Vec<KnownServer>>;
    type Error = Arc<StoreError>;

    async fn read(&self, looks: Vec<()>) -> Result<Vec<Self::Response>, Arc<StoreError>> {
        let known = Arc::new(self.0.look_at_servers().await.map_err(Arc::new)?);
        Ok(vec![known; looks.len()])
    }
}
