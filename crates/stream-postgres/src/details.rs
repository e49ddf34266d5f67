//! Details: what owners say of their streams, and what new ones begin with.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamp as Instant};
use diesel_async::{AsyncConnection as _, AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use stream_domain::details::StoredDetails;
use stream_domain::ports::{DescribeStreamError, DetailsStore, StoreError};
use stream_domain::{Details, Stream, StreamId, Timestamp, UserId};
use time::PrimitiveDateTime;

use crate::details_row::{read, stored_terms};
use crate::error;
use crate::events::tell_updated;
use crate::row::{StreamRow, streams};
use crate::schema::channels;
use crate::store::PostgresStore;

/// Writes the row of stream $1, and its terms anew.
const WRITE: &str = include_str!("details/write.sql");

#[async_trait]
impl DetailsStore for PostgresStore {
    async fn details_of(&self, stream: StreamId) -> Result<Details, StoreError> {
        self.coalesced.details_of(stream).await
    }

    async fn own_details(&self, user: UserId, stream: StreamId) -> Result<Option<Details>, StoreError> {
        self.on(&self.reads, move |connection| {
            async move {
                let own = streams::table.find(stream.0).filter(streams::user_id.eq(user.get()));
                let own: Option<i32> =
                    own.select(streams::id).first(connection).await.optional().map_err(error::query)?;
                if own.is_none() {
                    return Ok(None);
                }
                let mut found = read(connection, &[stream.0]).await?;
                Ok(Some(found.remove(&stream).unwrap_or_default()))
            }
            .boxed()
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
        self.on(&self.writes, move |connection| {
            async move {
                connection
                    .transaction(async |connection| {
                        // Locked, so that a stop at the same moment comes before or after, and takes the terms along.
                        let own = streams::table.find(stream.0).filter(streams::user_id.eq(user.get()));
                        let row: Option<StreamRow> = own
                            .select(StreamRow::as_select())
                            .for_no_key_update()
                            .first(connection)
                            .await
                            .optional()?;
                        let Some(row) = row else {
                            return Ok(Err(DescribeStreamError::NoSuchStream));
                        };
                        match Stream::try_from(row) {
                            Err(corrupt) => return Ok(Err(corrupt.into())),
                            Ok(own) if own.publishable_at(now).is_err() => {
                                return Ok(Err(DescribeStreamError::Ended));
                            }
                            Ok(_) => {}
                        }
                        let said = match read(connection, &[stream.0]).await {
                            Ok(mut found) => found.remove(&stream).unwrap_or_default(),
                            Err(error) => return Ok(Err(error.into())),
                        };
                        if said != details {
                            write(connection, stream, &details).await?;
                            tell_updated(connection, stream).await?;
                        }
                        Ok(Ok(()))
                    })
                    .await
                    .map_err(error::query)?
            }
            .boxed()
        })
        .await
    }

    async fn channel(&self, user: UserId) -> Result<Details, StoreError> {
        self.on(&self.reads, move |connection| {
            async move {
                let row: Option<ChannelRow> = channels::table
                    .find(user.get())
                    .select(ChannelRow::as_select())
                    .first(connection)
                    .await
                    .optional()
                    .map_err(error::query)?;
                Ok(row.map(|row| StoredDetails::from(row).into()).unwrap_or_default())
            }
            .boxed()
        })
        .await
    }

    async fn set_channel(&self, user: UserId, details: &Details, now: Timestamp) -> Result<(), StoreError> {
        let row = ChannelRow::new(user, details, now);
        self.on(&self.writes, move |connection| {
            async move {
                let write = diesel::insert_into(channels::table).values(&row);
                let write = write.on_conflict(channels::user_id).do_update().set(&row);
                write.execute(connection).await.map(drop).map_err(error::query)
            }
            .boxed()
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
        self.on(&self.reads, move |connection| {
            async move {
                let counts = sql_query(
                    "SELECT category, count(*) AS live FROM publish_sessions p
                     JOIN stream_details d ON d.stream_id = p.stream_id
                     JOIN streams s ON s.id = p.stream_id
                     WHERE p.ended_at IS NULL AND p.confirmed_at IS NOT NULL AND p.lease_until > $1
                         AND d.category IS NOT NULL AND d.visibility = 'public'
                         AND s.status = 'active' AND s.expires_at > $1
                     GROUP BY category ORDER BY category",
                );
                let counts = counts.bind::<Instant, _>(now.to_naive_utc());
                let counts: Vec<Count> = counts.load(connection).await.map_err(error::query)?;
                Ok(counts.into_iter().map(|row| (row.category, row.live.unsigned_abs())).collect())
            }
            .boxed()
        })
        .await
    }
}

/// A row of `channels`; what is empty is written as `NULL`.
#[derive(Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = channels, treat_none_as_null = true)]
struct ChannelRow {
    user_id: i32,
    title: Option<String>,
    description: Option<String>,
    tags: String,
    category: Option<String>,
    language: Option<String>,
    content_labels: String,
    visibility: String,
    terms: String,
    updated_at: PrimitiveDateTime,
}

impl From<ChannelRow> for StoredDetails {
    fn from(row: ChannelRow) -> Self {
        let ChannelRow { title, description, tags, category, language, content_labels, visibility, .. } = row;
        Self { title, description, tags, category, language, content_labels, visibility }
    }
}

impl ChannelRow {
    fn new(user: UserId, details: &Details, now: Timestamp) -> Self {
        let StoredDetails { title, description, tags, category, language, content_labels, visibility } =
            details.into();
        Self {
            user_id: user.get(),
            title,
            description,
            tags,
            category,
            language,
            content_labels,
            visibility,
            terms: stored_terms(details),
            updated_at: now.to_naive_utc(),
        }
    }
}

/// Writes the details of an active stream, and what it is found by; in a transaction.
pub(crate) async fn write(
    connection: &mut AsyncPgConnection,
    stream: StreamId,
    details: &Details,
) -> QueryResult<()> {
    let row = StoredDetails::from(details);
    sql_query("DELETE FROM stream_terms WHERE stream_id = $1")
        .bind::<Integer, _>(stream.0)
        .execute(connection)
        .await?;
    let terms: Vec<String> = details.terms().into_iter().collect();
    let write = sql_query(WRITE)
        .bind::<Integer, _>(stream.0)
        .bind::<Nullable<Text>, _>(row.title)
        .bind::<Nullable<Text>, _>(row.description)
        .bind::<Text, _>(row.tags)
        .bind::<Nullable<Text>, _>(row.category)
        .bind::<Nullable<Text>, _>(row.language)
        .bind::<Text, _>(row.content_labels)
        .bind::<Text, _>(row.visibility)
        .bind::<Array<Text>, _>(terms);
    write.execute(connection).await.map(drop)
}
