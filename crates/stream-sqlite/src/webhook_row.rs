//! Rows of `stream_webhooks`: how one becomes a [`Webhook`], and how a webhook is written.

use diesel::prelude::*;
use stream_domain::events::LogPosition;
use stream_domain::ports::StoreError;
use stream_domain::webhooks::{DisableReason, WebhookSecret, WebhookTerms};
use stream_domain::{Timestamp, UserId, Webhook, WebhookId};
use time::PrimitiveDateTime;

use crate::schema::webhooks;

#[derive(Queryable, Selectable)]
#[diesel(table_name = webhooks)]
pub(crate) struct WebhookRow {
    pub(crate) id: i64,
    #[diesel(embed)]
    written: WrittenRow,
}

/// The columns that are written; what is empty is written as `NULL`.
#[derive(Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = webhooks, treat_none_as_null = true)]
pub(crate) struct WrittenRow {
    user_id: Option<i32>,
    url: String,
    types: String,
    description: Option<String>,
    secret: String,
    previous_secret: Option<String>,
    previous_until: Option<PrimitiveDateTime>,
    disabled_at: Option<PrimitiveDateTime>,
    disabled_because: Option<String>,
    failing_since: Option<PrimitiveDateTime>,
    replay_after: Option<i64>,
    replay_to: Option<i64>,
    created_at: PrimitiveDateTime,
    updated_at: PrimitiveDateTime,
}

impl From<&Webhook> for WrittenRow {
    fn from(webhook: &Webhook) -> Self {
        let previous = webhook.previous.as_ref();
        Self {
            user_id: webhook.user.map(UserId::get),
            url: webhook.terms.url.clone(),
            types: webhook.terms.stored_kinds(),
            description: webhook.terms.description.clone(),
            secret: webhook.secret.expose(),
            previous_secret: previous.map(|(secret, _)| secret.expose()),
            previous_until: previous.map(|(_, until)| until.to_naive_utc()),
            disabled_at: webhook.disabled.map(|(at, _)| at.to_naive_utc()),
            disabled_because: webhook.disabled.map(|(_, reason)| reason.as_str().to_owned()),
            failing_since: webhook.failing_since.map(Timestamp::to_naive_utc),
            replay_after: webhook.replay.map(|(after, _)| after.0),
            replay_to: webhook.replay.map(|(_, to)| to.0),
            created_at: webhook.created_at.to_naive_utc(),
            updated_at: webhook.updated_at.to_naive_utc(),
        }
    }
}

impl TryFrom<WebhookRow> for Webhook {
    type Error = StoreError;

    fn try_from(WebhookRow { id, written: row }: WebhookRow) -> Result<Self, StoreError> {
        let corrupt = |reason| StoreError::Corrupt { table: "stream_webhooks", id, reason };
        let user = row.user_id.map(|user| UserId::new(user.into())).transpose();
        let secret = |text: &str| WebhookSecret::parse(text).ok_or_else(|| corrupt("secret is none"));
        let previous = row.previous_secret.as_deref().map(secret).transpose()?;
        let reason = row.disabled_because.as_deref().map_or(DisableReason::Owner, DisableReason::read);
        Ok(Self {
            id: WebhookId(id),
            user: user.map_err(|_| corrupt("user_id is not above zero"))?,
            terms: WebhookTerms {
                kinds: WebhookTerms::read_kinds(&row.types),
                url: row.url,
                description: row.description,
            },
            secret: secret(&row.secret)?,
            previous: previous.zip(row.previous_until.map(Timestamp::from_utc)),
            disabled: row.disabled_at.map(|at| (Timestamp::from_utc(at), reason)),
            failing_since: row.failing_since.map(Timestamp::from_utc),
            created_at: Timestamp::from_utc(row.created_at),
            updated_at: Timestamp::from_utc(row.updated_at),
            replay: row.replay_after.map(LogPosition).zip(row.replay_to.map(LogPosition)),
        })
    }
}

/// The webhooks of a list; one that cannot be read is logged, and left out.
pub(crate) fn readable(rows: Vec<WebhookRow>) -> Vec<Webhook> {
    let read = |row: WebhookRow| {
        Webhook::try_from(row).inspect_err(|error| tracing::error!(%error, "left out of a list")).ok()
    };
    rows.into_iter().filter_map(read).collect()
}
