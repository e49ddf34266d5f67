//! Endpoints of webhooks.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Integer, Untyped};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt as _;
use stream_domain::ports::{AddWebhookError, StoreError, WebhookStore};
use stream_domain::webhooks::{MAX_WEBHOOKS, WebhookChange, WebhookSecret};
use stream_domain::{Timestamp, UserId, Webhook, WebhookId};

use crate::error;
use crate::schema::webhooks;
use crate::statement::{Parameter, Statement};
use crate::store::PostgresStore;
use crate::users::require_user_exists;
use crate::webhook_row::{WebhookRow, WrittenRow, readable};

/// Names the locks of users' endpoints: `hook` in ASCII.
const LOCK: i32 = 0x686f_6f6b;

/// The lock of the operator's endpoint, which is no user's.
const OPERATORS: i32 = 0;

#[async_trait]
impl WebhookStore for PostgresStore {
    async fn add_webhook(&self, user: UserId, new: &Webhook) -> Result<Webhook, AddWebhookError> {
        let (new, has_users) = (new.clone(), self.has_users_foreign_key());
        self.on(&self.writes, move |connection| {
            async move {
                require_user_exists(connection, user, has_users).await?;
                let mut transaction = connection.build_transaction().read_committed();
                let added = transaction.run(async |connection| {
                    lock(connection, user.get()).await?;
                    let own = webhooks::table.filter(webhooks::user_id.eq(user.get())).count();
                    let own: i64 = own.get_result(connection).await?;
                    if own >= i64::from(MAX_WEBHOOKS) {
                        return Ok(Err(AddWebhookError::TooMany));
                    }
                    insert(connection, new).await.map(Ok)
                });
                added.await.map_err(error::query)?
            }
            .boxed()
        })
        .await
    }

    async fn list_webhooks(&self, user: UserId) -> Result<Vec<Webhook>, StoreError> {
        self.on(&self.reads, move |connection| {
            async move {
                let own = webhooks::table.filter(webhooks::user_id.eq(user.get())).order(webhooks::id);
                let rows =
                    own.select(WebhookRow::as_select()).load(connection).await.map_err(error::query)?;
                Ok(readable(rows))
            }
            .boxed()
        })
        .await
    }

    async fn find_webhook(&self, user: UserId, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        self.on(&self.reads, move |connection| {
            async move {
                let own = webhooks::table.find(id.0).filter(webhooks::user_id.eq(user.get()));
                let row: Option<WebhookRow> = own
                    .select(WebhookRow::as_select())
                    .first(connection)
                    .await
                    .optional()
                    .map_err(error::query)?;
                row.map(Webhook::try_from).transpose()
            }
            .boxed()
        })
        .await
    }

    async fn change_webhook(
        &self,
        user: UserId,
        id: WebhookId,
        change: &WebhookChange,
        now: Timestamp,
    ) -> Result<Option<Webhook>, StoreError> {
        let change = change.clone();
        self.on(&self.writes, move |connection| {
            async move {
                let mut transaction = connection.build_transaction().read_committed();
                let changed = transaction.run(async |connection| {
                    let own = webhooks::table.find(id.0).filter(webhooks::user_id.eq(user.get()));
                    let row = own.select(WebhookRow::as_select()).for_update();
                    let row: Option<WebhookRow> = row.first(connection).await.optional()?;
                    let own = match row.map(Webhook::try_from).transpose() {
                        Ok(Some(own)) => own,
                        Ok(None) => return Ok(Ok(None)),
                        Err(corrupt) => return Ok(Err(corrupt)),
                    };
                    let changed = own.changed(change, now);
                    put(connection, &changed).await?;
                    Ok(Ok(Some(changed)))
                });
                changed.await.map_err(error::query)?
            }
            .boxed()
        })
        .await
    }

    async fn remove_webhook(&self, user: UserId, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        self.on(&self.writes, move |connection| {
            async move {
                let own = webhooks::table.find(id.0).filter(webhooks::user_id.eq(user.get()));
                let remove = diesel::delete(own).returning(WebhookRow::as_select());
                // Read to the end: an error of the commit comes behind the row.
                let rows: Vec<WebhookRow> = remove.load(connection).await.map_err(error::query)?;
                rows.into_iter().next().map(Webhook::try_from).transpose()
            }
            .boxed()
        })
        .await
    }

    async fn tell_test(&self, user: UserId, id: WebhookId) -> Result<(), StoreError> {
        let tell = "INSERT INTO stream_events (type, user_id, data)
            SELECT 'webhook.test', user_id, json_build_object('webhook_id', id)
            FROM stream_webhooks WHERE id = $1 AND user_id = $2";
        let parameters = vec![Parameter::Number(Some(id.0)), Parameter::Integer(user.get())];
        self.execute(Statement::<Untyped>::new(tell, parameters)).await.map(drop)
    }

    async fn keep_operator_webhook(
        &self,
        wanted: Option<(String, WebhookSecret)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.on(&self.writes, move |connection| {
            async move {
                let mut transaction = connection.build_transaction().read_committed();
                let kept = transaction.run(async |connection| {
                    lock(connection, OPERATORS).await?;
                    let operators = webhooks::table.filter(webhooks::user_id.is_null());
                    let row = operators.order(webhooks::id).select(WebhookRow::as_select()).for_update();
                    let row: Option<WebhookRow> = row.first(connection).await.optional()?;
                    let kept = match row.map(Webhook::try_from).transpose() {
                        Ok(kept) => kept,
                        Err(corrupt) => return Ok(Err(corrupt)),
                    };
                    let is_new = kept.is_none();
                    let operators = match (wanted, kept) {
                        (Some((url, secret)), kept) => Webhook::operators(kept, url, secret, now),
                        (None, Some(kept)) => kept.switched_off(now),
                        (None, None) => return Ok(Ok(())),
                    };
                    if is_new {
                        insert(connection, operators).await?;
                    } else {
                        put(connection, &operators).await?;
                    }
                    Ok(Ok(()))
                });
                kept.await.map_err(error::query)?
            }
            .boxed()
        })
        .await
    }
}

/// Has one transaction at a time count and add the endpoints of an owner.
async fn lock(connection: &mut AsyncPgConnection, owner: i32) -> QueryResult<()> {
    let lock = sql_query("SELECT pg_advisory_xact_lock($1, $2)");
    lock.bind::<Integer, _>(LOCK).bind::<Integer, _>(owner).execute(connection).await.map(drop)
}

async fn insert(connection: &mut AsyncPgConnection, new: Webhook) -> QueryResult<Webhook> {
    let insert = diesel::insert_into(webhooks::table).values(WrittenRow::from(&new));
    let id = insert.returning(webhooks::id).get_result(connection).await?;
    Ok(Webhook { id: WebhookId(id), ..new })
}

async fn put(connection: &mut AsyncPgConnection, webhook: &Webhook) -> QueryResult<()> {
    let write = diesel::update(webhooks::table.find(webhook.id.0)).set(WrittenRow::from(webhook));
    write.execute(connection).await.map(drop)
}
