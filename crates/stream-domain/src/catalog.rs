//! What the public sees.

use std::sync::Arc;

use crate::keys::{LookupError, publishable};
use crate::ports::{CatalogStore, Clock, KeyLookup, StoreError, StreamPorts};
use crate::{PageRequest, PlaybackId, Stream, StreamPage, Timestamp};

/// Which streams the public list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PublicFilter {
    /// Those whose key may publish.
    Active,
    /// Those of them that are live.
    Live,
}

/// What is asked of the public list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CatalogQuery {
    /// Which streams.
    pub filter: PublicFilter,
    /// Which part of the list.
    pub page: PageRequest,
}

impl CatalogQuery {
    /// Asks for a page of all active streams.
    pub fn active(page: PageRequest) -> Self {
        Self { filter: PublicFilter::Active, page }
    }

    /// Asks for a page of the live streams.
    pub fn live(page: PageRequest) -> Self {
        Self { filter: PublicFilter::Live, page }
    }
}

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

    /// The time at which a caller's answer is true.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The stream of this public name, only while its key may publish.
    pub async fn find(&self, id: &PlaybackId) -> Result<Stream, LookupError> {
        let found = self.lookup.find_by_playback_id(id).await?;
        publishable(found, self.clock.now())
    }

    /// The public list as it is now, newest first.
    pub async fn list(&self, query: &CatalogQuery) -> Result<Arc<StreamPage>, StoreError> {
        self.store.list(query, self.clock.now()).await
    }
}
