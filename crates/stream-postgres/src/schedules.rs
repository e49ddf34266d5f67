//! Schedules: what owners have planned, and which streams began for it.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Integer};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use stream_domain::ports::{ChangeStoredError, PlanStoredError, ScheduleStore, StoreError};
use stream_domain::schedules::{Change, Place, Plan, SchedulePage, ScheduleQuery};
use stream_domain::{Schedule, ScheduleId, StreamId, Timestamp, UserId};

use crate::error;
use crate::schedule_row::{JoinedRow, WrittenRow, joined, listed, rows_of, schedule};
use crate::schema::{HasEnded, schedules};
use crate::statement::{Parameter, Statement};
use crate::store::PostgresStore;
use crate::users::require_user_exists;

/// Names the locks of users' schedules: `plan` in ASCII.
const LOCK: i32 = 0x706c_616e;

#[async_trait]
impl ScheduleStore for PostgresStore {
    async fn plan(&self, user: UserId, plan: &Plan, now: Timestamp) -> Result<Schedule, PlanStoredError> {
        let (new, has_users) =
            (Schedule::planned(ScheduleId(0), user, plan.clone(), now), self.has_users_foreign_key());
        self.on(&self.writes, move |connection| {
            async move {
                require_user_exists(connection, user, has_users).await?;
                let mut transaction = connection.build_transaction().read_committed();
                let planned = transaction.run(async |connection| {
                    let others = match to_come(connection, user, now).await? {
                        Ok(others) => others,
                        Err(corrupt) => return Ok(Err(corrupt.into())),
                    };
                    if let Err(refusal) = (Place { others: &others, replaced: None }).take(new.plan.slot, now)
                    {
                        return Ok(Err(refusal.into()));
                    }
                    let insert = diesel::insert_into(schedules::table).values(WrittenRow::from(&new));
                    let id = insert.returning(schedules::id).get_result(connection).await?;
                    Ok(Ok(Schedule { id: ScheduleId(id), ..new }))
                });
                planned.await.map_err(error::query)?
            }
            .boxed()
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
        self.on(&self.writes, move |connection| {
            async move {
                let mut transaction = connection.build_transaction().read_committed();
                let changed = transaction.run(async |connection| {
                    let others = match to_come(connection, user, now).await? {
                        Ok(others) => others,
                        Err(corrupt) => return Ok(Err(corrupt.into())),
                    };
                    let own = match find(connection, user, id).await?.map(schedule).transpose() {
                        Ok(Some(own)) => own,
                        Ok(None) => return Ok(Err(ChangeStoredError::NoSuchSchedule)),
                        Err(corrupt) => return Ok(Err(corrupt.into())),
                    };
                    let changed = match own.changed(change, &others, now) {
                        Ok(changed) => changed,
                        Err(refusal) => return Ok(Err(refusal.into())),
                    };
                    let write = diesel::update(schedules::table.find(id.0)).set(WrittenRow::from(&changed));
                    write.execute(connection).await?;
                    Ok(Ok(changed))
                });
                changed.await.map_err(error::query)?
            }
            .boxed()
        })
        .await
    }

    async fn find_schedule(&self, user: UserId, id: ScheduleId) -> Result<Option<Schedule>, StoreError> {
        self.on(&self.reads, move |connection| {
            async move {
                let row = find(connection, user, id).await.map_err(error::query)?;
                row.map(schedule).transpose()
            }
            .boxed()
        })
        .await
    }

    async fn current_schedule(&self, user: UserId, now: Timestamp) -> Result<Option<Schedule>, StoreError> {
        self.on(&self.reads, move |connection| {
            async move {
                let at = now.to_naive_utc();
                let own = joined().filter(schedules::user_id.eq(user.get()));
                let own = own.filter(schedules::canceled_at.is_null());
                let current = own.filter(schedules::taken_from.le(at)).filter(schedules::ends_at.gt(at));
                let row = current
                    .order((HasEnded.asc(), schedules::starts_at.asc(), schedules::id.asc()))
                    .select(JoinedRow::as_select());
                let row: Option<JoinedRow> = row.first(connection).await.optional().map_err(error::query)?;
                row.map(schedule).transpose()
            }
            .boxed()
        })
        .await
    }

    async fn list_schedules(&self, query: &ScheduleQuery) -> Result<SchedulePage, StoreError> {
        let (query, has_users) = (query.clone(), self.has_users_foreign_key());
        self.on(&self.reads, move |connection| {
            async move {
                let rows = rows_of(&query, has_users).select(JoinedRow::as_select());
                let rows: Vec<JoinedRow> = rows.load(connection).await.map_err(error::query)?;
                Ok(query.page_of(rows.into_iter().map(listed).collect()))
            }
            .boxed()
        })
        .await
    }

    async fn forget_schedules(&self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let parameters = vec![before.into(), Parameter::Number(Some(limit.into()))];
        let text = "WITH old AS MATERIALIZED (
                SELECT id FROM stream_schedules WHERE ends_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED),
            gone AS (DELETE FROM stream_schedules USING old WHERE stream_schedules.id = old.id RETURNING old.id),
            left_by_streams AS (DELETE FROM scheduled_streams WHERE schedule_id IN (SELECT id FROM gone))
            SELECT count(*) FROM gone";
        let gone: i64 = self.select_one(Statement::<BigInt>::new(text, parameters)).await?;
        Ok(u32::try_from(gone).unwrap_or(u32::MAX))
    }
}

/// Has a stream that begins take this schedule, in place of the one that is current, unless it was canceled.
pub(crate) async fn take(
    connection: &mut AsyncPgConnection,
    stream: StreamId,
    schedule: ScheduleId,
) -> QueryResult<()> {
    let take = sql_query(
        "INSERT INTO scheduled_streams (stream_id, schedule_id)
         SELECT $1, id FROM stream_schedules WHERE id = $2 AND canceled_at IS NULL
         ON CONFLICT (stream_id) DO UPDATE SET schedule_id = EXCLUDED.schedule_id",
    );
    let take = take.bind::<Integer, _>(stream.0).bind::<BigInt, _>(schedule.0);
    take.execute(connection).await.map(drop)
}

async fn find(
    connection: &mut AsyncPgConnection,
    user: UserId,
    id: ScheduleId,
) -> QueryResult<Option<JoinedRow>> {
    let own = joined().filter(schedules::id.eq(id.0)).filter(schedules::user_id.eq(user.get()));
    own.select(JoinedRow::as_select()).first(connection).await.optional()
}

/// The user's schedules whose time has not passed; until the transaction ends, nobody else changes the user's.
///
/// The transaction must be READ COMMITTED, whatever the database's default is: its snapshot is taken behind the lock.
async fn to_come(
    connection: &mut AsyncPgConnection,
    user: UserId,
    now: Timestamp,
) -> QueryResult<Result<Vec<Schedule>, StoreError>> {
    let lock = sql_query("SELECT pg_advisory_xact_lock($1, $2)");
    lock.bind::<Integer, _>(LOCK).bind::<Integer, _>(user.get()).execute(connection).await?;
    let own = joined().filter(schedules::user_id.eq(user.get()));
    let own = own.filter(schedules::ends_at.gt(now.to_naive_utc()));
    let rows: Vec<JoinedRow> = own.select(JoinedRow::as_select()).load(connection).await?;
    Ok(rows.into_iter().map(schedule).collect())
}
