//! What operators see and do, over all users.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as Instant};
use stream_domain::broadcasts::session::EndReason;
use stream_domain::ports::{Operations, ServerActivity, SessionFilter, StoreError};
use stream_domain::{ServerName, Session, SessionId, Stream, StreamId, StreamStatus, Timestamp};
use time::PrimitiveDateTime;

use crate::error;
use crate::row::{StreamRow, streams};
use crate::schema::{ActiveLiteral, publish_sessions as sessions};
use crate::session_row::SessionRow;
use crate::store::SqliteStore;

/// What was heard of a server, in the columns of `list_server_activity`.
#[derive(QueryableByName)]
struct ActivityRow {
    #[diesel(sql_type = Text)]
    server: String,
    #[diesel(sql_type = BigInt)]
    open_sessions: i64,
    #[diesel(sql_type = Nullable<Instant>)]
    last_session_at: Option<PrimitiveDateTime>,
    #[diesel(sql_type = Nullable<Instant>)]
    last_refusal_at: Option<PrimitiveDateTime>,
    #[diesel(sql_type = Nullable<Instant>)]
    last_heartbeat_at: Option<PrimitiveDateTime>,
}

const ACTIVITY: &str = "
    SELECT server, sum(open) AS open_sessions, max(session_at) AS last_session_at,
        max(refusal_at) AS last_refusal_at, max(heartbeat_at) AS last_heartbeat_at
    FROM (
        SELECT server, count(*) - count(ended_at) AS open, max(started_at) AS session_at, NULL AS refusal_at,
            NULL AS heartbeat_at
        FROM publish_sessions GROUP BY server
        UNION ALL SELECT server, 0, NULL, max(last_at), NULL FROM publish_attempts GROUP BY server
        UNION ALL SELECT server, 0, NULL, NULL, max(last_seen_at) FROM media_server_boots GROUP BY server
    ) AS heard GROUP BY server ORDER BY server";

#[async_trait]
impl Operations for SqliteStore {
    async fn find_stream(&self, id: StreamId) -> Result<Option<Stream>, StoreError> {
        self.read(move |connection| {
            let found = streams::table.find(id.0).select(StreamRow::as_select());
            let row: Option<StreamRow> = found.first(connection).optional().map_err(error::query)?;
            row.map(Stream::try_from).transpose()
        })
        .await
    }

    async fn list_sessions_of_all(
        &self,
        filter: &SessionFilter,
        limit: u32,
    ) -> Result<Vec<Session>, StoreError> {
        let filter = filter.clone();
        self.read(move |connection| {
            let mut meant = sessions::table.select(SessionRow::as_select()).into_boxed();
            if let Some(server) = &filter.server {
                meant = meant.filter(sessions::server.eq(server.as_str()));
            }
            if let Some(id) = filter.session {
                meant = meant.filter(sessions::id.eq(id.0));
            }
            if let Some(streams) = filter.streams {
                let numbers: Vec<i32> = streams.iter().map(|stream| stream.0).collect();
                meant = meant.filter(sessions::stream_id.eq_any(numbers));
            }
            if filter.is_open {
                meant = meant.filter(sessions::ended_at.is_null());
            }
            let meant = meant.order(sessions::id.desc()).limit(limit.into());
            let rows: Vec<SessionRow> = meant.load(connection).map_err(error::query)?;
            Ok(readable(rows))
        })
        .await
    }

    async fn order_kick(&self, session: SessionId) -> Result<Option<Session>, StoreError> {
        self.write(move |connection| {
            let order = sql_query(
                "UPDATE publish_sessions SET cut_because = COALESCE(cut_because, ?1)
                 WHERE id = ?2 AND ended_at IS NULL",
            );
            let order = order.bind::<Text, _>(EndReason::Kicked.as_str()).bind::<BigInt, _>(session.0);
            if order.execute(connection).map_err(error::query)? == 0 {
                return Ok(None);
            }
            let row = sessions::table.find(session.0).select(SessionRow::as_select());
            let row: SessionRow = row.first(connection).map_err(error::query)?;
            Session::try_from(row).map(Some)
        })
        .await
    }

    async fn stop_stream(&self, id: StreamId, now: Timestamp) -> Result<Option<Stream>, StoreError> {
        self.write(move |connection| {
            let now = now.to_naive_utc();
            let active = streams::table.find(id.0).filter(streams::status.eq(ActiveLiteral));
            let stopped: Option<StreamRow> = diesel::update(active.filter(streams::expires_at.gt(now)))
                .set((streams::status.eq(StreamStatus::Stopped.as_str()), streams::updated_at.eq(now)))
                .returning(StreamRow::as_returning())
                .get_result(connection)
                .optional()
                .map_err(error::query)?;
            stopped.map(Stream::try_from).transpose()
        })
        .await
    }

    async fn list_server_activity(&self) -> Result<Vec<ServerActivity>, StoreError> {
        self.read(|connection| {
            let rows: Vec<ActivityRow> = sql_query(ACTIVITY).load(connection).map_err(error::query)?;
            // Names are checked before they are written down.
            Ok(rows.into_iter().filter_map(|row| row.activity()).collect())
        })
        .await
    }
}

impl ActivityRow {
    fn activity(self) -> Option<ServerActivity> {
        Some(ServerActivity {
            server: ServerName::parse(&self.server).ok()?,
            open_sessions: u32::try_from(self.open_sessions).unwrap_or(u32::MAX),
            last_session_at: self.last_session_at.map(Timestamp::from_utc),
            last_refusal_at: self.last_refusal_at.map(Timestamp::from_utc),
            last_heartbeat_at: self.last_heartbeat_at.map(Timestamp::from_utc),
        })
    }
}

/// The sessions of these rows; one that cannot be read is logged.
fn readable(rows: Vec<SessionRow>) -> Vec<Session> {
    let read =
        |row| Session::try_from(row).inspect_err(|error| tracing::error!(%error, "left out of a list")).ok();
    rows.into_iter().filter_map(read).collect()
}
