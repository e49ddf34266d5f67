//! Admissions whose answer came too late.

use super::asked::{SECOND, admitted, live_since, pending_kicks, session, sessions, updating};
use super::streams::{named, now, started, stopped};
use crate::broadcasts::admission::PublishRequest;
use crate::broadcasts::session::EndReason;
use crate::media_server::LEASE;
use crate::ports::KICK_RETRY_AFTER;
use crate::testing::{Store, asking};

fn unconfirmed(request: PublishRequest) -> PublishRequest {
    PublishRequest { confirmed: false, ..request }
}

/// An admission whose answer came too late gives the stream back to the publisher that gave way.
pub async fn an_admission_that_came_too_late_is_undone(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    let first = asking("s1", "one", 1);
    let old = admitted(store, &first, now()).await.session;
    let later = now().plus(2 * SECOND);
    let new = admitted(store, &asking("s2", "one", 1), later).await.session;
    store.withdraw(new, later.plus(SECOND)).await.expect("the store is there");
    let [kept, withdrawn] = &sessions(store, 1, "one").await[..] else { panic!("two sessions") };
    assert_eq!((kept.id, kept.ended, kept.kick, kept.lease_until), (old, None, None, now().plus(LEASE)));
    assert_eq!(withdrawn.ended, Some((later.plus(SECOND), EndReason::AnsweredTooLate)));
    assert_eq!(live_since(store, "one", later).await, Some(now()));
    assert_eq!(pending_kicks(store, later.plus(5 * SECOND)).await.len(), 0, "nobody is to be kicked");
    // It goes on as if nothing had been, and may be taken over from.
    assert!(!admitted(store, &updating(&first), later.plus(5 * SECOND)).await.is_new);
    let third = admitted(store, &asking("s3", "one", 1), later.plus(6 * SECOND)).await;
    assert_eq!(third.superseded.map(|(session, _)| session), Some(old));
    // What was withdrawn is no part of the broadcast, however long that goes on.
    store.end(&session("s3"), EndReason::Left, later.plus(6 * SECOND)).await.expect("the store is there");
    let back = later.plus(60 * SECOND);
    let fourth = admitted(store, &asking("s5", "one", 1), back).await.session;
    assert_eq!(live_since(store, "one", back).await, Some(now()));
    store.withdraw(fourth, back).await.expect("the store is there");
    let next = admitted(store, &unconfirmed(asking("s6", "one", 1)), later.plus(66 * SECOND)).await.session;
    assert_eq!(
        sessions(store, 1, "one").await.pop().map(|last| (last.id, last.live_since)),
        Some((next, now()))
    );
    // Withdrawing twice changes nothing, and neither does a session that superseded nobody.
    store.withdraw(new, later.plus(7 * SECOND)).await.expect("the store is there");
    assert!(sessions(store, 1, "one").await[0].ended.is_some());
    started(store, &named(2, "two", now())).await;
    let alone = admitted(store, &asking("s4", "two", 1), now()).await.session;
    store.withdraw(alone, now()).await.expect("the store is there");
    assert_eq!(sessions(store, 2, "two").await[0].ended, Some((now(), EndReason::AnsweredTooLate)));
}

/// A publisher that gave way and was ended at its server, or may have been, does not come back by a withdrawal.
pub async fn a_withdrawal_brings_no_kicked_publisher_back(store: &impl Store) {
    for (number, name) in [(1, "confirmed"), (2, "taken")] {
        started(store, &named(number, name, now())).await;
        let old = admitted(store, &asking(&format!("{name}-1"), name, 1), now()).await.session;
        let new = admitted(store, &asking(&format!("{name}-2"), name, 1), now()).await.session;
        let later = now().plus(KICK_RETRY_AFTER);
        assert_eq!(pending_kicks(store, later).await, [format!("{name}-1")]);
        if name == "confirmed" {
            store.mark_kicked(old, later).await.expect("the store is there");
        }
        store.withdraw(new, later).await.expect("the store is there");
        let [kept, withdrawn] = &sessions(store, number, name).await[..] else { panic!("two sessions") };
        assert_eq!(kept.ended, Some((now(), EndReason::Superseded)), "{name}");
        assert_eq!(withdrawn.ended, Some((later, EndReason::AnsweredTooLate)), "{name}");
        assert_eq!(live_since(store, name, later).await, None);
    }
    // Whose kick is not known to have come about is kicked again.
    assert_eq!(pending_kicks(store, now().plus(3 * KICK_RETRY_AFTER)).await, ["taken-1"]);
}

/// A stop between a takeover and its withdrawal leaves the first publisher to be kicked, and the second refused.
pub async fn a_withdrawal_after_a_stop_leaves_the_first_to_be_kicked(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    let new = admitted(store, &asking("s2", "one", 1), now()).await.session;
    stopped(store, 1, now()).await;
    store.withdraw(new, now().plus(SECOND)).await.expect("the store is there");
    let [kept, withdrawn] = &sessions(store, 1, "one").await[..] else { panic!("two sessions") };
    assert_eq!(kept.ended, Some((now(), EndReason::Superseded)));
    assert_eq!(withdrawn.ended, Some((now().plus(SECOND), EndReason::Stopped)));
    assert_eq!(pending_kicks(store, now().plus(2 * SECOND)).await, ["s1"]);
}

/// Another publisher that has the stream, or the connection, by the time of a withdrawal keeps it.
pub async fn a_withdrawal_takes_nothing_from_others(store: &impl Store) {
    started(store, &named(1, "one", now())).await;
    started(store, &named(2, "two", now())).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    let second = admitted(store, &asking("s2", "one", 1), now()).await.session;
    let third = admitted(store, &asking("s3", "one", 1), now().plus(SECOND)).await.session;
    store.withdraw(second, now().plus(SECOND)).await.expect("the store is there");
    assert_eq!(sessions(store, 1, "one").await.iter().filter(|one| one.ended.is_none()).count(), 1);
    // The second was refused in the end, so the third gives the stream back to nobody.
    store.withdraw(third, now().plus(SECOND)).await.expect("the store is there");
    assert_eq!(live_since(store, "one", now().plus(SECOND)).await, None);
    // The connection of the first went on to publish something else.
    let later = now().plus(10 * SECOND);
    admitted(store, &asking("c1", "one", 1), later).await;
    let newest = PublishRequest { ..asking("c2", "one", 1) };
    let over = super::asked::verdict_on(
        store,
        &newest,
        &crate::broadcasts::admission::Terms {
            takeover: crate::broadcasts::admission::Takeover::Newest,
            ..crate::testing::terms()
        },
        later,
    )
    .await;
    let crate::broadcasts::admission::Verdict::Admitted(over) = over else { panic!("{over:?}") };
    admitted(store, &asking("c1", "two", 1), later).await;
    store.withdraw(over.session, later).await.expect("the store is there");
    assert_eq!(live_since(store, "one", later).await, None);
    assert_eq!(live_since(store, "two", later).await, Some(later));
}
