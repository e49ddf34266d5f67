//! Keys: streams begin, end, and are found by what they are called.

use async_trait::async_trait;
use diesel::dsl::max;
use diesel::prelude::*;
use diesel::result::Error;
use diesel::{sql_query, sql_types};
use diesel_async::{AsyncConnection as _, AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use stream_domain::pace::Recent;
use stream_domain::ports::{KeyLookup, KeyStore, StartError, StoreError, UserStreamsError};
use stream_domain::{
    NewStream, PageRequest, PlaybackId, Stream, StreamKey, StreamPage, StreamStatus, Timestamp, UserId,
};

use crate::blocks::block_of;
use crate::coalesced_reads::Lookup;
use crate::details;
use crate::error::{self, BrokenRule};
use crate::lists::{List, read_page};
use crate::row::{self, StreamRow, streams};
use crate::schedules;
use crate::schema::ActiveLiteral;
use crate::store::PostgresStore;
use crate::users::require_user_exists;

/// How often a start is tried again when the stream in its way ends at that very moment.
const ATTEMPTS: usize = 5;

#[async_trait]
impl KeyStore for PostgresStore {
    async fn start(&self, new: &NewStream) -> Result<Stream, StartError> {
        let new = new.clone();
        self.on(&self.writes, move |connection| {
            async move {
                for _ in 0..ATTEMPTS {
                    if let Some(stream) = insert_described(connection, &new).await? {
                        return Ok(stream);
                    }
                    if let Some(stream) = active_stream(connection, &new).await? {
                        return Err(StartError::AlreadyActive(Box::new(stream)));
                    }
                    if let Some(block) = block_of(connection, new.user_id).await? {
                        return Err(StartError::Blocked(Box::new(block)));
                    }
                    new.pace.check(recent(connection, &new).await?, new.created_at)?;
                }
                Err(StoreError::unavailable("the user's active stream kept changing").into())
            }
            .boxed()
        })
        .await
    }

    async fn stop_active(&self, user: UserId, now: Timestamp) -> Result<Option<Stream>, UserStreamsError> {
        let has_users = self.has_users_foreign_key();
        self.on(&self.writes, move |connection| {
            async move {
                let stopped = row::stop(user, now).load(connection).await;
                match stopped.map_err(error::query)?.into_iter().next() {
                    Some(row) => Ok(Some(row.try_into()?)),
                    None => require_user_exists(connection, user, has_users).await.map(|()| None),
                }
            }
            .boxed()
        })
        .await
    }

    async fn list_by_user(&self, user: UserId, page: &PageRequest) -> Result<StreamPage, UserStreamsError> {
        let (page, has_users) = (*page, self.has_users_foreign_key());
        self.on(&self.reads, move |connection| {
            async move {
                let found = read_page(connection, List::of(user), &page).await?;
                if found.streams.is_empty() {
                    require_user_exists(connection, user, has_users).await?;
                }
                Ok(found)
            }
            .boxed()
        })
        .await
    }

    async fn expire_overdue(&self, now: Timestamp, limit: u32) -> Result<u32, StoreError> {
        self.on(&self.writes, move |connection| {
            async move {
                // One statement; rows that another instance is marking are passed over.
                let sweep = sql_query(
                    "WITH overdue AS MATERIALIZED (
                     SELECT id FROM streams WHERE status = 'active' AND expires_at <= $1
                     ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
                 UPDATE streams SET status = 'expired', updated_at = $1
                 FROM overdue WHERE streams.id = overdue.id",
                );
                let sweep = sweep.bind::<sql_types::Timestamp, _>(now.to_naive_utc());
                let sweep = sweep.bind::<sql_types::BigInt, _>(i64::from(limit));
                let marked = sweep.execute(connection).await.map_err(error::query)?;
                Ok(u32::try_from(marked).unwrap_or(u32::MAX))
            }
            .boxed()
        })
        .await
    }
}

#[async_trait]
impl KeyLookup for PostgresStore {
    async fn find_by_key(&self, key: &StreamKey) -> Result<Option<Stream>, StoreError> {
        self.coalesced.look_up(Lookup::Key(key.clone())).await
    }

    async fn find_by_playback_id(&self, id: &PlaybackId) -> Result<Option<Stream>, StoreError> {
        self.coalesced.look_up(Lookup::PlaybackId(id.clone())).await
    }
}

/// Inserts the stream; `None` if the index `streams_one_active_per_user` has one of its user, or the user is blocked, or the
/// pace forbids it.
///
/// The trigger `streams_make_room` moves a stale one out of the way.
/// A block that comes between the statement's look and its insert leaves a stream behind that was stopped from its beginning
/// (`streams_heed_blocks`), and whose key nobody was told.
async fn insert(connection: &mut AsyncPgConnection, new: &NewStream) -> Result<Option<Stream>, StartError> {
    let inserted = row::start(new).load(connection).await;
    match inserted {
        Ok(rows) => {
            let stream = rows.into_iter().next().map(Stream::try_from).transpose()?;
            Ok(stream.filter(|stream| stream.status == StreamStatus::Active))
        }
        Err(failure) => Err(match error::broken_rule(&failure) {
            Some(BrokenRule::KeyIsUnique) => StartError::KeyTaken,
            Some(BrokenRule::UserExists) => StartError::UnknownUser,
            None => error::query(failure).into(),
        }),
    }
}

/// The same, with what is said of the stream and the schedule that it names, if anything is, in one transaction.
async fn insert_described(
    connection: &mut AsyncPgConnection,
    new: &NewStream,
) -> Result<Option<Stream>, StartError> {
    if new.details.is_none() && new.schedule.is_none() {
        return insert(connection, new).await;
    }
    let mut refusal = None;
    let stream = connection
        .transaction(async |connection| {
            let stream = match insert(connection, new).await {
                Ok(stream) => stream,
                Err(error) => {
                    refusal = Some(error);
                    return Err(Error::RollbackTransaction);
                }
            };
            if let Some((stream, said)) = stream.as_ref().zip(new.details.as_ref()) {
                details::write(connection, stream.id, said).await?;
            }
            if let Some((stream, schedule)) = stream.as_ref().zip(new.schedule) {
                schedules::take(connection, stream.id, schedule).await?;
            }
            Ok(stream)
        })
        .await;
    stream.map_err(|failure| refusal.unwrap_or_else(|| error::query(failure).into()))
}

/// What the user did lately, as far as the pace asks.
async fn recent(connection: &mut AsyncPgConnection, new: &NewStream) -> Result<Recent, StoreError> {
    let NewStream { pace, created_at: now, user_id, .. } = *new;
    let own = streams::table.filter(streams::user_id.eq(user_id.get()));
    let mut recent = Recent::default();
    if let Some(keys) = pace.per_minute {
        let counted = own.filter(streams::created_at.gt(pace.counted_since(now).to_naive_utc()));
        let limiting = counted.order(streams::created_at.desc()).offset(i64::from(keys.get()) - 1);
        let limiting = limiting.select(streams::created_at).first::<Option<_>>(connection).await;
        recent.limiting_key = limiting.optional().map_err(error::query)?.flatten().map(Timestamp::from_utc);
    }
    let stopped = own.filter(streams::status.eq(StreamStatus::Stopped.as_str()));
    let stopped = stopped.filter(streams::updated_at.gt(pace.cooling_since(now).to_naive_utc()));
    let last = stopped.select(max(streams::updated_at)).first::<Option<_>>(connection).await;
    recent.last_stop = last.map_err(error::query)?.map(Timestamp::from_utc);
    Ok(recent)
}

async fn active_stream(
    connection: &mut AsyncPgConnection,
    new: &NewStream,
) -> Result<Option<Stream>, StoreError> {
    let row: Option<StreamRow> = streams::table
        .filter(streams::user_id.eq(new.user_id.get()))
        .filter(streams::status.eq(ActiveLiteral))
        .filter(streams::expires_at.gt(new.created_at.to_naive_utc()))
        .select(StreamRow::as_select())
        .first(connection)
        .await
        .optional()
        .map_err(error::query)?;
    row.map(Stream::try_from).transpose()
}
