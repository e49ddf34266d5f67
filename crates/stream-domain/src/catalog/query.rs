//! What is asked of the public list.

use crate::PageRequest;

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
