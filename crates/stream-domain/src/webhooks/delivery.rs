//! A delivery: one event on its way to one endpoint.

use std::time::Duration;

use super::id::WebhookId;
use super::webhook::Webhook;
use crate::Timestamp;
use crate::events::{Event, LogPosition};

/// How many attempts of a delivery are kept: as many as there are without its owner's asking.
pub const KEPT_ATTEMPTS: u32 = 10;

/// Which delivery: of which event, to which endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryKey {
    /// The endpoint.
    pub webhook: WebhookId,
    /// The event.
    pub position: LogPosition,
}

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// It was not delivered yet, and is to be.
    Pending,
    /// The endpoint has taken it.
    Delivered,
    /// It was given up after the last attempt.
    Failed,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Failed];

    /// The word that is stored, and that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// The state of this word, if there is one.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// A try to deliver, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it began.
    pub at: Timestamp,
    /// The status of the answer, if one came.
    pub status: Option<u16>,
    /// Why none came.
    pub error: Option<String>,
    /// How long it took.
    pub took: Duration,
    /// What the answer began with.
    pub answer: String,
}

/// A delivery as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Which.
    pub key: DeliveryKey,
    /// What is delivered.
    pub event: Event,
    /// How far it has come.
    pub state: DeliveryState,
    /// When it is tried next, if it is pending and that is not at once.
    pub next_at: Option<Timestamp>,
    /// The tries so far, the first one first.
    pub attempts: Vec<Attempt>,
}

/// Which deliveries are wanted, the latest event first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryQuery {
    /// To which endpoint.
    pub webhook: WebhookId,
    /// Only those in this state.
    pub state: Option<DeliveryState>,
    /// Only those of events before this position.
    pub before: Option<LogPosition>,
    /// At most so many.
    pub limit: u32,
}

/// A part of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryPage {
    /// The deliveries.
    pub deliveries: Vec<Delivery>,
    /// Where the next page begins, if there is one.
    pub next: Option<LogPosition>,
}

impl DeliveryQuery {
    /// How many rows to read: one more than wanted tells that there is another page.
    pub fn rows_to_read(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// The page of these rows.
    pub fn page_of(&self, mut deliveries: Vec<Delivery>) -> DeliveryPage {
        let limit = self.limit as usize;
        let has_more = deliveries.len() > limit;
        deliveries.truncate(limit);
        let last = deliveries.last().map(|last| last.key.position);
        DeliveryPage { deliveries, next: last.filter(|_| has_more) }
    }
}

/// What a sender takes at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What is due by now.
    pub now: Timestamp,
    /// Nobody else takes it before then.
    pub until: Timestamp,
    /// Not of these endpoints, since they have enough.
    pub busy: Vec<WebhookId>,
    /// Of at most so many endpoints.
    pub webhooks: u32,
    /// At most so many of each; of one whose attempts fail, one.
    pub each: u32,
}

/// A delivery that a sender has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueDelivery {
    /// Where to.
    pub webhook: Webhook,
    /// What.
    pub event: Event,
    /// How often it was tried before, since it was last asked for.
    pub tries: u32,
}

impl DueDelivery {
    /// Which delivery it is.
    pub fn key(&self) -> DeliveryKey {
        DeliveryKey { webhook: self.webhook.id, position: self.event.position }
    }
}

/// What there is of webhooks, for operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WebhookCounts {
    /// Endpoints that are sent to.
    pub enabled: u64,
    /// Endpoints that the service has switched off.
    pub disabled: u64,
    /// Deliveries to endpoints that are sent to which are pending.
    pub pending: u64,
    /// When the first event was written that was not tried yet, for an endpoint which does not fail.
    pub oldest: Option<Timestamp>,
}
