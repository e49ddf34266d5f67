//! The public list in memory.

use std::sync::Arc;

use async_trait::async_trait;

use super::MemoryStore;
use crate::catalog::{CatalogQuery, PublicFilter};
use crate::details::Visibility;
use crate::ports::{CatalogStore, StoreError};
use crate::{StreamPage, Timestamp};

#[async_trait]
impl CatalogStore for MemoryStore {
    async fn list(&self, query: &CatalogQuery, now: Timestamp) -> Result<Arc<StreamPage>, StoreError> {
        let page = self.page(&query.page, |stream, details, terms| {
            let is_listed = query.with_unlisted || details.visibility == Visibility::Public;
            let is_asked_for = match query.filter {
                PublicFilter::Active => stream.publishable_at(now).is_ok(),
                PublicFilter::Live => stream.live_since_at(now).is_some(),
            };
            is_listed && is_asked_for && query.search.finds(terms)
        });
        page.map(Arc::new)
    }
}
