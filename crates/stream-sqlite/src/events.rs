//! The log of events: triggers write it, whoever makes a change; here it is read and forgotten.
//!
//! One transaction writes at a time, so the numbers of rows are positions: in the order of commits, and without a gap.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Integer, Timestamp as Instant};
use stream_domain::events::{EventQuery, Extent, LogPosition};
use stream_domain::ports::{EventLog, StoreError};
use stream_domain::{Event, StreamId, Timestamp, UserId};
use time::PrimitiveDateTime;

use crate::error;
use crate::schema::stream_events as events;
use crate::sessions::count;
use crate::store::SqliteStore;

#[async_trait]
impl EventLog for SqliteStore {
    async fn sequence(&self, _limit: u32) -> Result<Extent, StoreError> {
        self.extent().await
    }

    async fn extent(&self) -> Result<Extent, StoreError> {
        self.read(|connection| extent(connection).map_err(error::query)).await
    }

    async fn read_events(&self, query: &EventQuery) -> Result<(Extent, Vec<Event>), StoreError> {
        let query = query.clone();
        self.read(move |connection| {
            connection
                .transaction(|connection| {
                    let mut wanted = events::table.filter(events::position.gt(query.after.0)).into_boxed();
                    if let Some(user) = query.user {
                        wanted = wanted.filter(events::user_id.eq(user.get()));
                    }
                    if !query.kinds.is_empty() {
                        wanted =
                            wanted.filter(events::kind.eq_any(query.kinds.iter().map(|kind| kind.as_str())));
                    }
                    let wanted = wanted.order(events::position).limit(query.limit.into());
                    let rows: Vec<EventRow> = wanted.select(EventRow::as_select()).load(connection)?;
                    Ok((extent(connection)?, rows.into_iter().map(Event::from).collect()))
                })
                .map_err(error::query)
        })
        .await
    }

    async fn note_offline(
        &self,
        left_before: Timestamp,
        now: Timestamp,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let (left_before, now) = (left_before.to_naive_utc(), now.to_naive_utc());
        let is_due = self.read(move |connection| {
            let due = sql_query("SELECT 1 AS number FROM live_streams WHERE left_at < ?1 LIMIT 1");
            is_any(connection, due.bind::<Instant, _>(left_before))
        });
        if !is_due.await? {
            return Ok(0);
        }
        self.write(move |connection| {
            // A publisher that is admitted and brings no media yet may still go on with the broadcast.
            let note = sql_query(
                "DELETE FROM live_streams WHERE stream_id IN (
                     SELECT stream_id FROM live_streams WHERE left_at < ?1
                     AND NOT EXISTS (SELECT 1 FROM publish_sessions
                         WHERE publish_sessions.stream_id = live_streams.stream_id
                         AND ended_at IS NULL AND lease_until > ?2)
                     ORDER BY left_at LIMIT ?3)",
            );
            let note = note.bind::<Instant, _>(left_before).bind::<Instant, _>(now);
            count(note.bind::<BigInt, _>(i64::from(limit)).execute(connection))
        })
        .await
    }

    async fn settle_schedules(&self, ended_by: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let ended_by = ended_by.to_naive_utc();
        let is_due = self.read(move |connection| {
            let due = sql_query(
                "SELECT 1 AS number FROM stream_schedules
                 WHERE ends_at <= ?1 AND settled_at IS NULL AND canceled_at IS NULL LIMIT 1",
            );
            is_any(connection, due.bind::<Instant, _>(ended_by))
        });
        if !is_due.await? {
            return Ok(0);
        }
        self.write(move |connection| {
            let settle = sql_query(
                "UPDATE stream_schedules SET settled_at = ?1 WHERE id IN (
                     SELECT id FROM stream_schedules
                     WHERE ends_at <= ?1 AND settled_at IS NULL AND canceled_at IS NULL
                     ORDER BY ends_at LIMIT ?2)",
            );
            let settle = settle.bind::<Instant, _>(ended_by).bind::<BigInt, _>(i64::from(limit));
            count(settle.execute(connection))
        })
        .await
    }

    async fn forget_events(
        &self,
        before: Timestamp,
        spared_from: Timestamp,
        limit: u32,
    ) -> Result<u32, StoreError> {
        self.write(move |connection| {
            // Always a beginning of the log: what stands behind an event that is kept is kept too, and so is the last one.
            let forget = sql_query(
                "WITH first AS (SELECT position, at FROM stream_events ORDER BY position LIMIT ?2)
                 DELETE FROM stream_events WHERE position IN (SELECT position FROM first)
                 AND position < (SELECT COALESCE(min(position), 9223372036854775807) FROM first WHERE at >= ?1
                     OR (at >= ?3 AND position >= (
                         SELECT min(d.position) FROM stream_webhook_deliveries AS d
                         JOIN stream_webhooks AS w ON w.id = d.webhook_id
                         WHERE d.state = 'pending' AND w.disabled_at IS NULL)))
                 AND position < (SELECT max(position) FROM stream_events)",
            );
            let forget = forget.bind::<Instant, _>(before.to_naive_utc()).bind::<BigInt, _>(i64::from(limit));
            count(forget.bind::<Instant, _>(spared_from.to_naive_utc()).execute(connection))
        })
        .await
    }
}

/// Tells that what is said of a stream was changed; in the transaction that changes it.
pub(crate) fn tell_updated(connection: &mut SqliteConnection, stream: StreamId) -> Result<(), StoreError> {
    let tell = sql_query(
        "INSERT INTO stream_events (type, user_id, stream_id, data)
         SELECT 'stream.updated', user_id, id, json_object('stream_id', id, 'playback_id', playback_id)
         FROM streams WHERE id = ?1",
    );
    tell.bind::<Integer, _>(stream.0).execute(connection).map(drop).map_err(error::query)
}

/// What the log has.
fn extent(connection: &mut SqliteConnection) -> QueryResult<Extent> {
    use diesel::dsl::{max, min};
    // Apart, since each of the two looks at one end of the table alone.
    let first: Option<i64> = events::table.select(min(events::position)).first(connection)?;
    let last: Option<i64> = events::table.select(max(events::position)).first(connection)?;
    let forgotten = LogPosition(first.map_or(0, |first| first - 1));
    Ok(Extent { forgotten, last: LogPosition(last.unwrap_or(0)) })
}

/// Whether a query finds a row.
fn is_any<Q>(connection: &mut SqliteConnection, query: Q) -> Result<bool, StoreError>
where
    Q: for<'q> diesel::query_dsl::LoadQuery<'q, SqliteConnection, Number>,
{
    let rows: Vec<Number> = query.load(connection).map_err(error::query)?;
    Ok(!rows.is_empty())
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = Integer)]
    #[expect(dead_code, reason = "only whether there is one counts")]
    number: i32,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
pub(crate) struct EventRow {
    position: i64,
    kind: String,
    user_id: Option<i32>,
    stream_id: Option<i32>,
    at: PrimitiveDateTime,
    data: String,
}

impl From<EventRow> for Event {
    fn from(row: EventRow) -> Self {
        Self {
            position: LogPosition(row.position),
            kind: row.kind,
            user: row.user_id.and_then(|user| UserId::new(user.into()).ok()),
            stream: row.stream_id.map(StreamId),
            at: Timestamp::from_utc(row.at),
            data: row.data,
        }
    }
}
