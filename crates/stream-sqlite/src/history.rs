//! History: sessions and refused attempts, for their owner.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Timestamp as Instant};
use stream_domain::broadcasts::admission::Attempt;
use stream_domain::ports::{History, StoreError};
use stream_domain::{Session, StreamId, Timestamp, UserId};

use crate::error;
use crate::row::streams;
use crate::schema::{publish_attempts, publish_sessions as sessions};
use crate::session_row::{AttemptRow, SessionRow};
use crate::sessions::count;
use crate::store::SqliteStore;

#[async_trait]
impl History for SqliteStore {
    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        self.write(move |connection| {
            let before = before.to_naive_utc();
            let sessions = sql_query(
                "DELETE FROM publish_sessions WHERE id IN (
                     SELECT id FROM publish_sessions WHERE ended_at < ?1 LIMIT ?2)",
            );
            let sessions = sessions.bind::<Instant, _>(before).bind::<BigInt, _>(i64::from(limit));
            let sessions = count(sessions.execute(connection))?;
            let attempts = sql_query(
                "DELETE FROM publish_attempts WHERE rowid IN (
                     SELECT rowid FROM publish_attempts WHERE last_at < ?1 LIMIT ?2)",
            );
            let left = i64::from(limit.saturating_sub(sessions));
            let attempts = attempts.bind::<Instant, _>(before).bind::<BigInt, _>(left);
            let attempts = count(attempts.execute(connection))?;
            let boots = sql_query("DELETE FROM media_server_boots WHERE last_seen_at < ?1");
            boots.bind::<Instant, _>(before).execute(connection).map_err(error::query)?;
            Ok(sessions + attempts)
        })
        .await
    }

    async fn list_sessions(
        &self,
        user: UserId,
        stream: StreamId,
        limit: u32,
    ) -> Result<Option<Vec<Session>>, StoreError> {
        self.read(move |connection| {
            // One statement, so that both are of one moment; a stream without sessions has a row without one.
            let rows: Vec<Option<SessionRow>> = streams::table
                .left_join(sessions::table.on(sessions::stream_id.eq(streams::id)))
                .filter(streams::id.eq(stream.0))
                .filter(streams::user_id.eq(user.get()))
                .order(sessions::id.desc())
                .limit(limit.into())
                .select(Option::<SessionRow>::as_select())
                .load(connection)
                .map_err(error::query)?;
            if rows.is_empty() {
                return Ok(None);
            }
            rows.into_iter().flatten().map(Session::try_from).collect::<Result<_, _>>().map(Some)
        })
        .await
    }

    async fn list_attempts(&self, user: UserId, limit: u32) -> Result<Vec<Attempt>, StoreError> {
        self.read(move |connection| {
            let own = streams::table.filter(streams::user_id.eq(user.get())).select(streams::id);
            let rows: Vec<AttemptRow> = publish_attempts::table
                .filter(publish_attempts::stream_id.eq_any(own))
                .order(publish_attempts::last_at.desc())
                .limit(limit.into())
                .select(AttemptRow::as_select())
                .load(connection)
                .map_err(error::query)?;
            rows.into_iter().map(Attempt::try_from).collect()
        })
        .await
    }
}
