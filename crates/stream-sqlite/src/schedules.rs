//! Schedules: what owners have planned, and which streams began for it.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Integer, Timestamp as Instant};
use stream_domain::ports::{ChangeStoredError, PlanStoredError, ScheduleStore, StoreError};
use stream_domain::schedules::{Change, Place, Plan, SchedulePage, ScheduleQuery};
use stream_domain::{Schedule, ScheduleId, StreamId, Timestamp, UserId};

use crate::error;
use crate::schedule_row::{JoinedRow, WrittenRow, joined, listed, rows_of, schedule};
use crate::schema::{HasEnded, schedules};
use crate::sessions::count;
use crate::store::SqliteStore;

#[async_trait]
impl ScheduleStore for SqliteStore {
    async fn plan(&self, user: UserId, plan: &Plan, now: Timestamp) -> Result<Schedule, PlanStoredError> {
        let new = Schedule::planned(ScheduleId(0), user, plan.clone(), now);
        self.write(move |connection| {
            let others = to_come(connection, user, now)?;
            Place { others: &others, replaced: None }.take(new.plan.slot, now)?;
            let insert = diesel::insert_into(schedules::table).values(WrittenRow::from(&new));
            let id = insert.returning(schedules::id).get_result(connection).map_err(error::query)?;
            Ok(Schedule { id: ScheduleId(id), ..new })
        })
        .await
    }

    async fn change_schedule(
        &self,
        user: UserId,
        id: ScheduleId,
        change: &Change,
        now: Timestamp,
    ) -> Result<Schedule, ChangeStoredError> {
        let change = change.clone();
        self.write(move |connection| {
            let own = find(connection, user, id)?.ok_or(ChangeStoredError::NoSuchSchedule)?;
            let changed = own.changed(change, &to_come(connection, user, now)?, now)?;
            let write = diesel::update(schedules::table.find(id.0)).set(WrittenRow::from(&changed));
            write.execute(connection).map_err(error::query)?;
            Ok(changed)
        })
        .await
    }

    async fn find_schedule(&self, user: UserId, id: ScheduleId) -> Result<Option<Schedule>, StoreError> {
        self.read(move |connection| find(connection, user, id)).await
    }

    async fn current_schedule(&self, user: UserId, now: Timestamp) -> Result<Option<Schedule>, StoreError> {
        self.read(move |connection| {
            let at = now.to_naive_utc();
            let own =
                joined().filter(schedules::user_id.eq(user.get())).filter(schedules::canceled_at.is_null());
            let current = own.filter(schedules::taken_from.le(at)).filter(schedules::ends_at.gt(at));
            let row = current
                .order((HasEnded.asc(), schedules::starts_at.asc(), schedules::id.asc()))
                .select(JoinedRow::as_select());
            let row: Option<JoinedRow> = row.first(connection).optional().map_err(error::query)?;
            row.map(schedule).transpose()
        })
        .await
    }

    async fn list_schedules(&self, query: &ScheduleQuery) -> Result<SchedulePage, StoreError> {
        let query = query.clone();
        self.read(move |connection| {
            let rows: Vec<JoinedRow> =
                rows_of(&query).select(JoinedRow::as_select()).load(connection).map_err(error::query)?;
            Ok(query.page_of(rows.into_iter().map(listed).collect()))
        })
        .await
    }

    async fn forget_schedules(&self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        self.write(move |connection| {
            let forget = sql_query(
                "DELETE FROM stream_schedules WHERE id IN (SELECT id FROM stream_schedules WHERE ends_at < ?1 LIMIT ?2)",
            );
            let forget = forget.bind::<Instant, _>(before.to_naive_utc()).bind::<BigInt, _>(i64::from(limit));
            let gone = count(forget.execute(connection))?;
            if gone > 0 {
                let rest = sql_query(
                    "DELETE FROM scheduled_streams WHERE schedule_id NOT IN (SELECT id FROM stream_schedules)",
                );
                rest.execute(connection).map_err(error::query)?;
            }
            Ok(gone)
        })
        .await
    }
}

/// Has a stream that begins take this schedule, in place of the one that is current, unless it was canceled.
pub(crate) fn take(
    connection: &mut SqliteConnection,
    stream: StreamId,
    schedule: ScheduleId,
) -> Result<(), StoreError> {
    let take = sql_query(
        "REPLACE INTO scheduled_streams (stream_id, schedule_id)
         SELECT ?1, id FROM stream_schedules WHERE id = ?2 AND canceled_at IS NULL",
    );
    let take = take.bind::<Integer, _>(stream.0).bind::<BigInt, _>(schedule.0);
    take.execute(connection).map(drop).map_err(error::query)
}

fn find(
    connection: &mut SqliteConnection,
    user: UserId,
    id: ScheduleId,
) -> Result<Option<Schedule>, StoreError> {
    let own = joined().filter(schedules::id.eq(id.0)).filter(schedules::user_id.eq(user.get()));
    let row: Option<JoinedRow> =
        own.select(JoinedRow::as_select()).first(connection).optional().map_err(error::query)?;
    row.map(schedule).transpose()
}

/// The user's schedules whose time has not passed.
fn to_come(
    connection: &mut SqliteConnection,
    user: UserId,
    now: Timestamp,
) -> Result<Vec<Schedule>, StoreError> {
    let own = joined().filter(schedules::user_id.eq(user.get()));
    let rows: Vec<JoinedRow> = own
        .filter(schedules::ends_at.gt(now.to_naive_utc()))
        .select(JoinedRow::as_select())
        .load(connection)
        .map_err(error::query)?;
    rows.into_iter().map(schedule).collect()
}
