//! The catalog: what everybody may see.

use std::sync::Arc;

use async_trait::async_trait;
use stream_domain::catalog::CatalogQuery;
use stream_domain::ports::{CatalogStore, StoreError};
use stream_domain::{StreamPage, Timestamp};

use crate::lists::read_public_page;
use crate::store::SqliteStore;

#[async_trait]
impl CatalogStore for SqliteStore {
    async fn list(&self, query: &CatalogQuery, now: Timestamp) -> Result<Arc<StreamPage>, StoreError> {
        let query = query.clone();
        if query.page.is_shared() {
            return self.coalesced.page(query, now).await;
        }
        let asked = query.clone();
        let page = self.read(move |connection| read_public_page(connection, &asked, now));
        Ok(self.coalesced.share(query, page.await?))
    }
}
