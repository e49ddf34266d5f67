//! Deliveries in memory.

use async_trait::async_trait;

use super::endpoints::{KeptDelivery, wants};
use super::{MemoryStore, State};
use crate::events::{Event, EventKind};
use crate::ports::{DeliveryStore, StoreError};
use crate::webhooks::{
    Attempt, Claim, Delivery, DeliveryKey, DeliveryPage, DeliveryQuery, DeliveryState, DisableReason,
    DueDelivery, KEPT_ATTEMPTS, Next, Outcome, WebhookCounts,
};
use crate::{Timestamp, Webhook};

impl State {
    fn event_of(&self, key: DeliveryKey) -> Option<&Event> {
        self.told.events.iter().find(|event| event.position == key.position)
    }

    fn shown(&self, kept: &KeptDelivery) -> Option<Delivery> {
        let (key, state, attempts) = (kept.key, kept.state, kept.attempts.clone());
        let next_at = kept.next_at.filter(|_| state == DeliveryState::Pending);
        Some(Delivery { key, event: self.event_of(key)?.clone(), state, next_at, attempts })
    }

    fn kept_delivery(&mut self, key: DeliveryKey) -> Option<&mut KeptDelivery> {
        self.endpoints.deliveries.iter_mut().find(|kept| kept.key == key)
    }
}

#[async_trait]
impl DeliveryStore for MemoryStore {
    async fn claim_deliveries(&self, claim: &Claim) -> Result<Vec<DueDelivery>, StoreError> {
        let mut state = self.state()?;
        let mut claimed = Vec::new();
        let mut webhooks: Vec<Webhook> = state.endpoints.all.clone();
        webhooks.retain(|webhook| webhook.disabled.is_none() && !claim.busy.contains(&webhook.id));
        let mut left = claim.webhooks;
        for webhook in webhooks {
            let is_due = |kept: &&KeptDelivery| kept.next_at.is_none_or(|at| at <= claim.now);
            let of_webhook = state.endpoints.pending().filter(|(kept, _)| kept.key.webhook == webhook.id);
            let mut due: Vec<KeptDelivery> =
                of_webhook.map(|(kept, _)| kept).filter(is_due).cloned().collect();
            due.sort_by_key(|kept| (kept.next_at, kept.key.position));
            due.truncate(if webhook.failing_since.is_none() { claim.each as usize } else { 1 });
            if due.is_empty() || left == 0 {
                continue;
            }
            left -= 1;
            for kept in due {
                let event = state.event_of(kept.key).cloned();
                claimed.extend(event.map(|event| DueDelivery {
                    webhook: webhook.clone(),
                    event,
                    tries: kept.tries,
                }));
                if let Some(kept) = state.kept_delivery(kept.key) {
                    kept.next_at = Some(claim.until);
                }
            }
        }
        Ok(claimed)
    }

    async fn record_attempt(
        &self,
        due: &DueDelivery,
        attempt: &Attempt,
        outcome: Outcome,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (mut state, key) = (self.state()?, due.key());
        if let Some(kept) = state.kept_delivery(key) {
            kept.attempts.push(attempt.clone());
            let kept_from = kept.attempts.len().saturating_sub(KEPT_ATTEMPTS as usize);
            kept.attempts.drain(..kept_from);
            if kept.state == DeliveryState::Pending {
                kept.tries += 1;
                match outcome.next {
                    Next::Delivered => kept.state = DeliveryState::Delivered,
                    Next::RetryAt(at) => kept.next_at = Some(at),
                    Next::GiveUp => kept.state = DeliveryState::Failed,
                }
            }
        }
        let is_same =
            |webhook: &&Webhook| webhook.id == key.webhook && webhook.updated_at == due.webhook.updated_at;
        let webhook = state.endpoints.all.iter().find(is_same).cloned();
        if let Some(mut webhook) = webhook {
            let is_stale = outcome.disable == Some(DisableReason::Failing) && webhook.failing_since.is_none();
            let disable = outcome.disable.filter(|_| !is_stale);
            webhook.failing_since = match outcome.next {
                Next::Delivered => None,
                Next::RetryAt(_) | Next::GiveUp => webhook.failing_since.or(Some(attempt.at)),
            };
            webhook.disabled = webhook.disabled.or(disable.map(|reason| (now, reason)));
            state.put_webhook(&webhook);
        }
        Ok(())
    }

    async fn list_deliveries(&self, query: &DeliveryQuery) -> Result<DeliveryPage, StoreError> {
        let state = self.state()?;
        let of_webhook = state.endpoints.deliveries.iter().filter(|kept| {
            kept.key.webhook == query.webhook
                && query.state.is_none_or(|wanted| kept.state == wanted)
                && query.before.is_none_or(|before| kept.key.position < before)
        });
        let mut deliveries: Vec<Delivery> = of_webhook.filter_map(|kept| state.shown(kept)).collect();
        deliveries.sort_by_key(|delivery| std::cmp::Reverse(delivery.key.position));
        Ok(query.page_of(deliveries))
    }

    async fn retry_delivery(&self, key: DeliveryKey) -> Result<Option<Delivery>, StoreError> {
        let mut state = self.state()?;
        if let Some(kept) = state.kept_delivery(key) {
            kept.renew();
        }
        let kept = state.endpoints.deliveries.iter().find(|kept| kept.key == key);
        Ok(kept.and_then(|kept| state.shown(kept)))
    }

    async fn replay_deliveries(&self, limit: u32) -> Result<u32, StoreError> {
        let mut state = self.state()?;
        let replayed = state.endpoints.all.iter().find_map(|webhook| {
            let replay = webhook.replay.filter(|_| webhook.disabled.is_none())?;
            Some((webhook.clone(), replay))
        });
        let Some((webhook, (after, to))) = replayed else {
            return Ok(0);
        };
        let of_log = state.told.events.iter().filter(|event| after < event.position && event.position <= to);
        let of_log = of_log.filter(|event| event.kind != EventKind::WebhookTest.as_str());
        let part: Vec<_> =
            of_log.filter(|event| wants(&webhook, event)).take(limit as usize).cloned().collect();
        for event in &part {
            let key = DeliveryKey { webhook: webhook.id, position: event.position };
            match state.kept_delivery(key) {
                Some(kept) => kept.renew(),
                None => state.endpoints.deliveries.push(KeptDelivery::new(key)),
            }
        }
        let is_full = part.len() == limit as usize;
        let rest = part.last().filter(|_| is_full).map(|last| (last.position, to));
        state.put_webhook(&Webhook { replay: rest, ..webhook });
        Ok(u32::try_from(part.len()).unwrap_or(u32::MAX))
    }

    async fn forget_deliveries(&self, limit: u32) -> Result<u32, StoreError> {
        let mut state = self.state()?;
        let forgotten = state.told.forgotten;
        let mut left = limit;
        let State { endpoints, .. } = &mut *state;
        endpoints.deliveries.retain(|kept| {
            let is_kept = endpoints.all.iter().any(|webhook| webhook.id == kept.key.webhook);
            let goes = left > 0 && (!is_kept || kept.key.position <= forgotten);
            left -= u32::from(goes);
            !goes
        });
        Ok(limit - left)
    }

    async fn count_webhooks(&self) -> Result<WebhookCounts, StoreError> {
        let state = self.state()?;
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let is_off =
            |webhook: &&Webhook| webhook.disabled.is_some_and(|(_, reason)| reason != DisableReason::Owner);
        let all = &state.endpoints.all;
        let healthy = state
            .endpoints
            .pending()
            .filter(|(kept, webhook)| webhook.failing_since.is_none() && kept.tries == 0);
        let first = healthy.map(|(kept, _)| kept.key).min_by_key(|key| key.position);
        Ok(WebhookCounts {
            enabled: number(all.iter().filter(|webhook| webhook.disabled.is_none()).count()),
            disabled: number(all.iter().filter(is_off).count()),
            pending: number(state.endpoints.pending().count()),
            oldest: first.and_then(|key| state.event_of(key)).map(|event| event.at),
        })
    }
}
