//! Statistics: what operators count.

use async_trait::async_trait;
use diesel::dsl::count_star;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::FutureExt as _;
use stream_domain::catalog::CatalogQuery;
use stream_domain::ports::{Counts, EndedSession, Statistics, StoreError, StoreUsage};
use stream_domain::{PageRequest, Timestamp};
use time::PrimitiveDateTime;

use crate::error;
use crate::lists::List;
use crate::objects;
use crate::schema::publish_sessions as sessions;
use crate::store::PostgresStore;

#[async_trait]
impl Statistics for PostgresStore {
    async fn count(&self, now: Timestamp) -> Result<Counts, StoreError> {
        self.on(&self.reads, move |connection| {
            async move {
                let all = |query| CatalogQuery { with_unlisted: true, ..query };
                let active = all(CatalogQuery::active(PageRequest::default()));
                let active = List::at(&active, now).unordered().count();
                let active: i64 = active.get_result(connection).await.map_err(error::query)?;
                let live = all(CatalogQuery::live(PageRequest::default()));
                let live = List::at(&live, now).unordered().count();
                let live: i64 = live.get_result(connection).await.map_err(error::query)?;
                let open: Vec<(String, i64)> = sessions::table
                    .filter(sessions::ended_at.is_null())
                    .group_by(sessions::server)
                    .select((sessions::server, count_star()))
                    .load(connection)
                    .await
                    .map_err(error::query)?;
                let missing_objects = objects::missing(connection).await?.len() as u64;
                Ok(Counts { missing_objects, ..Counts::read(active, live, open) })
            }
            .boxed()
        })
        .await
    }

    async fn list_ended(&self, after: Timestamp) -> Result<Vec<EndedSession>, StoreError> {
        self.on(&self.reads, move |connection| {
            async move {
                let rows: Vec<(i64, Option<PrimitiveDateTime>, Option<String>)> = sessions::table
                    .filter(sessions::ended_at.gt(after.to_naive_utc()))
                    .select((sessions::id, sessions::ended_at, sessions::end_reason))
                    .load(connection)
                    .await
                    .map_err(error::query)?;
                Ok(rows.into_iter().filter_map(ended_of).collect())
            }
            .boxed()
        })
        .await
    }

    fn usage(&self) -> StoreUsage {
        StoreUsage {
            pools: self.pools(),
            shared_reads: self.coalesced.usage(),
            errors: error::TALLY.numbers(),
        }
    }
}

/// A row of [`Statistics::list_ended`], if it can be read.
fn ended_of((id, at, reason): (i64, Option<PrimitiveDateTime>, Option<String>)) -> Option<EndedSession> {
    EndedSession::read(id, Timestamp::from_utc(at?), &reason?)
}
