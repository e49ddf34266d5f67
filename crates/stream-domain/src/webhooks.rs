//! Webhooks: events delivered to addresses that users, or the operator, name.
//!
//! Signed as Standard Webhooks 1.0.0 says, at least once, each endpoint on its own.

mod delivering;
mod delivery;
mod form;
mod id;
mod outcome;
mod secret;
mod use_cases;
mod webhook;

pub use delivering::Deliveries;
pub use delivery::{
    Attempt, Claim, Delivery, DeliveryKey, DeliveryPage, DeliveryQuery, DeliveryState, DueDelivery,
    KEPT_ATTEMPTS, WebhookCounts,
};
pub use form::{InvalidWebhook, WebhookForm, WebhookTerms};
pub use id::WebhookId;
pub use outcome::{Next, OUTCOME_WORDS, Outcome};
pub use secret::WebhookSecret;
pub use use_cases::{WebhookError, Webhooks};
pub use webhook::{DisableReason, MAX_WEBHOOKS, ROTATION, Webhook, WebhookChange};
