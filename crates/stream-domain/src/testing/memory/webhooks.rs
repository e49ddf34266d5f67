//! Endpoints in memory.

use async_trait::async_trait;

use super::{MemoryStore, State};
use crate::events::EventKind;
use crate::ports::{AddWebhookError, StoreError, WebhookStore};
use crate::webhooks::{MAX_WEBHOOKS, WebhookChange, WebhookSecret};
use crate::{Timestamp, UserId, Webhook, WebhookId};

impl State {
    /// Writes an endpoint, and tells when it is switched off.
    pub(super) fn put_webhook(&mut self, changed: &Webhook) {
        let Some(place) = self.endpoints.all.iter().position(|kept| kept.id == changed.id) else {
            return;
        };
        let before = std::mem::replace(&mut self.endpoints.all[place], changed.clone());
        if let (None, Some((_, reason))) = (before.disabled, changed.disabled) {
            let reason = format!(r#","reason":"{}""#, reason.as_str());
            self.add_of_webhook(EventKind::WebhookDisabled, changed, &reason);
        }
    }

    fn add_webhook(&mut self, new: &Webhook) -> Webhook {
        self.endpoints.last += 1;
        let webhook = Webhook { id: WebhookId(self.endpoints.last), ..new.clone() };
        self.endpoints.all.push(webhook.clone());
        webhook
    }

    fn own_webhook(&self, user: UserId, id: WebhookId) -> Option<Webhook> {
        self.endpoints.all.iter().find(|kept| kept.id == id && kept.user == Some(user)).cloned()
    }
}

#[async_trait]
impl WebhookStore for MemoryStore {
    async fn add_webhook(&self, user: UserId, new: &Webhook) -> Result<Webhook, AddWebhookError> {
        let mut state = self.state()?;
        let own = state.endpoints.all.iter().filter(|kept| kept.user == Some(user)).count();
        if own >= MAX_WEBHOOKS as usize {
            return Err(AddWebhookError::TooMany);
        }
        Ok(state.add_webhook(new))
    }

    async fn list_webhooks(&self, user: UserId) -> Result<Vec<Webhook>, StoreError> {
        let state = self.state()?;
        Ok(state.endpoints.all.iter().filter(|kept| kept.user == Some(user)).cloned().collect())
    }

    async fn find_webhook(&self, user: UserId, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        Ok(self.state()?.own_webhook(user, id))
    }

    async fn change_webhook(
        &self,
        user: UserId,
        id: WebhookId,
        change: &WebhookChange,
        now: Timestamp,
    ) -> Result<Option<Webhook>, StoreError> {
        let mut state = self.state()?;
        let changed = state.own_webhook(user, id).map(|own| own.changed(change.clone(), now));
        changed.iter().for_each(|changed| state.put_webhook(changed));
        Ok(changed)
    }

    async fn remove_webhook(&self, user: UserId, id: WebhookId) -> Result<Option<Webhook>, StoreError> {
        let mut state = self.state()?;
        let own = state.own_webhook(user, id);
        state.endpoints.all.retain(|kept| Some(kept) != own.as_ref());
        Ok(own)
    }

    async fn tell_test(&self, user: UserId, id: WebhookId) -> Result<(), StoreError> {
        let mut state = self.state()?;
        if let Some(own) = state.own_webhook(user, id) {
            state.add_of_webhook(EventKind::WebhookTest, &own, "");
        }
        Ok(())
    }

    async fn keep_operator_webhook(
        &self,
        wanted: Option<(String, WebhookSecret)>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut state = self.state()?;
        let kept = state.endpoints.all.iter().find(|kept| kept.user.is_none()).cloned();
        match (wanted, kept) {
            (None, None) => {}
            (None, Some(kept)) => state.put_webhook(&kept.switched_off(now)),
            (Some((url, secret)), None) => {
                drop(state.add_webhook(&Webhook::operators(None, url, secret, now)));
            }
            (Some((url, secret)), kept) => state.put_webhook(&Webhook::operators(kept, url, secret, now)),
        }
        Ok(())
    }
}
