//! Rows of deliveries: with their events, and with the attempts that there were.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Timestamp as Instant};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use stream_domain::events::LogPosition;
use stream_domain::webhooks::{Attempt, Delivery, DeliveryKey, DeliveryState, WebhookCounts};
use stream_domain::{Event, StreamId, Timestamp, UserId, WebhookId};
use time::PrimitiveDateTime;

use crate::schema::{attempts, deliveries, events};

/// Deliveries with their events.
#[diesel::dsl::auto_type]
pub(crate) fn shown() -> _ {
    deliveries::table.inner_join(events::table.on(events::position.eq(deliveries::position.nullable())))
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = deliveries)]
pub(crate) struct ShownRow {
    webhook_id: i64,
    position: i64,
    state: String,
    next_at: PrimitiveDateTime,
    #[diesel(embed)]
    event: EventRow,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = attempts)]
struct AttemptRow {
    position: i64,
    at: PrimitiveDateTime,
    status: Option<i32>,
    error: Option<String>,
    duration_ms: i32,
    answer: String,
}

/// An event as it is delivered.
#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
pub(crate) struct EventRow {
    position: Option<i64>,
    kind: String,
    user_id: Option<i32>,
    stream_id: Option<i32>,
    at: PrimitiveDateTime,
    data: String,
}

impl From<EventRow> for Event {
    fn from(row: EventRow) -> Self {
        Self {
            position: LogPosition(row.position.unwrap_or_default()),
            kind: row.kind,
            // A platform may have users that no token can name.
            user: row.user_id.and_then(|user| UserId::new(user.into()).ok()),
            stream: row.stream_id.map(StreamId),
            at: Timestamp::from_utc(row.at),
            data: row.data,
        }
    }
}

/// The columns of `deliveries/count.sql`.
pub(crate) type CountsRow = (BigInt, BigInt, BigInt, Nullable<Instant>);

/// The deliveries of these rows, which are one endpoint's.
pub(crate) async fn with_attempts(
    connection: &mut AsyncPgConnection,
    rows: Vec<ShownRow>,
) -> QueryResult<Vec<Delivery>> {
    let Some(webhook) = rows.as_slice().first().map(|row| row.webhook_id) else {
        return Ok(Vec::new());
    };
    let of_rows = attempts::table
        .filter(attempts::webhook_id.eq(webhook))
        .filter(attempts::position.eq_any(rows.iter().map(|row| row.position)))
        .order((attempts::position, attempts::at));
    let tried: Vec<AttemptRow> = of_rows.select(AttemptRow::as_select()).load(connection).await?;
    Ok(rows.into_iter().map(|row| delivery(row, &tried)).collect())
}

fn delivery(row: ShownRow, tried: &[AttemptRow]) -> Delivery {
    // A state that only a newer version knows is none in which anything is sent.
    let state = DeliveryState::parse(&row.state).unwrap_or(DeliveryState::Failed);
    let next_at = Some(Timestamp::from_utc(row.next_at));
    Delivery {
        key: DeliveryKey { webhook: WebhookId(row.webhook_id), position: LogPosition(row.position) },
        event: Event::from(row.event),
        state,
        next_at: next_at.filter(|at| state == DeliveryState::Pending && at.unix_micros() > 0),
        attempts: tried.iter().filter(|tried| tried.position == row.position).map(attempt).collect(),
    }
}

fn attempt(row: &AttemptRow) -> Attempt {
    Attempt {
        at: Timestamp::from_utc(row.at),
        status: row.status.and_then(|status| u16::try_from(status).ok()),
        error: row.error.clone(),
        took: Duration::from_millis(u64::try_from(row.duration_ms).unwrap_or_default()),
        answer: row.answer.clone(),
    }
}

pub(crate) fn counts(
    (enabled, disabled, pending, oldest): (i64, i64, i64, Option<PrimitiveDateTime>),
) -> WebhookCounts {
    let number = |count: i64| u64::try_from(count).unwrap_or_default();
    WebhookCounts {
        enabled: number(enabled),
        disabled: number(disabled),
        pending: number(pending),
        oldest: oldest.map(Timestamp::from_utc),
    }
}
