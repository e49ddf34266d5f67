//! What the in-memory store keeps of webhooks.

use crate::events::{Event, EventKind, LogPosition};
use crate::webhooks::{Attempt, DeliveryKey, DeliveryState};
use crate::{Timestamp, Webhook, WebhookId};

/// Endpoints, and what is delivered to them.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    pub(super) all: Vec<Webhook>,
    pub(super) last: i64,
    pub(super) deliveries: Vec<KeptDelivery>,
}

/// A delivery as it is kept.
#[derive(Debug, Clone)]
pub(super) struct KeptDelivery {
    pub(super) key: DeliveryKey,
    pub(super) state: DeliveryState,
    /// When it is tried next; `None` for at once.
    pub(super) next_at: Option<Timestamp>,
    pub(super) tries: u32,
    pub(super) attempts: Vec<Attempt>,
}

impl KeptDelivery {
    pub(super) fn new(key: DeliveryKey) -> Self {
        Self { key, state: DeliveryState::Pending, next_at: None, tries: 0, attempts: Vec::new() }
    }

    /// Makes it pending and due.
    pub(super) fn renew(&mut self) {
        (self.state, self.next_at, self.tries) = (DeliveryState::Pending, None, 0);
    }
}

impl Endpoints {
    /// An event has its position: it is pending for those who want it.
    pub(super) fn fan_out(&mut self, event: &Event) {
        let wanting = self.all.iter().filter(|webhook| webhook.disabled.is_none() && wants(webhook, event));
        let keys = wanting.map(|webhook| DeliveryKey { webhook: webhook.id, position: event.position });
        self.deliveries.extend(keys.map(KeptDelivery::new));
    }

    pub(super) fn enabled(&self, id: WebhookId) -> Option<&Webhook> {
        self.all.iter().find(|webhook| webhook.id == id && webhook.disabled.is_none())
    }

    /// The pending deliveries to endpoints that are sent to, each with its endpoint.
    pub(super) fn pending(&self) -> impl Iterator<Item = (&KeptDelivery, &Webhook)> {
        let pending = self.deliveries.iter().filter(|kept| kept.state == DeliveryState::Pending);
        pending.filter_map(|kept| Some((kept, self.enabled(kept.key.webhook)?)))
    }

    pub(super) fn first_pending(&self) -> Option<LogPosition> {
        self.pending().map(|(kept, _)| kept.key.position).min()
    }
}

/// Whether an event is to be delivered to an endpoint; a test is for that endpoint alone.
pub(super) fn wants(webhook: &Webhook, event: &Event) -> bool {
    if event.kind == EventKind::WebhookTest.as_str() {
        return event.data == format!(r#"{{"webhook_id":{}}}"#, webhook.id.0);
    }
    let kinds = &webhook.terms.kinds;
    let is_kind = kinds.is_empty() || kinds.iter().any(|kind| kind.as_str() == event.kind);
    is_kind && (webhook.user.is_none() || webhook.user == event.user)
}
