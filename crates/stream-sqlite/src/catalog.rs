//! The catalog: what everybody may see.

use async_trait::async_trait;
use stream_domain::ports::{CatalogStore, StoreError};
use stream_domain::{StreamPage, Timestamp};

use crate::SqliteStore;
use crate::fresh::{Answer, LARGEST_PAGE, Question, Subject};
use crate::lists::{at, read_page};
use std::sync::Arc;
use stream_domain::catalog::CatalogQuery;

#[async_trait]
impl CatalogStore for SqliteStore {
    async fn list(&self, query: &CatalogQuery, now: Timestamp) -> Result<Arc<StreamPage>, StoreError> {
        let query = *query;
        if query.page.limit.is_some_and(|limit| limit.get() <= LARGEST_PAGE) {
            let question = Question { subject: Subject::Page(query), now: Some(now) };
            return match self.ask(question).await? {
                Answer::Page(page) => Ok(page),
                Answer::Stream(_) => Err(StoreError::failed("a stream was read in a page's place")),
            };
        }
        self.read(move |connection| Ok(Arc::new(read_page(connection, at(query.filter, now), &query.page)?)))
            .await
    }
}
