//! Deliveries to endpoints: a trigger makes them when an event is written; here they are taken, recorded and forgotten.

use async_trait::async_trait;
use diesel::dsl::min;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamp as Instant};
use stream_domain::ports::{DeliveryStore, StoreError};
use stream_domain::webhooks::{
    Attempt, Claim, Delivery, DeliveryKey, DeliveryPage, DeliveryQuery, DeliveryState, DisableReason,
    DueDelivery, Next, Outcome, WebhookCounts,
};
use stream_domain::{Event, Timestamp, Webhook};
use time::PrimitiveDateTime;

use crate::delivery_row::{CountsRow, ShownRow, gone, insert, shown, with_attempts};
use crate::error;
use crate::events::EventRow;
use crate::schema::{PendingLiteral, deliveries, stream_events as events, webhooks};
use crate::store::SqliteStore;
use crate::webhook_row::{WebhookRow, readable};

/// A time that is always past: at once.
const AT_ONCE: &str = "1970-01-01 00:00:00.000000";

#[async_trait]
impl DeliveryStore for SqliteStore {
    async fn claim_deliveries(&self, claim: &Claim) -> Result<Vec<DueDelivery>, StoreError> {
        let claim = claim.clone();
        let now = claim.now.to_naive_utc();
        let is_due = self.read(move |connection| {
            let due =
                webhooks::table.filter(webhooks::due_at.le(now)).filter(webhooks::disabled_at.is_null());
            diesel::select(diesel::dsl::exists(due)).get_result(connection).map_err(error::query)
        });
        if !is_due.await? {
            return Ok(Vec::new());
        }
        self.write(move |connection| {
            let due =
                webhooks::table.filter(webhooks::due_at.le(now)).filter(webhooks::disabled_at.is_null());
            let busy: Vec<i64> = claim.busy.iter().map(|id| id.0).collect();
            let due =
                due.filter(webhooks::id.ne_all(busy)).order(webhooks::due_at).limit(claim.webhooks.into());
            let rows = due.select(WebhookRow::as_select()).load(connection).map_err(error::query)?;
            let mut taken = Vec::new();
            for webhook in readable(rows) {
                taken.extend(take(connection, &webhook, &claim).map_err(error::query)?);
            }
            Ok(taken)
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
        let (attempt, key, changed_at) = (attempt.clone(), due.key(), due.webhook.updated_at);
        self.write(move |connection| {
            record(connection, key, changed_at, &attempt, outcome, now).map_err(error::query)
        })
        .await
    }

    async fn list_deliveries(&self, query: &DeliveryQuery) -> Result<DeliveryPage, StoreError> {
        let query = *query;
        self.read(move |connection| {
            connection
                .transaction(|connection| {
                    let mut wanted = shown().filter(deliveries::webhook_id.eq(query.webhook.0)).into_boxed();
                    if let Some(state) = query.state {
                        wanted = wanted.filter(deliveries::state.eq(state.as_str()));
                    }
                    if let Some(before) = query.before {
                        wanted = wanted.filter(deliveries::position.lt(before.0));
                    }
                    let wanted = wanted.order(deliveries::position.desc()).limit(query.rows_to_read());
                    let rows: Vec<ShownRow> = wanted.select(ShownRow::as_select()).load(connection)?;
                    Ok(query.page_of(with_attempts(connection, rows)?))
                })
                .map_err(error::query)
        })
        .await
    }

    async fn retry_delivery(&self, key: DeliveryKey) -> Result<Option<Delivery>, StoreError> {
        self.write(move |connection| {
            let renew = sql_query(format!(
                "UPDATE stream_webhook_deliveries SET state = 'pending', next_at = '{AT_ONCE}', tries = 0
                 WHERE webhook_id = ?1 AND position = ?2"
            ));
            let renew = renew.bind::<BigInt, _>(key.webhook.0).bind::<BigInt, _>(key.position.0);
            renew.execute(connection).map_err(error::query)?;
            be_due(connection, key.webhook.0).map_err(error::query)?;
            let row = shown().filter(deliveries::webhook_id.eq(key.webhook.0));
            let row = row.filter(deliveries::position.eq(key.position.0)).select(ShownRow::as_select());
            let rows = row.load(connection).map_err(error::query)?;
            Ok(with_attempts(connection, rows).map_err(error::query)?.pop())
        })
        .await
    }

    async fn replay_deliveries(&self, limit: u32) -> Result<u32, StoreError> {
        let to_replay = || {
            webhooks::table
                .filter(webhooks::replay_after.is_not_null())
                .filter(webhooks::disabled_at.is_null())
        };
        let is_due = self.read(move |connection| {
            diesel::select(diesel::dsl::exists(to_replay())).get_result(connection).map_err(error::query)
        });
        if !is_due.await? {
            return Ok(0);
        }
        self.write(move |connection| {
            let first =
                to_replay().order((webhooks::replay_to, webhooks::id)).select(WebhookRow::as_select());
            let row: Option<WebhookRow> = first.first(connection).optional().map_err(error::query)?;
            let Some(webhook) = row.map(Webhook::try_from).transpose()? else {
                return Ok(0);
            };
            replay(connection, &webhook, limit).map_err(error::query)
        })
        .await
    }

    async fn forget_deliveries(&self, limit: u32) -> Result<u32, StoreError> {
        let is_due = self.read(|connection| gone(connection, 1).map_err(error::query));
        if is_due.await?.is_empty() {
            return Ok(0);
        }
        self.write(move |connection| {
            let gone = gone(connection, limit).map_err(error::query)?;
            gone.iter().try_for_each(|gone| gone.forget(connection)).map_err(error::query)?;
            Ok(u32::try_from(gone.len()).unwrap_or(u32::MAX))
        })
        .await
    }

    async fn count_webhooks(&self) -> Result<WebhookCounts, StoreError> {
        self.read(|connection| {
            let counts = sql_query(
                "WITH pending AS (
                     SELECT d.position, w.failing_since IS NULL AND d.tries = 0 AS is_new FROM stream_webhook_deliveries AS d
                     JOIN stream_webhooks AS w ON w.id = d.webhook_id
                     WHERE d.state = 'pending' AND w.disabled_at IS NULL)
                 SELECT (SELECT count(*) FROM stream_webhooks WHERE disabled_at IS NULL) AS enabled,
                     (SELECT count(*) FROM stream_webhooks
                      WHERE disabled_at IS NOT NULL AND disabled_because <> 'owner') AS disabled,
                     (SELECT count(*) FROM pending) AS pending,
                     (SELECT at FROM stream_events WHERE position =
                         (SELECT min(position) FROM pending WHERE is_new)) AS oldest",
            );
            counts.get_result::<CountsRow>(connection).map(WebhookCounts::from).map_err(error::query)
        })
        .await
    }
}

/// Takes what is due of an endpoint, and notes when more will be.
fn take(
    connection: &mut SqliteConnection,
    webhook: &Webhook,
    claim: &Claim,
) -> QueryResult<Vec<DueDelivery>> {
    let most = if webhook.failing_since.is_none() { claim.each } else { 1 };
    let pending = deliveries::table
        .filter(deliveries::webhook_id.eq(webhook.id.0))
        .filter(deliveries::state.eq(PendingLiteral));
    let due: Vec<(i64, i32)> = pending
        .filter(deliveries::next_at.le(claim.now.to_naive_utc()))
        .order((deliveries::next_at, deliveries::position))
        .limit(most.into())
        .select((deliveries::position, deliveries::tries))
        .load(connection)?;
    let positions: Vec<i64> = due.iter().map(|(position, _)| *position).collect();
    let taken = deliveries::table.filter(deliveries::webhook_id.eq(webhook.id.0));
    let taken = taken.filter(deliveries::position.eq_any(&positions));
    let put_off = deliveries::next_at.eq(claim.until.to_naive_utc());
    diesel::update(taken).set(put_off).execute(connection)?;
    let next: Option<PrimitiveDateTime> = pending.select(min(deliveries::next_at)).first(connection)?;
    diesel::update(webhooks::table.find(webhook.id.0)).set(webhooks::due_at.eq(next)).execute(connection)?;
    let rows = events::table.filter(events::position.eq_any(&positions)).order(events::position);
    let rows: Vec<EventRow> = rows.select(EventRow::as_select()).load(connection)?;
    let told = rows.into_iter().map(Event::from).filter_map(|event| {
        let (_, tries) = due.iter().find(|(position, _)| *position == event.position.0)?;
        Some(DueDelivery {
            webhook: webhook.clone(),
            event,
            tries: u32::try_from(*tries).unwrap_or_default(),
        })
    });
    Ok(told.collect())
}

fn record(
    connection: &mut SqliteConnection,
    key: DeliveryKey,
    changed_at: Timestamp,
    attempt: &Attempt,
    outcome: Outcome,
    now: Timestamp,
) -> QueryResult<()> {
    let delivery = || deliveries::table.find((key.webhook.0, key.position.0));
    let is_there: bool = diesel::select(diesel::dsl::exists(delivery())).get_result(connection)?;
    if is_there {
        insert(connection, key, attempt)?;
    }
    let (state, next_at) = match outcome.next {
        Next::Delivered => (DeliveryState::Delivered, None),
        Next::RetryAt(at) => (DeliveryState::Pending, Some(at.to_naive_utc())),
        Next::GiveUp => (DeliveryState::Failed, None),
    };
    let pending = diesel::update(delivery().filter(deliveries::state.eq(PendingLiteral)));
    let tried = deliveries::tries.eq(deliveries::tries + 1);
    let written = (deliveries::state.eq(state.as_str()), next_at.map(|at| deliveries::next_at.eq(at)), tried);
    pending.set(written).execute(connection)?;
    let webhook = webhooks::table.find(key.webhook.0);
    let (is_gone, changed_at) = (outcome.disable == Some(DisableReason::Gone), changed_at.to_naive_utc());
    if state == DeliveryState::Delivered {
        let same = webhook.filter(webhooks::updated_at.eq(changed_at));
        let failing = diesel::update(same.filter(webhooks::failing_since.is_not_null()));
        let recovered = webhooks::failing_since.eq(None::<PrimitiveDateTime>);
        return failing.set(recovered).execute(connection).map(drop);
    }
    let fail = sql_query(
        "UPDATE stream_webhooks SET due_at = min(COALESCE(due_at, ?3), ?3),
             failing_since = CASE WHEN updated_at = ?6 THEN COALESCE(failing_since, ?2) ELSE failing_since END,
             disabled_because = CASE WHEN disabled_at IS NULL AND updated_at = ?6 AND ?4 IS NOT NULL
                 AND (?7 OR failing_since IS NOT NULL) THEN ?4 ELSE disabled_because END,
             disabled_at = CASE WHEN disabled_at IS NULL AND updated_at = ?6 AND ?4 IS NOT NULL
                 AND (?7 OR failing_since IS NOT NULL) THEN ?5 ELSE disabled_at END
         WHERE id = ?1",
    );
    // Where nothing is tried again, what is due is looked at once too often.
    let due_at = next_at.unwrap_or_else(|| now.to_naive_utc());
    fail.bind::<BigInt, _>(key.webhook.0)
        .bind::<Instant, _>(attempt.at.to_naive_utc())
        .bind::<Instant, _>(due_at)
        .bind::<Nullable<Text>, _>(outcome.disable.map(|reason| reason.as_str()))
        .bind::<Instant, _>(now.to_naive_utc())
        .bind::<Instant, _>(changed_at)
        .bind::<Bool, _>(is_gone)
        .execute(connection)
        .map(drop)
}

/// Delivers a part once more, and notes how far it has come.
fn replay(connection: &mut SqliteConnection, webhook: &Webhook, limit: u32) -> QueryResult<u32> {
    let Some((after, to)) = webhook.replay else {
        return Ok(0);
    };
    let mut part = events::table
        .filter(events::position.gt(after.0))
        .filter(events::position.le(to.0))
        .filter(events::user_id.eq(webhook.user.map(stream_domain::UserId::get)))
        .filter(events::kind.ne("webhook.test"))
        .into_boxed();
    if !webhook.terms.kinds.is_empty() {
        part = part.filter(events::kind.eq_any(webhook.terms.kinds.iter().map(|kind| kind.as_str())));
    }
    let part: Vec<i64> =
        part.order(events::position).limit(limit.into()).select(events::position).load(connection)?;
    for position in &part {
        let again = sql_query(format!(
            "INSERT INTO stream_webhook_deliveries (webhook_id, position, next_at) VALUES (?1, ?2, '{AT_ONCE}')
             ON CONFLICT (webhook_id, position) DO UPDATE SET state = 'pending', next_at = '{AT_ONCE}', tries = 0"
        ));
        again.bind::<BigInt, _>(webhook.id.0).bind::<BigInt, _>(position).execute(connection)?;
    }
    let is_full = part.len() == limit as usize;
    let rest = part.last().copied().filter(|_| is_full);
    let written = (webhooks::replay_after.eq(rest), webhooks::replay_to.eq(rest.map(|_| to.0)));
    diesel::update(webhooks::table.find(webhook.id.0)).set(written).execute(connection)?;
    be_due(connection, webhook.id.0)?;
    Ok(u32::try_from(part.len()).unwrap_or(u32::MAX))
}

/// Something of an endpoint is due.
fn be_due(connection: &mut SqliteConnection, webhook: i64) -> QueryResult<()> {
    let due = sql_query(format!("UPDATE stream_webhooks SET due_at = '{AT_ONCE}' WHERE id = ?1"));
    due.bind::<BigInt, _>(webhook).execute(connection).map(drop)
}
