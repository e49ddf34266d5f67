//! Keys: streams begin, end, and are found by what they are called.

use async_trait::async_trait;
use diesel::dsl::max;
use diesel::prelude::*;
use diesel::{sql_query, sql_types};
use stream_domain::pace::Recent;
use stream_domain::ports::{KeyLookup, KeyStore, StartError, StoreError, UserStreamsError};
use stream_domain::{
    NewStream, PageRequest, PlaybackId, Stream, StreamKey, StreamPage, StreamStatus, Timestamp, UserId,
};

use crate::blocks::block_of;
use crate::coalesced_reads::Lookup;
use crate::details;
use crate::error::{self, BrokenRule};
use crate::lists::read_page;
use crate::row::{self, NewStreamRow, StreamRow, streams};
use crate::schedules;
use crate::schema::ActiveLiteral;
use crate::store::SqliteStore;

#[async_trait]
impl KeyStore for SqliteStore {
    async fn start(&self, new: &NewStream) -> Result<Stream, StartError> {
        let new = new.clone();
        self.write(move |connection| {
            if let Some(block) = block_of(connection, new.user_id)? {
                return Err(StartError::Blocked(Box::new(block)));
            }
            let too_soon = new.pace.check(recent(connection, &new)?, new.created_at);
            let started = match too_soon {
                Ok(()) => insert(connection, &new)?,
                Err(_) => None,
            };
            if let Some(stream) = started {
                return Ok(stream);
            }
            // This transaction is the only writer, so a stream in the way is still there.
            match active_stream(connection, &new)? {
                Some(active) => Err(StartError::AlreadyActive(Box::new(active))),
                None => Err(too_soon.err().map_or_else(
                    || StoreError::failed("a stream in the way is not there").into(),
                    StartError::from,
                )),
            }
        })
        .await
    }

    async fn stop_active(&self, user: UserId, now: Timestamp) -> Result<Option<Stream>, UserStreamsError> {
        self.write(move |connection| {
            let stopped = row::stop(connection, user, now).map_err(error::query)?;
            Ok(stopped.map(Stream::try_from).transpose()?)
        })
        .await
    }

    async fn list_by_user(&self, user: UserId, page: &PageRequest) -> Result<StreamPage, UserStreamsError> {
        let page = *page;
        self.read(move |connection| {
            let own = streams::table.filter(streams::user_id.eq(user.get())).into_boxed();
            Ok(read_page(connection, own, &page)?)
        })
        .await
    }

    async fn expire_overdue(&self, now: Timestamp, limit: u32) -> Result<u32, StoreError> {
        self.write(move |connection| {
            let sweep = sql_query(
                "UPDATE streams SET status = 'expired', updated_at = ?1 WHERE id IN (
                     SELECT id FROM streams WHERE status = 'active' AND expires_at <= ?1
                     ORDER BY expires_at LIMIT ?2)",
            );
            let sweep = sweep.bind::<sql_types::Timestamp, _>(now.to_naive_utc());
            let sweep = sweep.bind::<sql_types::BigInt, _>(i64::from(limit));
            let marked = sweep.execute(connection).map_err(error::query)?;
            Ok(u32::try_from(marked).unwrap_or(u32::MAX))
        })
        .await
    }
}

#[async_trait]
impl KeyLookup for SqliteStore {
    async fn find_by_key(&self, key: &StreamKey) -> Result<Option<Stream>, StoreError> {
        self.coalesced.look_up(Lookup::Key(key.clone())).await
    }

    async fn find_by_playback_id(&self, id: &PlaybackId) -> Result<Option<Stream>, StoreError> {
        self.coalesced.look_up(Lookup::PlaybackId(id.clone())).await
    }
}

/// Inserts the stream, unless the index `streams_one_active_per_user` has one of its user.
///
/// A stale one is moved out of the way by the trigger `streams_make_room`.
fn insert(connection: &mut SqliteConnection, new: &NewStream) -> Result<Option<Stream>, StartError> {
    let inserted: QueryResult<StreamRow> = diesel::insert_into(streams::table)
        .values(NewStreamRow::from(new))
        .returning(StreamRow::as_returning())
        .get_result(connection);
    match inserted {
        Ok(row) => {
            let stream = Stream::try_from(row)?;
            if let Some(said) = &new.details {
                details::write(connection, stream.id, said)?;
            }
            if let Some(schedule) = new.schedule {
                schedules::take(connection, stream.id, schedule)?;
            }
            Ok(Some(stream))
        }
        Err(failure) => match error::broken_rule(&failure) {
            Some(BrokenRule::OneActivePerUser) => Ok(None),
            Some(BrokenRule::KeyIsUnique) => Err(StartError::KeyTaken),
            None => Err(error::query(failure).into()),
        },
    }
}

/// What the user did lately, as far as the pace asks.
fn recent(connection: &mut SqliteConnection, new: &NewStream) -> Result<Recent, StoreError> {
    let NewStream { pace, created_at: now, user_id, .. } = *new;
    let own = streams::table.filter(streams::user_id.eq(user_id.get()));
    let mut recent = Recent::default();
    if let Some(keys) = pace.per_minute {
        let since = pace.counted_since(now).to_naive_utc();
        let counted = own.filter(streams::created_at.gt(since)).order(streams::created_at.desc());
        let limiting = counted.offset(i64::from(keys.get()) - 1).select(streams::created_at);
        let limiting = limiting.first(connection).optional().map_err(error::query)?;
        recent.limiting_key = limiting.map(Timestamp::from_utc);
    }
    if pace.cooldown.is_positive() {
        let since = pace.cooling_since(now).to_naive_utc();
        let stopped = own.filter(streams::status.eq(StreamStatus::Stopped.as_str()));
        let last = stopped.filter(streams::updated_at.gt(since)).select(max(streams::updated_at));
        let last: Option<_> = last.first(connection).map_err(error::query)?;
        recent.last_stop = last.map(Timestamp::from_utc);
    }
    Ok(recent)
}

fn active_stream(connection: &mut SqliteConnection, new: &NewStream) -> Result<Option<Stream>, StoreError> {
    let row: Option<StreamRow> = streams::table
        .filter(streams::user_id.eq(new.user_id.get()))
        .filter(streams::status.eq(ActiveLiteral))
        .filter(streams::expires_at.gt(new.created_at.to_naive_utc()))
        .select(StreamRow::as_select())
        .first(connection)
        .optional()
        .map_err(error::query)?;
    row.map(Stream::try_from).transpose()
}
