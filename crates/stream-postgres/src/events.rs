//! The log of events: triggers write it, whoever makes a change; here it gets its order, is read, and forgotten.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text, Timestamp as Instant, Untyped};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use stream_domain::events::{EventQuery, Extent, LogPosition};
use stream_domain::ports::{EventLog, StoreError};
use stream_domain::{Event, StreamId, Timestamp, UserId};
use time::PrimitiveDateTime;

use crate::error;
use crate::statement::{Parameter, Statement};
use crate::store::PostgresStore;

/// Names the lock of who gives positions: `events` in ASCII.
const LOCK: i64 = 0x6576_656e_7473;

/// What the log has, and whether an event has no position yet.
const EXTENT: &str = "
    SELECT COALESCE(min(position) - 1, 0), COALESCE(max(position), 0),
        EXISTS (SELECT FROM stream_events WHERE position IS NULL)
    FROM stream_events WHERE position IS NOT NULL";

/// The columns of [`EXTENT`].
type ExtentRow = (BigInt, BigInt, Bool);

/// The columns of `events/read.sql`: the log's extent, and an event, if there is any.
type EventRow = (
    BigInt,
    BigInt,
    Nullable<BigInt>,
    Nullable<Text>,
    Nullable<Integer>,
    Nullable<Integer>,
    Nullable<Instant>,
    Nullable<Text>,
);

/// The same in Rust.
type Row = (
    i64,
    i64,
    Option<i64>,
    Option<String>,
    Option<i32>,
    Option<i32>,
    Option<PrimitiveDateTime>,
    Option<String>,
);

#[async_trait]
impl EventLog for PostgresStore {
    async fn sequence(&self, limit: u32) -> Result<Extent, StoreError> {
        let (extent, is_pending) = self.read_extent().await?;
        if !is_pending {
            return Ok(extent);
        }
        self.on(&self.writes, move |connection| {
            async move {
                // Each statement is to see what was committed before it, whatever the default isolation is.
                let mut transaction = connection.build_transaction().read_committed();
                let sequenced = transaction.run(async |connection| {
                    let lock = Statement::<Bool>::new(
                        "SELECT pg_try_advisory_xact_lock($1)",
                        vec![Parameter::Number(Some(LOCK))],
                    );
                    let is_mine: bool = lock.get_result(connection).await?;
                    if is_mine {
                        let limit = vec![Parameter::Number(Some(limit.into()))];
                        let sequence = include_str!("events/sequence.sql");
                        Statement::<Untyped>::new(sequence, limit).execute(connection).await?;
                    }
                    let extent = Statement::<ExtentRow>::new(EXTENT, Vec::new());
                    extent.get_result::<(i64, i64, bool)>(connection).await
                });
                sequenced.await.map(|row| extent_of(row).0).map_err(error::query)
            }
            .boxed()
        })
        .await
    }

    async fn extent(&self) -> Result<Extent, StoreError> {
        self.read_extent().await.map(|(extent, _)| extent)
    }

    async fn read_events(&self, query: &EventQuery) -> Result<(Extent, Vec<Event>), StoreError> {
        let mut parameters = vec![
            Parameter::Number(Some(query.after.0)),
            Parameter::Number(Some(query.limit.into())),
            Parameter::Texts(query.kinds.iter().map(|kind| kind.as_str().to_owned()).collect()),
        ];
        let mut text = include_str!("events/read.sql");
        if let Some(user) = query.user {
            parameters.push(Parameter::Integer(user.get()));
            text = include_str!("events/read_own.sql");
        }
        self.on(&self.reads, move |connection| {
            async move {
                let rows = Statement::<EventRow>::new(text, parameters);
                let rows: Vec<Row> = rows.load(connection).await.map_err(error::query)?;
                let extent = rows.as_slice().first().map(|row| extent_of((row.0, row.1, false)).0);
                Ok((extent.unwrap_or_default(), rows.into_iter().filter_map(event).collect()))
            }
            .boxed()
        })
        .await
    }

    async fn note_offline(
        &self,
        left_before: Timestamp,
        now: Timestamp,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let parameters = vec![left_before.into(), now.into(), Parameter::Number(Some(limit.into()))];
        self.execute(Statement::new(include_str!("events/note_offline.sql"), parameters)).await
    }

    async fn settle_schedules(&self, ended_by: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let settle = "UPDATE stream_schedules SET settled_at = $1 WHERE id IN (
            SELECT id FROM stream_schedules
            WHERE ends_at <= $1 AND settled_at IS NULL AND canceled_at IS NULL
            ORDER BY ends_at LIMIT $2 FOR UPDATE SKIP LOCKED)";
        let parameters = vec![ended_by.into(), Parameter::Number(Some(limit.into()))];
        self.execute(Statement::new(settle, parameters)).await
    }

    async fn forget_events(
        &self,
        before: Timestamp,
        spared_from: Timestamp,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let parameters = vec![before.into(), Parameter::Number(Some(limit.into())), spared_from.into()];
        self.execute(Statement::new(include_str!("events/forget.sql"), parameters)).await
    }
}

impl PostgresStore {
    async fn read_extent(&self) -> Result<(Extent, bool), StoreError> {
        self.on(&self.reads, |connection| {
            async move {
                let extent = Statement::<ExtentRow>::new(EXTENT, Vec::new());
                extent.get_result(connection).await.map(extent_of).map_err(error::query)
            }
            .boxed()
        })
        .await
    }
}

/// Tells that what is said of a stream was changed; in the transaction that changes it.
pub(crate) async fn tell_updated(connection: &mut AsyncPgConnection, stream: StreamId) -> QueryResult<()> {
    let tell = sql_query(
        "INSERT INTO stream_events (type, user_id, stream_id, data)
         SELECT 'stream.updated', user_id, id, json_build_object('stream_id', id, 'playback_id', playback_id)
         FROM streams WHERE id = $1",
    );
    tell.bind::<Integer, _>(stream.0).execute(connection).await.map(drop)
}

fn extent_of((forgotten, last, is_pending): (i64, i64, bool)) -> (Extent, bool) {
    (Extent { forgotten: LogPosition(forgotten), last: LogPosition(last) }, is_pending)
}

fn event((_, _, position, kind, user, stream, at, data): Row) -> Option<Event> {
    Some(Event {
        position: LogPosition(position?),
        kind: kind?,
        // A platform may have users that no token can name.
        user: user.and_then(|user| UserId::new(user.into()).ok()),
        stream: stream.map(StreamId),
        at: Timestamp::from_utc(at?),
        data: data?,
    })
}
