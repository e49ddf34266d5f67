//! Rows of deliveries: with their events, and with the attempts that there were.

use std::time::Duration;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Timestamp as Instant};
use stream_domain::events::LogPosition;
use stream_domain::webhooks::{Attempt, Delivery, DeliveryKey, DeliveryState, KEPT_ATTEMPTS, WebhookCounts};
use stream_domain::{Event, Timestamp, WebhookId};
use time::PrimitiveDateTime;

use crate::events::EventRow;
use crate::schema::{attempts, deliveries, stream_events as events};

/// Deliveries with their events.
#[diesel::dsl::auto_type]
pub(crate) fn shown() -> _ {
    deliveries::table.inner_join(events::table.on(events::position.eq(deliveries::position)))
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

#[derive(Queryable, Selectable, Insertable)]
#[diesel(table_name = attempts)]
struct AttemptRow {
    webhook_id: i64,
    position: i64,
    at: PrimitiveDateTime,
    status: Option<i32>,
    error: Option<String>,
    duration_ms: i32,
    answer: String,
}

#[derive(QueryableByName)]
pub(crate) struct CountsRow {
    #[diesel(sql_type = BigInt)]
    enabled: i64,
    #[diesel(sql_type = BigInt)]
    disabled: i64,
    #[diesel(sql_type = BigInt)]
    pending: i64,
    #[diesel(sql_type = Nullable<Instant>)]
    oldest: Option<PrimitiveDateTime>,
}

/// Keeps an attempt, the same one once, and of all of them the last.
pub(crate) fn insert(
    connection: &mut SqliteConnection,
    key: DeliveryKey,
    attempt: &Attempt,
) -> QueryResult<()> {
    let row = AttemptRow {
        webhook_id: key.webhook.0,
        position: key.position.0,
        at: attempt.at.to_naive_utc(),
        status: attempt.status.map(Into::into),
        error: attempt.error.clone(),
        duration_ms: i32::try_from(attempt.took.as_millis()).unwrap_or(i32::MAX),
        answer: attempt.answer.clone(),
    };
    diesel::insert_or_ignore_into(attempts::table).values(row).execute(connection)?;
    let of_delivery = || {
        attempts::table
            .filter(attempts::webhook_id.eq(key.webhook.0))
            .filter(attempts::position.eq(key.position.0))
    };
    let last =
        of_delivery().order(attempts::at.desc()).offset(i64::from(KEPT_ATTEMPTS) - 1).select(attempts::at);
    let last: Option<PrimitiveDateTime> = last.first(connection).optional()?;
    if let Some(last) = last {
        diesel::delete(of_delivery().filter(attempts::at.lt(last))).execute(connection)?;
    }
    Ok(())
}

/// The deliveries of these rows, which are one endpoint's.
pub(crate) fn with_attempts(
    connection: &mut SqliteConnection,
    rows: Vec<ShownRow>,
) -> QueryResult<Vec<Delivery>> {
    let Some(webhook) = rows.first().map(|row| row.webhook_id) else {
        return Ok(Vec::new());
    };
    let of_rows = attempts::table
        .filter(attempts::webhook_id.eq(webhook))
        .filter(attempts::position.eq_any(rows.iter().map(|row| row.position)))
        .order((attempts::position, attempts::at));
    let tried: Vec<AttemptRow> = of_rows.select(AttemptRow::as_select()).load(connection)?;
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

impl From<CountsRow> for WebhookCounts {
    fn from(row: CountsRow) -> Self {
        let number = |count: i64| u64::try_from(count).unwrap_or_default();
        Self {
            enabled: number(row.enabled),
            disabled: number(row.disabled),
            pending: number(row.pending),
            oldest: row.oldest.map(Timestamp::from_utc),
        }
    }
}

/// Deliveries of events that are no more, by the index of positions; and of endpoints that are no more, of which the index
/// of the primary key has one entry after another looked at.
const GONE: &str = "
    SELECT webhook_id, position FROM stream_webhook_deliveries
    WHERE position < (SELECT min(position) FROM stream_events)
    UNION ALL
    SELECT d.webhook_id, d.position FROM (
        WITH RECURSIVE owners (id) AS (
            SELECT min(webhook_id) FROM stream_webhook_deliveries
            UNION ALL
            SELECT (SELECT min(webhook_id) FROM stream_webhook_deliveries WHERE webhook_id > owners.id)
            FROM owners WHERE owners.id IS NOT NULL)
        SELECT id FROM owners WHERE id IS NOT NULL AND id NOT IN (SELECT id FROM stream_webhooks)
    ) AS orphans JOIN stream_webhook_deliveries AS d ON d.webhook_id = orphans.id
    WHERE d.position >= COALESCE((SELECT min(position) FROM stream_events), 0)
    LIMIT ?1";

/// A row of [`GONE`].
#[derive(QueryableByName)]
pub(crate) struct Gone {
    #[diesel(sql_type = BigInt)]
    webhook_id: i64,
    #[diesel(sql_type = BigInt)]
    position: i64,
}

/// Some of the deliveries that are to be forgotten.
pub(crate) fn gone(connection: &mut SqliteConnection, limit: u32) -> QueryResult<Vec<Gone>> {
    sql_query(GONE).bind::<BigInt, _>(i64::from(limit)).load(connection)
}

impl Gone {
    /// Forgets it, with its attempts.
    pub(crate) fn forget(&self, connection: &mut SqliteConnection) -> QueryResult<()> {
        let tried = attempts::table.filter(attempts::webhook_id.eq(self.webhook_id));
        diesel::delete(tried.filter(attempts::position.eq(self.position))).execute(connection)?;
        diesel::delete(deliveries::table.find((self.webhook_id, self.position))).execute(connection).map(drop)
    }
}
