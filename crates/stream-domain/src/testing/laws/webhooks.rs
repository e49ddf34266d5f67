//! Endpoints of webhooks: whose they are, and how they change.

use futures_util::future::join_all;

use super::asked::SECOND;
use super::delivered::{added, attempt, claim, own, secret, taken, terms, two_events};
use super::streams::{now, user};
use crate::Timestamp;
use crate::Webhook;
use crate::events::{EventKind, LogPosition};
use crate::ports::{AddWebhookError, StreamStore};
use crate::webhooks::{DisableReason, MAX_WEBHOOKS, Next, Outcome, ROTATION, WebhookChange, WebhookTerms};

/// An endpoint is kept as it is, and found, changed and taken away by its owner alone.
pub async fn an_endpoint_is_its_owners(store: &dyn StreamStore) {
    let first = added(store, 1, &[EventKind::StreamLive, EventKind::StreamOffline]).await;
    let second = added(store, 1, &[]).await;
    assert_eq!(
        first.terms,
        terms("https://1.example/hook", &[EventKind::StreamLive, EventKind::StreamOffline])
    );
    assert_eq!(store.list_webhooks(user(1)).await.ok(), Some(vec![first.clone(), second.clone()]));
    assert_eq!(store.list_webhooks(user(2)).await.ok(), Some(Vec::new()));
    assert_eq!(own(store, &first).await, first);
    let later = now().plus(SECOND);
    let said = WebhookTerms { description: Some("Söme".to_owned()), ..terms("https://new.example/", &[]) };
    for change in [
        WebhookChange::Replace(said, false),
        WebhookChange::Rotate(secret(2)),
        WebhookChange::Replay(LogPosition(0), LogPosition(3)),
    ] {
        assert_eq!(store.change_webhook(user(2), first.id, &change, later).await.ok(), Some(None));
        let expected = own(store, &first).await.changed(change.clone(), later);
        let changed = store.change_webhook(user(1), first.id, &change, later).await;
        assert_eq!(changed.ok(), Some(Some(expected.clone())));
        assert_eq!(own(store, &first).await, expected);
    }
    let rotated = own(store, &first).await;
    assert_eq!(rotated.secrets_at(later), [secret(2), secret(1)]);
    assert_eq!(rotated.secrets_at(later.plus(ROTATION)), [secret(2)]);
    assert_eq!(store.find_webhook(user(2), first.id).await.ok(), Some(None));
    assert_eq!(store.remove_webhook(user(2), first.id).await.ok(), Some(None));
    assert_eq!(store.remove_webhook(user(1), first.id).await.ok(), Some(Some(rotated)));
    assert_eq!(store.remove_webhook(user(1), first.id).await.ok(), Some(None));
    assert_eq!(store.list_webhooks(user(1)).await.ok(), Some(vec![second]));
}

/// However many are added at once, a user has ten.
pub async fn a_user_has_only_so_many_endpoints(store: &dyn StreamStore) {
    let new = Webhook::added(Some(user(1)), terms("https://1.example/", &[]), secret(1), now());
    let racers = (0..MAX_WEBHOOKS + 5).map(|_| store.add_webhook(user(1), &new));
    let outcomes = join_all(racers).await;
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Err(AddWebhookError::TooMany))).count();
    assert_eq!(refused, 5, "{outcomes:?}");
    assert_eq!(store.list_webhooks(user(1)).await.map(|all| all.len()).ok(), Some(MAX_WEBHOOKS as usize));
    added(store, 2, &[]).await;
}

/// The operator's endpoint follows the settings: its secret is rotated, and it is switched on again.
pub async fn the_operators_endpoint_is_kept_as_it_is_wanted(store: &dyn StreamStore) {
    let keep = async |url: &str, seed: u64, at: Timestamp| {
        let wanted = Some((url.to_owned(), secret(seed)));
        store.keep_operator_webhook(wanted, at).await.expect("the store is there");
        two_events(store, 1, &format!("key-{}", at.unix_micros())).await;
        taken(store, &claim(at)).await
    };
    let first = keep("https://one.example/", 1, now()).await;
    let later = now().plus(SECOND);
    let second = keep("https://two.example/", 2, later).await;
    assert_eq!(first[0].webhook.id, second[0].webhook.id);
    assert_eq!(second[0].webhook.terms.url, "https://two.example/");
    assert_eq!(second[0].webhook.secrets_at(later), [secret(2), secret(1)]);
    let gone = Outcome { next: Next::RetryAt(later), disable: Some(DisableReason::Gone) };
    store.record_attempt(&second[0], &attempt(later, 410), gone, later).await.expect("the store is there");
    assert_eq!(taken(store, &claim(later)).await, []);
    let latest = later.plus(SECOND);
    let third = keep("https://two.example/", 2, latest).await;
    assert_eq!(third[0].webhook.secrets_at(latest), [secret(2), secret(1)]);
    assert_eq!(third[0].webhook.disabled, None);
    store.keep_operator_webhook(None, latest).await.expect("the store is there");
    two_events(store, 1, "after").await;
    assert_eq!(taken(store, &claim(latest.plus(100 * SECOND))).await, []);
}
