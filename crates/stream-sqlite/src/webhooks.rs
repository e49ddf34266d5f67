//! Endpoints of webhooks.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Integer};
use stream_domain::ports::{AddWebhookError, StoreError, WebhookStore};
use stream_domain::webhooks::{MAX_WEBHOOKS, WebhookChange, WebhookSecret};
use stream_domain::{Timestamp, UserId, Webhook, WebhookId};

use crate::error;
use crate::schema::webhooks;
use crate::store::SqliteStore;
use crate::webhook_row::{WebhookRow, WrittenRow, readable};

#[async_trait]
impl WebhookStore for SqliteStore {
    async fn add_webhook(&self, user: UserId, new: &Webhook) -> Result<Webhook, AddWebhookError> {
        let new = new.clone();
        self.write(move |connection| {
            let own = webhooks::table.filter(webhooks::user_id.eq(user.get())).count();
            let own: i64 = own.get_result(connection).map_err(error::query)?;
            if own >= i64::from(MAX_WEBHOOKS) {
                return Err(AddWebhookError::TooMany);
            }
            Ok(insert(connection, new)?)
        })
        .await
    }

    async fn list_webhooks(&self, user: UserId) -> Result<Vec<Webhook>, StoreError> {
        self.read(move |connection| {
            let own = webhooks::table.filter(webhooks::user_id.eq(user.get())).order(webhooks::id);
            let rows: Vec<WebhookRow> =
                own.select(WebhookRow::as_select()).load(connection).map_err(error::query)?;
            Ok(readable(rows))
        })
        .await
    }

    async fn find_webhook(&self, user: UserId, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        self.read(move |connection| find(connection, user, id)).await
    }

    async fn change_webhook(
        &self,
        user: UserId,
        id: WebhookId,
        change: &WebhookChange,
        now: Timestamp,
    ) -> Result<Option<Webhook>, StoreError> {
        let change = change.clone();
        self.write(move |connection| {
            let Some(own) = find(connection, user, id)? else {
                return Ok(None);
            };
            let changed = own.changed(change, now);
            put(connection, &changed)?;
            Ok(Some(changed))
        })
        .await
    }

    async fn remove_webhook(&self, user: UserId, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        self.write(move |connection| {
            let own = find(connection, user, id)?;
            if own.is_some() {
                let remove = diesel::delete(webhooks::table.find(id.0));
                remove.execute(connection).map_err(error::query)?;
            }
            Ok(own)
        })
        .await
    }

    async fn tell_test(&self, user: UserId, id: WebhookId) -> Result<(), StoreError> {
        self.write(move |connection| {
            let tell = sql_query(
                "INSERT INTO stream_events (type, user_id, data)
                 SELECT 'webhook.test', user_id, json_object('webhook_id', id)
                 FROM stream_webhooks WHERE id = ?1 AND user_id = ?2",
            );
            let tell = tell.bind::<BigInt, _>(id.0).bind::<Integer, _>(user.get());
            tell.execute(connection).map(drop).map_err(error::query)
        })
        .await
    }

    async fn keep_operator_webhook(
        &self,
        wanted: Option<(String, WebhookSecret)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |connection| {
            let operators = webhooks::table.filter(webhooks::user_id.is_null());
            let row: Option<WebhookRow> = operators
                .order(webhooks::id)
                .select(WebhookRow::as_select())
                .first(connection)
                .optional()
                .map_err(error::query)?;
            let kept = row.map(Webhook::try_from).transpose()?;
            let is_new = kept.is_none();
            let operators = match (wanted, kept) {
                (Some((url, secret)), kept) => Webhook::operators(kept, url, secret, now),
                (None, Some(kept)) => kept.switched_off(now),
                (None, None) => return Ok(()),
            };
            if is_new { insert(connection, operators).map(drop) } else { put(connection, &operators) }
        })
        .await
    }
}

fn insert(connection: &mut SqliteConnection, new: Webhook) -> Result<Webhook, StoreError> {
    let insert = diesel::insert_into(webhooks::table).values(WrittenRow::from(&new));
    let id = insert.returning(webhooks::id).get_result(connection).map_err(error::query)?;
    Ok(Webhook { id: WebhookId(id), ..new })
}

/// Writes what has changed; when something is due stays as it is.
fn put(connection: &mut SqliteConnection, webhook: &Webhook) -> Result<(), StoreError> {
    let write = diesel::update(webhooks::table.find(webhook.id.0)).set(WrittenRow::from(webhook));
    write.execute(connection).map(drop).map_err(error::query)
}

fn find(
    connection: &mut SqliteConnection,
    user: UserId,
    id: WebhookId,
) -> Result<Option<Webhook>, StoreError> {
    let own = webhooks::table.filter(webhooks::id.eq(id.0)).filter(webhooks::user_id.eq(user.get()));
    let row: Option<WebhookRow> =
        own.select(WebhookRow::as_select()).first(connection).optional().map_err(error::query)?;
    row.map(Webhook::try_from).transpose()
}
