//! What is asked of the public list.

use crate::PageRequest;
use crate::details::Search;

/// Which streams the public list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PublicFilter {
    /// Those whose key may publish.
    Active,
    /// Those of them that are live.
    Live,
}

/// What is asked of the public list, or of the same list with unlisted streams.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CatalogQuery {
    /// Which streams.
    pub filter: PublicFilter,
    /// Whether unlisted ones are listed as well, for operators; a search finds none of them.
    pub with_unlisted: bool,
    /// What they must have.
    pub search: Search,
    /// Which part of the list.
    pub page: PageRequest,
}

impl CatalogQuery {
    /// Asks for a page of all active streams.
    pub fn active(page: PageRequest) -> Self {
        Self { filter: PublicFilter::Active, with_unlisted: false, search: Search::default(), page }
    }

    /// Asks for a page of the live streams.
    pub fn live(page: PageRequest) -> Self {
        Self { filter: PublicFilter::Live, with_unlisted: false, search: Search::default(), page }
    }
}
