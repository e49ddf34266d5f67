//! Details: what owners say of their streams, and what new ones begin with.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamp as Instant};
use diesel::{Insertable, Queryable, Selectable, sql_query};
use stream_domain::details::StoredDetails;
use stream_domain::ports::{DescribeStreamError, DetailsStore, StoreError};
use stream_domain::{Details, Stream, StreamId, Timestamp, UserId};

use crate::details_row::{DetailsRow, converts, read, stored_terms};
use crate::error;
use crate::events::tell_updated;
use crate::row::{StreamRow, streams};
use crate::schema::{channels, stream_details};
use crate::store::SqliteStore;

#[async_trait]
impl DetailsStore for SqliteStore {
    async fn details_of(&self, stream: StreamId) -> Result<Details, StoreError> {
        self.coalesced.details_of(stream).await
    }

    async fn own_details(&self, user: UserId, stream: StreamId) -> Result<Option<Details>, StoreError> {
        self.read(move |connection| {
            let own = streams::table.find(stream.0).filter(streams::user_id.eq(user.get()));
            let own: Option<i32> =
                own.select(streams::id).first(connection).optional().map_err(error::query)?;
            if own.is_none() {
                return Ok(None);
            }
            Ok(Some(read(connection, &[stream.0])?.remove(&stream).unwrap_or_default()))
        })
        .await
    }

    async fn describe(
        &self,
        user: UserId,
        stream: StreamId,
        details: &Details,
        now: Timestamp,
    ) -> Result<(), DescribeStreamError> {
        let details = details.clone();
        self.write(move |connection| {
            let own = streams::table.find(stream.0).filter(streams::user_id.eq(user.get()));
            let row: Option<StreamRow> =
                own.select(StreamRow::as_select()).first(connection).optional().map_err(error::query)?;
            let own = Stream::try_from(row.ok_or(DescribeStreamError::NoSuchStream)?)?;
            own.publishable_at(now).map_err(|_| DescribeStreamError::Ended)?;
            if read(connection, &[stream.0])?.remove(&stream).unwrap_or_default() == details {
                return Ok(());
            }
            write(connection, stream, &details)?;
            Ok(tell_updated(connection, stream)?)
        })
        .await
    }

    async fn channel(&self, user: UserId) -> Result<Details, StoreError> {
        self.read(move |connection| {
            let row: Option<ChannelRow> = channels::table
                .find(user.get())
                .select(ChannelRow::as_select())
                .first(connection)
                .optional()
                .map_err(error::query)?;
            Ok(row.map(|row| StoredDetails::from(row.details).into()).unwrap_or_default())
        })
        .await
    }

    async fn set_channel(&self, user: UserId, details: &Details, now: Timestamp) -> Result<(), StoreError> {
        let details = details.clone();
        self.write(move |connection| {
            let row = ChannelRow {
                user_id: user.get(),
                details: StoredDetails::from(&details).into(),
                terms: stored_terms(&details),
                updated_at: now.to_naive_utc(),
            };
            let written = diesel::replace_into(channels::table).values(row).execute(connection);
            written.map(drop).map_err(error::query)
        })
        .await
    }

    async fn count_live(&self, now: Timestamp) -> Result<Vec<(String, u64)>, StoreError> {
        #[derive(QueryableByName)]
        struct Count {
            #[diesel(sql_type = Text)]
            category: String,
            #[diesel(sql_type = BigInt)]
            live: i64,
        }
        self.read(move |connection| {
            let counts = sql_query(
                "SELECT category, count(*) AS live FROM publish_sessions AS p
                 CROSS JOIN stream_details AS d ON d.stream_id = p.stream_id
                 CROSS JOIN streams AS s ON s.id = p.stream_id
                 WHERE p.ended_at IS NULL AND p.confirmed_at IS NOT NULL AND p.lease_until > ?1
                     AND d.category IS NOT NULL AND d.visibility = 'public'
                     AND s.status = 'active' AND s.expires_at > ?1
                 GROUP BY category ORDER BY category",
            );
            let counts: Vec<Count> =
                counts.bind::<Instant, _>(now.to_naive_utc()).load(connection).map_err(error::query)?;
            Ok(counts.into_iter().map(|row| (row.category, row.live.unsigned_abs())).collect())
        })
        .await
    }
}

/// The same of a channel.
#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = channels)]
struct ChannelDetails {
    title: Option<String>,
    description: Option<String>,
    tags: String,
    category: Option<String>,
    language: Option<String>,
    content_labels: String,
    visibility: String,
}

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = channels)]
struct ChannelRow {
    user_id: i32,
    #[diesel(embed)]
    details: ChannelDetails,
    terms: String,
    updated_at: time::PrimitiveDateTime,
}

converts!(ChannelDetails);

/// Writes the details of an active stream, and what it is found by.
pub(crate) fn write(
    connection: &mut SqliteConnection,
    stream: StreamId,
    details: &Details,
) -> Result<(), StoreError> {
    let row = DetailsRow::from(StoredDetails::from(details));
    let write =
        diesel::replace_into(stream_details::table).values((stream_details::stream_id.eq(stream.0), row));
    write.execute(connection).map_err(error::query)?;
    let id = i64::from(stream.0);
    let forget = sql_query("DELETE FROM stream_terms WHERE stream_id = ?1").bind::<BigInt, _>(id);
    forget.execute(connection).map_err(error::query)?;
    let add = sql_query(
        "INSERT INTO stream_terms (stream_id, term, created_at)
         SELECT streams.id, value, created_at FROM streams, json_each(?2) WHERE streams.id = ?1",
    );
    let add = add.bind::<BigInt, _>(id).bind::<Text, _>(stored_terms(details));
    add.execute(connection).map(drop).map_err(error::query)
}
