//! History: sessions and refused attempts, for their owner.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use futures_util::FutureExt as _;
use stream_domain::broadcasts::admission::Attempt;
use stream_domain::ports::{History, StoreError};
use stream_domain::{Session, StreamId, Timestamp, UserId};

use crate::error;
use crate::row::streams;
use crate::schema::{publish_attempts, publish_sessions};
use crate::session_row::{AttemptRow, SessionRow};
use crate::statement::{Parameter, Statement};
use crate::store::PostgresStore;

#[async_trait]
impl History for PostgresStore {
    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let parameters = vec![before.into(), Parameter::Number(Some(limit.into()))];
        let text = "WITH sessions AS (
                DELETE FROM publish_sessions WHERE id IN (
                    SELECT id FROM publish_sessions WHERE ended_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
                RETURNING 1),
            attempts AS (
                DELETE FROM publish_attempts WHERE ctid IN (
                    SELECT ctid FROM publish_attempts WHERE last_at < $1
                    LIMIT $2 - (SELECT count(*) FROM sessions) FOR UPDATE SKIP LOCKED) RETURNING 1),
            boots AS (
                DELETE FROM media_server_boots WHERE ctid IN (
                    SELECT ctid FROM media_server_boots WHERE last_seen_at < $1 FOR UPDATE SKIP LOCKED))
            SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM attempts)";
        let gone: i64 = self.select_one(Statement::<BigInt>::new(text, parameters)).await?;
        Ok(u32::try_from(gone).unwrap_or(u32::MAX))
    }

    async fn list_sessions(
        &self,
        user: UserId,
        stream: StreamId,
        limit: u32,
    ) -> Result<Option<Vec<Session>>, StoreError> {
        self.on(&self.reads, move |connection| {
            async move {
                // One statement, so that both are of one moment; a stream without sessions has a row without one.
                let rows: Vec<Option<SessionRow>> = streams::table
                    .left_join(publish_sessions::table.on(publish_sessions::stream_id.eq(streams::id)))
                    .filter(streams::id.eq(stream.0))
                    .filter(streams::user_id.eq(user.get()))
                    .order(publish_sessions::id.desc())
                    .limit(limit.into())
                    .select(Option::<SessionRow>::as_select())
                    .load(connection)
                    .await
                    .map_err(error::query)?;
                if rows.is_empty() {
                    return Ok(None);
                }
                rows.into_iter().flatten().map(Session::try_from).collect::<Result<_, _>>().map(Some)
            }
            .boxed()
        })
        .await
    }

    async fn list_attempts(&self, user: UserId, limit: u32) -> Result<Vec<Attempt>, StoreError> {
        self.on(&self.reads, move |connection| {
            async move {
                let own = streams::table.filter(streams::user_id.eq(user.get())).select(streams::id);
                let rows: Vec<AttemptRow> = publish_attempts::table
                    .filter(publish_attempts::stream_id.eq_any(own))
                    .order(publish_attempts::last_at.desc())
                    .limit(limit.into())
                    .select(AttemptRow::as_select())
                    .load(connection)
                    .await
                    .map_err(error::query)?;
                rows.into_iter().map(Attempt::try_from).collect()
            }
            .boxed()
        })
        .await
    }
}
