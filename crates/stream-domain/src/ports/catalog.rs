//! Lists what everybody may see.

use std::sync::Arc;

use async_trait::async_trait;

use super::StoreError;
use crate::catalog::CatalogQuery;
use crate::{StreamPage, Timestamp};

/// Lists streams for everybody.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait CatalogStore: Send + Sync {
    /// The streams that the query asks for, as they are at `now`, newest first.
    ///
    /// The list MUST be read after the call; calls for the same [shared](crate::PageRequest::is_shared) page that wait may be
    /// answered by one reading.
    /// A store may return the same page again, by the same [`Arc`], as long as nothing in it has changed.
    async fn list(&self, query: &CatalogQuery, now: Timestamp) -> Result<Arc<StreamPage>, StoreError>;
}
