//! Endpoints and deliveries as clients see them.

use serde::Serialize;
use stream_domain::Webhook;
use stream_domain::events::EventKind;
use stream_domain::webhooks::{Attempt, Delivery, DeliveryPage, DeliveryState, DisableReason};
use utoipa::ToSchema;
use utoipa::openapi::Object;

use super::query::cursor;
use crate::rfc3339::Rfc3339;
use crate::schemas::{words, words_or_null};

/// An endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Webhook)]
pub(super) struct WebhookView<'a> {
    /// The endpoint's number.
    id: i64,
    /// Where to.
    url: &'a str,
    /// Only these types of events; all without any.
    types: Vec<&'static str>,
    /// What it is for.
    #[schema(required, max_length = 200)]
    description: Option<&'a str>,
    /// Whether anything is sent there.
    enabled: bool,
    /// When it was switched off.
    #[schema(required, value_type = Option<Rfc3339>)]
    disabled_at: Option<Rfc3339>,
    #[schema(schema_with = reasons)]
    disabled_reason: Option<&'static str>,
    /// Since when every attempt has failed; after five days it is switched off.
    #[schema(required, value_type = Option<Rfc3339>)]
    failing_since: Option<Rfc3339>,
    /// Until when the former secret signs along.
    #[schema(required, value_type = Option<Rfc3339>)]
    previous_secret_until: Option<Rfc3339>,
    /// When it was added.
    created_at: Rfc3339,
    /// When its owner last changed it.
    updated_at: Rfc3339,
}

/// The words of `disabled_reason`.
fn reasons() -> Object {
    words_or_null(
        "Who switched it off: its `owner`, an answer 410 (`gone`), or five days of failures (`failing`).",
        DisableReason::ALL.map(DisableReason::as_str),
    )
}

/// An endpoint with its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = WebhookWithSecret)]
pub(super) struct SecretWebhookView<'a> {
    #[serde(flatten)]
    webhook: WebhookView<'a>,
    /// What deliveries are signed with: `whsec_` and base64, as the libraries of Standard Webhooks take it.
    #[schema(max_length = 100)]
    secret: String,
}

/// The endpoints of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookList)]
pub(super) struct WebhookListView<'a> {
    /// The endpoints, the first one first.
    webhooks: Vec<WebhookView<'a>>,
}

/// An event on its way to an endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(super) struct DeliveryView<'a> {
    /// The event's position in the log.
    position: i64,
    /// The event's type.
    #[serde(rename = "type")]
    kind: &'a str,
    #[schema(schema_with = states)]
    status: &'static str,
    /// When it is tried next; `null` for at once, and where it is not tried again.
    #[schema(required, value_type = Option<Rfc3339>)]
    next_attempt_at: Option<Rfc3339>,
    /// The attempts so far, the first one first.
    attempts: Vec<AttemptView<'a>>,
}

/// The words of `status`.
fn states() -> Object {
    words(
        "`pending` until it has arrived, `failed` once it was given up after the last attempt.",
        DeliveryState::ALL.map(DeliveryState::as_str),
    )
}

/// A try to deliver.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryAttempt)]
struct AttemptView<'a> {
    /// When it began.
    at: Rfc3339,
    /// The status of the answer; `null` if none came.
    #[schema(required)]
    status: Option<u16>,
    /// Why no answer came.
    #[schema(required)]
    error: Option<&'a str>,
    /// How long it took, in milliseconds.
    duration_ms: u64,
    /// What the body of the answer began with: at most 1 KiB.
    response: &'a str,
}

/// A page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryPage)]
pub(super) struct DeliveryPageView<'a> {
    /// The deliveries, the latest event first.
    deliveries: Vec<DeliveryView<'a>>,
    /// Where the next page begins; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

impl<'a> WebhookView<'a> {
    pub(super) fn of(webhook: &'a Webhook) -> Self {
        Self {
            id: webhook.id.0,
            url: &webhook.terms.url,
            types: webhook.terms.kinds.iter().copied().map(EventKind::as_str).collect(),
            description: webhook.terms.description.as_deref(),
            enabled: webhook.disabled.is_none(),
            disabled_at: webhook.disabled.map(|(at, _)| Rfc3339(at)),
            disabled_reason: webhook.disabled.map(|(_, reason)| reason.as_str()),
            failing_since: webhook.failing_since.map(Rfc3339),
            previous_secret_until: webhook.previous.as_ref().map(|(_, until)| Rfc3339(*until)),
            created_at: Rfc3339(webhook.created_at),
            updated_at: Rfc3339(webhook.updated_at),
        }
    }
}

impl<'a> SecretWebhookView<'a> {
    pub(super) fn of(webhook: &'a Webhook) -> Self {
        Self { webhook: WebhookView::of(webhook), secret: webhook.secret.expose() }
    }
}

impl<'a> WebhookListView<'a> {
    pub(super) fn of(webhooks: &'a [Webhook]) -> Self {
        Self { webhooks: webhooks.iter().map(WebhookView::of).collect() }
    }
}

impl<'a> DeliveryView<'a> {
    pub(super) fn of(delivery: &'a Delivery) -> Self {
        Self {
            position: delivery.key.position.0,
            kind: &delivery.event.kind,
            status: delivery.state.as_str(),
            next_attempt_at: delivery.next_at.map(Rfc3339),
            attempts: delivery.attempts.iter().map(AttemptView::of).collect(),
        }
    }
}

impl<'a> AttemptView<'a> {
    fn of(attempt: &'a Attempt) -> Self {
        Self {
            at: Rfc3339(attempt.at),
            status: attempt.status,
            error: attempt.error.as_deref(),
            duration_ms: u64::try_from(attempt.took.as_millis()).unwrap_or(u64::MAX),
            response: &attempt.answer,
        }
    }
}

impl<'a> DeliveryPageView<'a> {
    pub(super) fn of(page: &'a DeliveryPage) -> Self {
        let deliveries = page.deliveries.iter().map(DeliveryView::of).collect();
        Self { deliveries, next_cursor: page.next.map(cursor) }
    }
}
