//! Deliveries: who gets which event, once taken by one sender, and what becomes of it.

use std::collections::HashSet;

use futures_util::future::{join, join_all};

use super::asked::SECOND;
use super::delivered::{added, attempt, claim, own, recorded, secret, taken, terms, two_events};
use super::events::{all, told};
use super::streams::{RACERS, now, user};
use crate::events::{EventKind, LogPosition};
use crate::ports::StreamStore;
use crate::testing::Store;
use crate::webhooks::{
    Attempt, Claim, DeliveryKey, DeliveryQuery, DeliveryState, DisableReason, DueDelivery, KEPT_ATTEMPTS,
    Next, Outcome, WebhookChange,
};
use crate::{Timestamp, WebhookId};

/// What was taken: the endpoint and the type of event of each.
fn told_to(due: &[DueDelivery]) -> Vec<(WebhookId, &str)> {
    due.iter().map(|due| (due.webhook.id, due.event.kind.as_str())).collect()
}

/// An event is pending for its user's endpoints that want its type, and for the operator's; a test for one endpoint.
pub async fn an_event_is_pending_for_those_who_want_it(store: &dyn StreamStore) {
    two_events(store, 1, "before").await;
    let everything = added(store, 1, &[]).await.id;
    let stops = added(store, 1, &[EventKind::StreamStopped, EventKind::StreamLive]).await.id;
    let others = added(store, 2, &[]).await.id;
    let wanted = Some(("https://operator.example/".to_owned(), secret(9)));
    store.keep_operator_webhook(wanted, now()).await.expect("the store is there");
    two_events(store, 1, "one").await;
    store.tell_test(user(1), stops).await.expect("the store is there");
    store.tell_test(user(2), stops).await.expect("the store is there");
    all(store, None).await;
    let due = taken(store, &claim(now())).await;
    let operators = due.last().expect("something is due").webhook.clone();
    assert_eq!(operators.user, None);
    let expected = [
        (everything, "stream.created"),
        (everything, "stream.stopped"),
        (stops, "stream.stopped"),
        (stops, "webhook.test"),
        (operators.id, "stream.created"),
        (operators.id, "stream.stopped"),
    ];
    assert_eq!(told_to(&due), expected, "nothing to {others:?}");
    let log = all(store, None).await;
    assert!(due.iter().all(|due| log.contains(&due.event)), "{due:?}");
    assert!(due.iter().all(|due| due.tries == 0), "{due:?}");
    let kinds: Vec<String> = told_kinds(store, 1).await;
    assert_eq!(kinds.last().map(String::as_str), Some("webhook.test"));
}

async fn told_kinds(store: &dyn StreamStore, number: i64) -> Vec<String> {
    all(store, Some(user(number))).await.into_iter().map(|event| event.kind).collect()
}

/// What was taken is another's until its time is up, and then it comes back, unless it was recorded.
pub async fn what_was_taken_is_taken_once(store: &dyn StreamStore) {
    added(store, 1, &[]).await;
    two_events(store, 1, "one").await;
    let first = claim(now());
    let due = taken(store, &first).await;
    assert_eq!(due.len(), 2);
    assert_eq!(taken(store, &first).await, []);
    assert_eq!(taken(store, &claim(first.until.plus(-SECOND))).await, []);
    recorded(store, &due[1], Next::Delivered, now()).await;
    let again = taken(store, &claim(first.until)).await;
    assert_eq!(again.iter().map(DueDelivery::key).collect::<Vec<_>>(), [due[0].key()]);
    recorded(store, &due[0], Next::Delivered, first.until).await;
    assert_eq!(taken(store, &claim(first.until.plus(100 * SECOND))).await, []);
    // What was taken before is no reason to miss what comes.
    two_events(store, 1, "another").await;
    assert_eq!(taken(store, &claim(first.until)).await.len(), 2);
}

/// Many senders at once take everything, and nothing twice, while events go on.
pub async fn one_of_many_senders_takes_a_delivery(store: &impl Store) {
    for number in 1..=3 {
        added(store, number, &[]).await;
    }
    let write = async |number: i64| {
        for round in 0..4 {
            two_events(store, number, &format!("key-{number}-{round}")).await;
        }
    };
    let send = async |_: usize| {
        let mut own = Vec::new();
        for _ in 0..8 {
            let few = Claim { each: 2, ..claim(now()) };
            own.extend(taken(store, &few).await.iter().map(DueDelivery::key));
        }
        own
    };
    let (_, sent) = join(join_all((1..=3).map(write)), join_all((0..RACERS).map(send))).await;
    let mut keys: Vec<DeliveryKey> = sent.into_iter().flatten().collect();
    loop {
        let rest = taken(store, &claim(now())).await;
        if rest.is_empty() {
            break;
        }
        keys.extend(rest.iter().map(DueDelivery::key));
    }
    let distinct: HashSet<_> = keys.iter().collect();
    assert_eq!((keys.len(), distinct.len()), (24, 24));
}

/// A sender takes of few endpoints, of each a few, of one that fails one, of a busy one none; new events come first.
pub async fn a_sender_takes_only_so_much(store: &dyn StreamStore) {
    let (one, two) = (added(store, 1, &[]).await.id, added(store, 2, &[]).await.id);
    two_events(store, 1, "one").await;
    two_events(store, 2, "two").await;
    let busy = taken(store, &Claim { busy: vec![one], each: 1, ..claim(now()) }).await;
    assert_eq!(told_to(&busy), [(two, "stream.created")]);
    let later = now().plus(10 * SECOND);
    recorded(store, &busy[0], Next::RetryAt(later), now()).await;
    let mut of_each = Vec::new();
    for _ in 0..2 {
        let few = taken(store, &Claim { webhooks: 1, ..claim(now()) }).await;
        assert!(few.iter().all(|due| due.webhook.id == few[0].webhook.id), "{few:?}");
        of_each.push((few[0].webhook.id, few.len()));
    }
    of_each.sort_unstable();
    assert_eq!(of_each, [(one, 2), (two, 1)]);
    two_events(store, 2, "another").await;
    // Its first event is due again, and the new ones come before it.
    let order = [EventKind::StreamCreated, EventKind::StreamStopped].map(EventKind::as_str);
    for kind in order {
        let next = taken(store, &Claim { busy: vec![one], ..claim(later) }).await;
        assert_eq!(told_to(&next), [(two, kind)]);
        assert_ne!(next[0].key(), busy[0].key());
        assert!(next[0].webhook.failing_since.is_some());
    }
    let last = taken(store, &Claim { busy: vec![one], ..claim(later) }).await;
    assert_eq!((last[0].key(), last[0].tries), (busy[0].key(), 1));
}

/// What follows from an attempt is kept with it, and with how long its endpoint has been failing.
pub async fn an_attempt_is_recorded_with_what_follows(store: &dyn StreamStore) {
    let webhook = added(store, 1, &[]).await;
    two_events(store, 1, "one").await;
    let due = taken(store, &claim(now())).await;
    let (soon, later) = (now().plus(SECOND), now().plus(5 * SECOND));
    let without_answer = Attempt { status: None, error: Some("timed out".to_owned()), ..attempt(now(), 0) };
    let outcome = Outcome { next: Next::RetryAt(later), disable: None };
    store.record_attempt(&due[0], &without_answer, outcome, soon).await.expect("the store is there");
    assert_eq!(own(store, &webhook).await.failing_since, Some(now()));
    recorded(store, &due[1], Next::GiveUp, soon).await;
    assert_eq!(own(store, &webhook).await.failing_since, Some(now()));
    let healthy = store.count_webhooks().await.expect("the store is there");
    assert_eq!((healthy.enabled, healthy.disabled, healthy.pending, healthy.oldest), (1, 0, 1, None));
    assert_eq!(taken(store, &claim(soon)).await, []);
    let again = taken(store, &claim(later)).await;
    assert_eq!((again.len(), again[0].key(), again[0].tries), (1, due[0].key(), 1));
    recorded(store, &again[0], Next::Delivered, later).await;
    assert_eq!(own(store, &webhook).await.failing_since, None);
    // Of two senders, since one was too slow for its lease, the success counts.
    recorded(store, &again[0], Next::RetryAt(later), later.plus(SECOND)).await;
    let query = DeliveryQuery { webhook: webhook.id, state: None, before: None, limit: 10 };
    let page = store.list_deliveries(&query).await.expect("the store is there");
    let states: Vec<_> =
        page.deliveries.iter().map(|one| (one.state, one.attempts.len(), one.next_at)).collect();
    assert_eq!(states, [(DeliveryState::Failed, 1, None), (DeliveryState::Delivered, 3, None)]);
    assert_eq!(page.deliveries[1].attempts[..2], [without_answer, attempt(later, 200)]);
    two_events(store, 1, "another").await;
    // Its endpoint fails, as it was said last.
    assert_eq!(taken(store, &claim(later)).await.len(), 1);
    assert_eq!(store.count_webhooks().await.map(|counts| counts.pending).ok(), Some(2));
}

/// One that is switched off, by whomever, gets nothing, until its owner switches it on: then it gets what was pending.
pub async fn an_endpoint_that_is_switched_off_is_told_of_and_left_alone(store: &dyn StreamStore) {
    let webhook = added(store, 1, &[]).await;
    let other = added(store, 1, &[EventKind::WebhookDisabled]).await;
    two_events(store, 1, "one").await;
    let due = taken(store, &claim(now())).await;
    let gone = Outcome { next: Next::RetryAt(now()), disable: Some(DisableReason::Gone) };
    for _ in 0..2 {
        store.record_attempt(&due[0], &attempt(now(), 410), gone, now()).await.expect("the store is there");
    }
    let off = own(store, &webhook).await;
    assert_eq!(off.disabled, Some((now(), DisableReason::Gone)));
    let facts = told(store, user(1)).await.pop().expect("it was told");
    assert_eq!(facts, ("webhook.disabled".to_owned(), r#""reason":"gone"}"#.to_owned()));
    assert_eq!(told_kinds(store, 1).await, ["stream.created", "stream.stopped", "webhook.disabled"]);
    two_events(store, 1, "missed").await;
    let later = now().plus(100 * SECOND);
    assert_eq!(told_to(&taken(store, &claim(later)).await), [(other.id, "webhook.disabled")]);
    let counts = store.count_webhooks().await.expect("the store is there");
    assert_eq!((counts.enabled, counts.disabled, counts.pending), (1, 1, 1));
    let on = WebhookChange::Replace(webhook.terms.clone(), true);
    store.change_webhook(user(1), webhook.id, &on, later).await.expect("the store is there");
    assert_eq!(own(store, &webhook).await.failing_since, None);
    let again = taken(store, &claim(later)).await;
    assert_eq!(told_to(&again), [(webhook.id, "stream.created"), (webhook.id, "stream.stopped")]);
    assert_eq!(again.iter().map(DueDelivery::key).collect::<Vec<_>>(), [due[0].key(), due[1].key()]);
    let off = WebhookChange::Replace(webhook.terms.clone(), false);
    store.change_webhook(user(1), webhook.id, &off, later).await.expect("the store is there");
    assert_eq!(
        told(store, user(1)).await.pop().map(|(_, facts)| facts),
        Some(r#""reason":"owner"}"#.to_owned())
    );
    let counts = store.count_webhooks().await.expect("the store is there");
    assert_eq!((counts.enabled, counts.disabled), (1, 0), "what owners switch off is no trouble");
}

/// Deliveries come latest first, in pages, and one may be asked for again whatever became of it.
pub async fn deliveries_are_listed_and_tried_again(store: &dyn StreamStore) {
    let webhook = added(store, 1, &[]).await;
    let other = added(store, 1, &[]).await;
    two_events(store, 1, "one").await;
    two_events(store, 1, "two").await;
    let due = taken(store, &Claim { busy: vec![other.id], ..claim(now()) }).await;
    recorded(store, &due[0], Next::Delivered, now()).await;
    recorded(store, &due[1], Next::GiveUp, now()).await;
    let query = DeliveryQuery { webhook: webhook.id, state: None, before: None, limit: 3 };
    let first = store.list_deliveries(&query).await.expect("the store is there");
    let positions = |deliveries: &[crate::webhooks::Delivery]| -> Vec<i64> {
        deliveries.iter().map(|delivery| delivery.key.position.0).collect()
    };
    assert_eq!((positions(&first.deliveries), first.next), (vec![4, 3, 2], Some(LogPosition(2))));
    let rest = store.list_deliveries(&DeliveryQuery { before: first.next, ..query }).await;
    let rest = rest.expect("the store is there");
    assert_eq!((positions(&rest.deliveries), rest.next), (vec![1], None));
    assert_eq!(rest.deliveries[0].event, due[0].event);
    for (state, expected) in [
        (DeliveryState::Pending, vec![4, 3]),
        (DeliveryState::Failed, vec![2]),
        (DeliveryState::Delivered, vec![1]),
    ] {
        let page = store.list_deliveries(&DeliveryQuery { state: Some(state), ..query }).await;
        assert_eq!(page.map(|page| positions(&page.deliveries)).ok(), Some(expected));
    }
    for due in &due[..2] {
        let again = store.retry_delivery(due.key()).await.expect("the store is there").expect("it is there");
        assert_eq!((again.state, again.next_at, again.attempts.len()), (DeliveryState::Pending, None, 1));
    }
    // It has failed, and so gets one at a time.
    let retried = taken(store, &Claim { busy: vec![other.id], ..claim(now()) }).await;
    assert_eq!(retried.iter().map(|due| (due.key(), due.tries)).collect::<Vec<_>>(), [(due[0].key(), 0)]);
    let unknown = DeliveryKey { webhook: webhook.id, position: LogPosition(99) };
    assert_eq!(store.retry_delivery(unknown).await.ok(), Some(None));
}

/// What happened after a position comes once more, delivered or not, as far as the log went then.
pub async fn a_replay_delivers_once_more(store: &dyn StreamStore) {
    two_events(store, 1, "before").await;
    let webhook = added(store, 1, &[EventKind::StreamCreated]).await;
    two_events(store, 2, "of-another").await;
    two_events(store, 1, "one").await;
    two_events(store, 1, "two").await;
    let due = taken(store, &claim(now())).await;
    for due in &due {
        recorded(store, due, Next::Delivered, now()).await;
    }
    let replay = WebhookChange::Replay(LogPosition(0), LogPosition(6));
    store.change_webhook(user(1), webhook.id, &replay, now()).await.expect("the store is there");
    two_events(store, 1, "three").await;
    let mut looked_over = 0;
    while own(store, &webhook).await.replay.is_some() {
        looked_over += store.replay_deliveries(1).await.expect("the store is there");
    }
    assert!((2..=6).contains(&looked_over), "{looked_over}");
    assert_eq!(store.replay_deliveries(10).await.ok(), Some(0));
    let again = taken(store, &claim(now())).await;
    let positions: Vec<i64> = again.iter().map(|due| due.event.position.0).collect();
    assert_eq!(positions, [1, 5, 9], "not 7, which came after what was asked for, and was delivered");
}

/// What an endpoint has yet to be sent is kept, up to a limit, and deliveries go with their events and their endpoints.
pub async fn events_are_kept_for_those_who_have_yet_to_get_them(store: &dyn StreamStore) {
    let far = Timestamp::from_unix_micros(10_000_000_000_000_000).expect("it is in range");
    let webhook = added(store, 1, &[]).await;
    let off = added(store, 1, &[]).await;
    two_events(store, 1, "one").await;
    two_events(store, 1, "two").await;
    let switch_off = WebhookChange::Replace(off.terms.clone(), false);
    store.change_webhook(user(1), off.id, &switch_off, now()).await.expect("the store is there");
    all(store, None).await;
    let due = taken(store, &claim(now())).await;
    recorded(store, &due[0], Next::Delivered, now()).await;
    assert_eq!(store.forget_events(far, Timestamp::MIN, 10).await.ok(), Some(1));
    assert_eq!(store.forget_deliveries(10).await.ok(), Some(2));
    let query = DeliveryQuery { webhook: webhook.id, state: None, before: None, limit: 10 };
    let left = store.list_deliveries(&query).await.expect("the store is there");
    assert_eq!(left.deliveries.len(), 4);
    assert_eq!(store.forget_events(far, far, 10).await.ok(), Some(3));
    assert_eq!(store.forget_deliveries(2).await.ok(), Some(2));
    assert_eq!(store.forget_deliveries(10).await.ok(), Some(4));
    let left = store.list_deliveries(&query).await.expect("the store is there");
    assert_eq!(left.deliveries.len(), 1);
    store.remove_webhook(user(1), webhook.id).await.expect("the store is there");
    assert_eq!(store.forget_deliveries(10).await.ok(), Some(1));
    assert_eq!(store.forget_deliveries(10).await.ok(), Some(0));
}

/// What an owner has changed is not judged by what was sent before, nor switched off for failures that are over.
pub async fn an_endpoint_is_judged_by_what_it_is_now(store: &dyn StreamStore) {
    let webhook = added(store, 1, &[]).await;
    two_events(store, 1, "one").await;
    let before = taken(store, &claim(now())).await;
    let later = now().plus(SECOND);
    let elsewhere = WebhookChange::Replace(terms("https://new.example/", &[]), true);
    store.change_webhook(user(1), webhook.id, &elsewhere, later).await.expect("the store is there");
    let gone = Outcome { next: Next::RetryAt(later), disable: Some(DisableReason::Gone) };
    store.record_attempt(&before[0], &attempt(later, 410), gone, later).await.expect("the store is there");
    let judged = own(store, &webhook).await;
    assert_eq!((judged.disabled, judged.failing_since), (None, None));
    assert_eq!(store.count_webhooks().await.map(|counts| counts.oldest.is_some()).ok(), Some(true));
    recorded(store, &before[1], Next::Delivered, later).await;
    let counts = store.count_webhooks().await.expect("the store is there");
    assert_eq!((counts.pending, counts.oldest), (1, None), "what is tried again is not late");
    let again = taken(store, &claim(later)).await;
    assert_eq!(again.iter().map(DueDelivery::key).collect::<Vec<_>>(), [before[0].key()]);
    let failing = Outcome { next: Next::GiveUp, disable: Some(DisableReason::Failing) };
    store.record_attempt(&again[0], &attempt(later, 500), failing, later).await.expect("the store is there");
    assert_eq!(own(store, &webhook).await.disabled, None, "another has just succeeded");
    store
        .record_attempt(&again[0], &attempt(later.plus(SECOND), 500), failing, later)
        .await
        .expect("it is there");
    assert_eq!(own(store, &webhook).await.disabled, Some((later, DisableReason::Failing)));
}

/// However often a delivery is asked for again, its last attempts are kept.
pub async fn the_last_attempts_are_kept(store: &dyn StreamStore) {
    let webhook = added(store, 1, &[EventKind::StreamCreated]).await;
    two_events(store, 1, "one").await;
    for second in 0..i32::try_from(KEPT_ATTEMPTS).expect("a small number") + 3 {
        let at = now().plus(second * SECOND);
        let due = taken(store, &claim(at)).await;
        recorded(store, &due[0], Next::Delivered, at).await;
        store.retry_delivery(due[0].key()).await.expect("the store is there");
    }
    let query = DeliveryQuery { webhook: webhook.id, state: None, before: None, limit: 10 };
    let page = store.list_deliveries(&query).await.expect("the store is there");
    let times: Vec<_> = page.deliveries[0].attempts.iter().map(|tried| tried.at).collect();
    let expected: Vec<_> =
        (3..).take(KEPT_ATTEMPTS as usize).map(|second: i32| now().plus(second * SECOND)).collect();
    assert_eq!(times, expected);
}
