//! How many deliveries of webhooks go on, and when more are to be taken.

use std::collections::HashMap;

use stream_domain::WebhookId;
use stream_domain::webhooks::DueDelivery;

/// How many deliveries to one endpoint are taken at once; while half as many go on, no more are.
pub(super) const EACH: u32 = 10;

/// Of how many endpoints at once.
const ENDPOINTS: u32 = 50;

/// How many deliveries go on at once at most; an endpoint that fails has one of them.
const MOST: u32 = 1_000;

/// The deliveries that go on at this instance.
#[derive(Default)]
pub(super) struct InFlight {
    of: HashMap<WebhookId, Load>,
    all: u32,
    /// As many endpoints got something as there was room for, so others may be waiting.
    is_full: bool,
}

/// What one endpoint is sent.
#[derive(Default)]
struct Load {
    number: u32,
    is_failing: bool,
    /// It got as many as one gets at once, so more may be due.
    has_more: bool,
}

impl InFlight {
    /// Of how many endpoints more may be taken.
    pub(super) fn room(&self) -> u32 {
        (MOST.saturating_sub(self.all) / EACH).min(ENDPOINTS)
    }

    /// The endpoints that are sent enough.
    pub(super) fn busy(&self) -> Vec<WebhookId> {
        self.of.iter().filter(|(_, load)| load.is_busy()).map(|(id, _)| *id).collect()
    }

    /// These were taken, of at most `room` endpoints, and go on.
    pub(super) fn begin(&mut self, due: &[DueDelivery], room: u32) {
        let mut taken: HashMap<WebhookId, u32> = HashMap::new();
        for due in due {
            *taken.entry(due.webhook.id).or_default() += 1;
            self.of.entry(due.webhook.id).or_default().is_failing = due.webhook.failing_since.is_some();
        }
        self.is_full = taken.len() >= room as usize;
        for (webhook, number) in taken {
            let load = self.of.entry(webhook).or_default();
            load.number += number;
            load.has_more = number >= EACH;
            self.all += number;
        }
    }

    /// One has ended; whether more are to be taken now rather than at the next look.
    pub(super) fn end(&mut self, webhook: WebhookId) -> bool {
        let Some(load) = self.of.get_mut(&webhook) else {
            return false;
        };
        let was_busy = load.is_busy();
        load.number -= 1;
        self.all -= 1;
        let is_hungry = load.has_more && was_busy && !load.is_busy();
        if load.number == 0 {
            self.of.remove(&webhook);
        }
        is_hungry || self.is_full
    }
}

impl Load {
    fn is_busy(&self) -> bool {
        self.number >= EACH / 2 || (self.is_failing && self.number > 0)
    }
}

#[cfg(test)]
mod tests;
