//! What the public sees.

mod query;

use std::sync::Arc;

use crate::keys::{LookupError, publishable};
use crate::ports::{CatalogStore, Clock, KeyLookup, StoreError, StreamPorts};
use crate::{PlaybackId, Stream, StreamPage, Timestamp};

pub use query::{CatalogQuery, PublicFilter};

/// The use cases of the public.
#[derive(Clone)]
pub struct Catalog {
    store: Arc<dyn CatalogStore>,
    lookup: Arc<dyn KeyLookup>,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Catalog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalog").finish_non_exhaustive()
    }
}

impl Catalog {
    /// Wires the use cases to their ports.
    pub fn new(ports: &StreamPorts, clock: Arc<dyn Clock>) -> Self {
        Self { store: ports.catalog.clone(), lookup: ports.lookup.clone(), clock }
    }

    /// The stream of this public name, only while its key may publish, and the time at which that is so.
    pub async fn find(&self, id: &PlaybackId) -> Result<(Stream, Timestamp), LookupError> {
        let found = self.lookup.find_by_playback_id(id).await?;
        let now = self.clock.now();
        Ok((publishable(found, now)?, now))
    }

    /// The public list, newest first, and the time at which it is so.
    pub async fn list(&self, query: &CatalogQuery) -> Result<(Arc<StreamPage>, Timestamp), StoreError> {
        let now = self.clock.now();
        Ok((self.store.list(query, now).await?, now))
    }
}
