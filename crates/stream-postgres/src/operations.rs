//! What operators see and do, over all users.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp as Instant};
use diesel_async::RunQueryDsl;
use futures_util::FutureExt as _;
use stream_domain::broadcasts::session::EndReason;
use stream_domain::ports::{Operations, ServerActivity, SessionFilter, StoreError};
use stream_domain::{ServerName, Session, SessionId, Stream, StreamId, Timestamp};
use time::PrimitiveDateTime;

use crate::error;
use crate::row::{StreamRow, streams};
use crate::schema::publish_sessions as sessions;
use crate::session_row::SessionRow;
use crate::statement::{Parameter, Returning, Statement};
use crate::store::PostgresStore;

/// What was heard of a server, in the columns of `list_server_activity`.
type ActivityRow = (Text, BigInt, Nullable<Instant>, Nullable<Instant>, Nullable<Instant>);

/// The same in Rust.
type Activity =
    (String, i64, Option<PrimitiveDateTime>, Option<PrimitiveDateTime>, Option<PrimitiveDateTime>);

const ACTIVITY: &str = "
    SELECT server, sum(open)::bigint, max(session_at), max(refusal_at), max(heartbeat_at)
    FROM (
        SELECT server, count(*) - count(ended_at) AS open, max(started_at) AS session_at,
            NULL::timestamp AS refusal_at, NULL::timestamp AS heartbeat_at
        FROM publish_sessions GROUP BY server
        UNION ALL SELECT server, 0, NULL, max(last_at), NULL FROM publish_attempts GROUP BY server
        UNION ALL SELECT server, 0, NULL, NULL, max(last_seen_at) FROM media_server_boots GROUP BY server
    ) AS heard GROUP BY server ORDER BY server COLLATE \"C\"";

#[async_trait]
impl Operations for PostgresStore {
    async fn find_stream(&self, id: StreamId) -> Result<Option<Stream>, StoreError> {
        self.on(&self.reads, move |connection| {
            async move {
                let found = streams::table.find(id.0).select(StreamRow::as_select());
                let row: Option<StreamRow> =
                    found.first(connection).await.optional().map_err(error::query)?;
                row.map(Stream::try_from).transpose()
            }
            .boxed()
        })
        .await
    }

    async fn list_sessions_of_all(
        &self,
        filter: &SessionFilter,
        limit: u32,
    ) -> Result<Vec<Session>, StoreError> {
        let filter = filter.clone();
        self.on(&self.reads, move |connection| {
            async move {
                let mut meant = sessions::table.select(SessionRow::as_select()).into_boxed();
                if let Some(server) = &filter.server {
                    meant = meant.filter(sessions::server.eq(server.as_str().to_owned()));
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
                let rows: Vec<SessionRow> = meant.load(connection).await.map_err(error::query)?;
                Ok(readable(rows))
            }
            .boxed()
        })
        .await
    }

    async fn order_kick(&self, session: SessionId) -> Result<Option<Session>, StoreError> {
        let parameters = vec![Parameter::Number(Some(session.0)), EndReason::Kicked.as_str().into()];
        let text = "UPDATE publish_sessions SET cut_because = COALESCE(cut_because, $2)
            WHERE id = $1 AND ended_at IS NULL";
        self.on(&self.writes, move |connection| {
            async move {
                let order = Returning::<SessionRow>::new(text, parameters);
                let marked = order.load(connection).await.map_err(error::query)?;
                marked.into_iter().next().map(Session::try_from).transpose()
            }
            .boxed()
        })
        .await
    }

    async fn stop_stream(&self, id: StreamId, now: Timestamp) -> Result<Option<Stream>, StoreError> {
        let parameters = vec![Parameter::Integer(id.0), now.into()];
        let text = "UPDATE streams SET status = 'stopped', updated_at = $2
            WHERE id = $1 AND status = 'active' AND expires_at > $2";
        self.on(&self.writes, move |connection| {
            async move {
                let stop = Returning::<StreamRow>::new(text, parameters);
                let stopped = stop.load(connection).await.map_err(error::query)?;
                stopped.into_iter().next().map(Stream::try_from).transpose()
            }
            .boxed()
        })
        .await
    }

    async fn list_server_activity(&self) -> Result<Vec<ServerActivity>, StoreError> {
        self.on(&self.reads, |connection| {
            async move {
                let statement = Statement::<ActivityRow>::new(ACTIVITY, Vec::new());
                let rows: Vec<Activity> = statement.load(connection).await.map_err(error::query)?;
                // Names are checked before they are written down.
                Ok(rows.into_iter().filter_map(activity).collect())
            }
            .boxed()
        })
        .await
    }
}

fn activity((server, open, session_at, refusal_at, heartbeat_at): Activity) -> Option<ServerActivity> {
    Some(ServerActivity {
        server: ServerName::parse(&server).ok()?,
        open_sessions: u32::try_from(open).unwrap_or(u32::MAX),
        last_session_at: session_at.map(Timestamp::from_utc),
        last_refusal_at: refusal_at.map(Timestamp::from_utc),
        last_heartbeat_at: heartbeat_at.map(Timestamp::from_utc),
    })
}

/// The sessions of these rows; one that cannot be read is logged.
fn readable(rows: Vec<SessionRow>) -> Vec<Session> {
    let read =
        |row| Session::try_from(row).inspect_err(|error| tracing::error!(%error, "left out of a list")).ok();
    rows.into_iter().filter_map(read).collect()
}
