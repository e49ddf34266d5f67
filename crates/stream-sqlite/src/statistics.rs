//! Statistics: what operators count.

use async_trait::async_trait;
use diesel::dsl::count_star;
use diesel::prelude::*;
use stream_domain::catalog::CatalogQuery;
use stream_domain::ports::{Counts, EndedSession, Statistics, StoreError, StoreUsage};
use stream_domain::{PageRequest, Timestamp};
use time::PrimitiveDateTime;

use crate::error;
use crate::lists::at;
use crate::objects;
use crate::schema::publish_sessions as sessions;
use crate::store::SqliteStore;

#[async_trait]
impl Statistics for SqliteStore {
    async fn count(&self, now: Timestamp) -> Result<Counts, StoreError> {
        self.read(move |connection| {
            let mut count = |query| {
                let all = CatalogQuery { with_unlisted: true, ..query };
                at(&all, now).count().get_result(connection).map_err(error::query)
            };
            let whole = PageRequest::default();
            let (active, live) = (count(CatalogQuery::active(whole))?, count(CatalogQuery::live(whole))?);
            let open: Vec<(String, i64)> = sessions::table
                .filter(sessions::ended_at.is_null())
                .group_by(sessions::server)
                .select((sessions::server, count_star()))
                .load(connection)
                .map_err(error::query)?;
            let missing_objects = objects::missing(connection).map_err(StoreError::failed)?.len() as u64;
            Ok(Counts { missing_objects, ..Counts::read(active, live, open) })
        })
        .await
    }

    async fn list_ended(&self, after: Timestamp) -> Result<Vec<EndedSession>, StoreError> {
        self.read(move |connection| {
            let rows: Vec<(i64, Option<PrimitiveDateTime>, Option<String>)> = sessions::table
                .filter(sessions::ended_at.gt(after.to_naive_utc()))
                .select((sessions::id, sessions::ended_at, sessions::end_reason))
                .load(connection)
                .map_err(error::query)?;
            Ok(rows.into_iter().filter_map(ended_of).collect())
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
