//! Endpoints and deliveries for the laws.

use std::time::Duration;

use super::asked::SECOND;
use super::events::all;
use super::streams::{named, now, started, stopped, user};
use crate::events::EventKind;
use crate::ports::StreamStore;
use crate::testing::SeededEntropy;
use crate::webhooks::{Attempt, Claim, DueDelivery, Next, Outcome, WebhookSecret, WebhookTerms};
use crate::{Timestamp, Webhook};

pub(super) fn terms(url: &str, kinds: &[EventKind]) -> WebhookTerms {
    WebhookTerms { url: url.to_owned(), kinds: kinds.to_vec(), description: None }
}

pub(super) fn secret(seed: u64) -> WebhookSecret {
    WebhookSecret::generate(&SeededEntropy::new(seed)).expect("it has bytes without end")
}

pub(super) async fn added(store: &dyn StreamStore, number: i64, kinds: &[EventKind]) -> Webhook {
    let url = format!("https://{number}.example/hook");
    let new = Webhook::added(Some(user(number)), terms(&url, kinds), secret(1), now());
    store.add_webhook(user(number), &new).await.expect("there is room")
}

/// A user's key is generated and stopped: two events.
pub(super) async fn two_events(store: &dyn StreamStore, number: i64, key: &str) {
    started(store, &named(number, key, now())).await;
    stopped(store, number, now()).await;
    all(store, None).await;
}

pub(super) fn claim(at: Timestamp) -> Claim {
    Claim { now: at, until: at.plus(30 * SECOND), busy: Vec::new(), webhooks: 100, each: 100 }
}

pub(super) async fn taken(store: &dyn StreamStore, claim: &Claim) -> Vec<DueDelivery> {
    let mut due = store.claim_deliveries(claim).await.expect("the store is there");
    due.sort_by_key(DueDelivery::key);
    due
}

pub(super) fn attempt(at: Timestamp, status: u16) -> Attempt {
    let took = Duration::from_millis(20);
    Attempt { at, status: Some(status), error: None, took, answer: "an answer".to_owned() }
}

pub(super) async fn recorded(store: &dyn StreamStore, due: &DueDelivery, next: Next, at: Timestamp) {
    let status = if next == Next::Delivered { 200 } else { 500 };
    let outcome = Outcome { next, disable: None };
    store.record_attempt(due, &attempt(at, status), outcome, at).await.expect("the store is there");
}

pub(super) async fn own(store: &dyn StreamStore, webhook: &Webhook) -> Webhook {
    let owner = webhook.user.expect("it is a user's");
    store.find_webhook(owner, webhook.id).await.expect("the store is there").expect("it is there")
}
