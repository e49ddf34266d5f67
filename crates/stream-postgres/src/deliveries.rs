//! Deliveries to endpoints: a trigger makes them when an event gets its position; here they are taken, recorded and
//! forgotten.

use async_trait::async_trait;
use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Integer, Nullable, Text, Timestamp as Instant, Untyped};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use stream_domain::events::LogPosition;
use stream_domain::ports::{DeliveryStore, StoreError};
use stream_domain::webhooks::{
    Attempt, Claim, Delivery, DeliveryKey, DeliveryPage, DeliveryQuery, DeliveryState, DueDelivery,
    KEPT_ATTEMPTS, Next, Outcome, WebhookCounts,
};
use stream_domain::{Event, StreamId, Timestamp, UserId};
use time::PrimitiveDateTime;

use crate::delivery_row::{CountsRow, ShownRow, counts, shown, with_attempts};
use crate::error;
use crate::schema::{deliveries, webhooks};
use crate::statement::{Parameter, Statement};
use crate::store::PostgresStore;
use crate::webhook_row::{WebhookRow, readable};

/// The columns of `deliveries/claim.sql`: the endpoint, how often it was tried, and the event.
type ClaimedRow = (BigInt, Integer, BigInt, Text, Nullable<Integer>, Nullable<Integer>, Instant, Text);

/// The same in Rust.
type Row = (i64, i32, i64, String, Option<i32>, Option<i32>, PrimitiveDateTime, String);

#[async_trait]
impl DeliveryStore for PostgresStore {
    async fn claim_deliveries(&self, claim: &Claim) -> Result<Vec<DueDelivery>, StoreError> {
        let (claim, now) = (claim.clone(), claim.now.to_naive_utc());
        let is_due = self.on(&self.reads, move |connection| {
            async move {
                let due = webhooks::table.filter(webhooks::due_at.le(now));
                let is_due = diesel::select(exists(due.filter(webhooks::disabled_at.is_null())));
                is_due.get_result(connection).await.map_err(error::query)
            }
            .boxed()
        });
        if !is_due.await? {
            return Ok(Vec::new());
        }
        self.on(&self.writes, move |connection| {
            async move {
                // Each statement is to see what was committed before it, whatever the default isolation is.
                let mut transaction = connection.build_transaction().read_committed();
                transaction.run(async |connection| take(connection, claim).await).await.map_err(error::query)
            }
            .boxed()
        })
        .await
    }

    async fn record_attempt(
        &self,
        due: &DueDelivery,
        attempt: &Attempt,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (state, next_at) = match outcome.next {
            Next::Delivered => (DeliveryState::Delivered, now),
            Next::RetryAt(at) => (DeliveryState::Pending, at),
            Next::GiveUp => (DeliveryState::Failed, now),
        };
        let key = due.key();
        let parameters = vec![
            Parameter::Number(Some(key.webhook.0)),
            Parameter::Number(Some(key.position.0)),
            attempt.at.into(),
            Parameter::Number(attempt.status.map(Into::into)),
            Parameter::Text(attempt.error.clone()),
            Parameter::Number(i64::try_from(attempt.took.as_millis()).ok()),
            attempt.answer.as_str().into(),
            state.as_str().into(),
            next_at.into(),
            Parameter::Text(outcome.disable.map(|reason| reason.as_str().to_owned())),
            now.into(),
            due.webhook.updated_at.into(),
            Parameter::Number(Some(KEPT_ATTEMPTS.into())),
        ];
        let record = Statement::<Untyped>::new(include_str!("deliveries/record.sql"), parameters);
        self.execute(record).await.map(drop)
    }

    async fn list_deliveries(&self, query: &DeliveryQuery) -> Result<DeliveryPage, StoreError> {
        let query = *query;
        self.on(&self.reads, move |connection| {
            async move {
                let mut wanted = shown().filter(deliveries::webhook_id.eq(query.webhook.0)).into_boxed();
                if let Some(state) = query.state {
                    wanted = wanted.filter(deliveries::state.eq(state.as_str()));
                }
                if let Some(before) = query.before {
                    wanted = wanted.filter(deliveries::position.lt(before.0));
                }
                let wanted = wanted.order(deliveries::position.desc()).limit(query.rows_to_read());
                let rows =
                    wanted.select(ShownRow::as_select()).load(connection).await.map_err(error::query)?;
                Ok(query.page_of(with_attempts(connection, rows).await.map_err(error::query)?))
            }
            .boxed()
        })
        .await
    }

    async fn retry_delivery(&self, key: DeliveryKey) -> Result<Option<Delivery>, StoreError> {
        self.on(&self.writes, move |connection| {
            async move {
                let mut transaction = connection.build_transaction().read_committed();
                let renewed = transaction.run(async |connection| {
                    // In the order of all who change both: the endpoint first, which is due at once.
                    let renew = sql_query(
                        "WITH due AS (
                             UPDATE stream_webhooks SET due_at = TIMESTAMP '1970-01-01' WHERE id = $1 RETURNING id)
                         UPDATE stream_webhook_deliveries SET state = 'pending', next_at = TIMESTAMP '1970-01-01', tries = 0
                         FROM due WHERE webhook_id = due.id AND position = $2",
                    );
                    let renew = renew.bind::<BigInt, _>(key.webhook.0).bind::<BigInt, _>(key.position.0);
                    renew.execute(connection).await?;
                    let row = shown().filter(deliveries::webhook_id.eq(key.webhook.0));
                    let row = row.filter(deliveries::position.eq(key.position.0)).select(ShownRow::as_select());
                    let rows = row.load(connection).await?;
                    Ok(with_attempts(connection, rows).await?.pop())
                });
                renewed.await.map_err(error::query)
            }
            .boxed()
        })
        .await
    }

    async fn replay_deliveries(&self, limit: u32) -> Result<u32, StoreError> {
        let is_due = self.on(&self.reads, move |connection| {
            async move {
                let to_replay = webhooks::table.filter(webhooks::replay_after.is_not_null());
                let is_due = diesel::select(exists(to_replay.filter(webhooks::disabled_at.is_null())));
                is_due.get_result(connection).await.map_err(error::query)
            }
            .boxed()
        });
        if !is_due.await? {
            return Ok(0);
        }
        self.counted(include_str!("deliveries/replay.sql"), limit).await
    }

    async fn forget_deliveries(&self, limit: u32) -> Result<u32, StoreError> {
        self.counted(include_str!("deliveries/forget.sql"), limit).await
    }

    async fn count_webhooks(&self) -> Result<WebhookCounts, StoreError> {
        self.on(&self.reads, |connection| {
            async move {
                let count = Statement::<CountsRow>::new(include_str!("deliveries/count.sql"), Vec::new());
                count.get_result(connection).await.map(counts).map_err(error::query)
            }
            .boxed()
        })
        .await
    }
}

impl PostgresStore {
    /// Runs a statement that changes at most `limit` rows and says how many it changed.
    async fn counted(&self, text: &'static str, limit: u32) -> Result<u32, StoreError> {
        self.on(&self.writes, move |connection| {
            async move {
                let statement = Statement::<BigInt>::new(text, vec![Parameter::Number(Some(limit.into()))]);
                let numbers: Vec<i64> = statement.load(connection).await.map_err(error::query)?;
                Ok(numbers.as_slice().first().map_or(0, |number| u32::try_from(*number).unwrap_or(u32::MAX)))
            }
            .boxed()
        })
        .await
    }
}

/// Takes what is due of some endpoints, which are locked meanwhile, and notes when more will be.
async fn take(connection: &mut AsyncPgConnection, claim: Claim) -> QueryResult<Vec<DueDelivery>> {
    let due = webhooks::table.filter(webhooks::due_at.le(claim.now.to_naive_utc()));
    let busy: Vec<i64> = claim.busy.iter().map(|id| id.0).collect();
    let due = due.filter(webhooks::disabled_at.is_null()).filter(webhooks::id.ne_all(busy));
    let due = due.order(webhooks::due_at).limit(claim.webhooks.into()).for_update().skip_locked();
    let rows: Vec<WebhookRow> = due.select(WebhookRow::as_select()).load(connection).await?;
    let webhooks = readable(rows);
    let ids: Vec<i64> = webhooks.iter().map(|webhook| webhook.id.0).collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let parameters = vec![
        Parameter::Numbers(ids.clone()),
        claim.now.into(),
        claim.until.into(),
        Parameter::Number(Some(claim.each.into())),
    ];
    let take = Statement::<ClaimedRow>::new(include_str!("deliveries/claim.sql"), parameters);
    let rows: Vec<Row> = take.load(connection).await?;
    let put_off = "UPDATE stream_webhooks AS w SET due_at = (
            SELECT min(next_at) FROM stream_webhook_deliveries AS d WHERE d.webhook_id = w.id AND d.state = 'pending')
        WHERE w.id = ANY($1)";
    Statement::<Untyped>::new(put_off, vec![Parameter::Numbers(ids)]).execute(connection).await?;
    let told = rows.into_iter().filter_map(|(id, tries, position, kind, user, stream, at, data)| {
        let webhook = webhooks.iter().find(|webhook| webhook.id.0 == id)?.clone();
        let event = Event {
            position: LogPosition(position),
            kind,
            user: user.and_then(|user| UserId::new(user.into()).ok()),
            stream: stream.map(StreamId),
            at: Timestamp::from_utc(at),
            data,
        };
        Some(DueDelivery { webhook, event, tries: u32::try_from(tries).unwrap_or_default() })
    });
    Ok(told.collect())
}
