//! What operators count.

use super::asked::{SECOND, admitted, edge, session};
use super::streams::{active, named, now, started, stopped};
use crate::PageRequest;
use crate::broadcasts::session::EndReason;
use crate::catalog::CatalogQuery;
use crate::lifecycle::LIFETIME;
use crate::ports::Counts;
use crate::testing::{Store, asking};

/// The counts are those of the public lists, at every time.
pub async fn counts_agree_with_the_public_lists(store: &impl Store) {
    for (number, name) in [(1, "one"), (2, "two"), (3, "three"), (4, "four")] {
        started(store, &named(number, name, now())).await;
    }
    stopped(store, 4, now()).await;
    admitted(store, &asking("s1", "one", 1), now()).await;
    admitted(store, &asking("s2", "two", 2), now()).await;
    // Admitted, and not shown by its server yet.
    let mut unconfirmed = asking("s3", "three", 3);
    unconfirmed.confirmed = false;
    admitted(store, &unconfirmed, now()).await;
    let counts = store.count(now()).await.expect("the store is there");
    assert_eq!(counts, Counts { active: 3, live: 2, open_sessions: vec![(edge(), 3)], missing_objects: 0 });
    store.end(&session("s1"), EndReason::Left, now()).await.expect("the store is there");
    for at in [now(), now().plus(60 * SECOND), now().plus(LIFETIME + SECOND)] {
        let live = CatalogQuery::live(PageRequest::default());
        let live = store.list(&live, at).await.expect("the store is there").streams.len() as u64;
        let counts = store.count(at).await.expect("the store is there");
        assert_eq!((counts.active, counts.live), (active(store, at).await.len() as u64, live), "{at:?}");
    }
}

/// Each session that ended after the time in question is listed once, with its reason.
pub async fn ended_sessions_are_listed_with_their_reasons(store: &impl Store) {
    for (number, name) in [(1, "one"), (2, "two"), (3, "three")] {
        started(store, &named(number, name, now())).await;
    }
    let first = admitted(store, &asking("s1", "one", 1), now()).await.session;
    let second = admitted(store, &asking("s2", "two", 2), now()).await.session;
    admitted(store, &asking("s3", "three", 3), now()).await;
    store.end(&session("s1"), EndReason::Left, now().plus(SECOND)).await.expect("the store is there");
    store.end(&session("s2"), EndReason::ServerRestarted, now().plus(2 * SECOND)).await.expect("it is there");
    let mut ended = store.list_ended(now()).await.expect("the store is there");
    ended.sort_by_key(|ended| ended.session);
    let told: Vec<_> = ended.iter().map(|ended| (ended.session, ended.at, ended.reason)).collect();
    let expected = [
        (first, now().plus(SECOND), EndReason::Left),
        (second, now().plus(2 * SECOND), EndReason::ServerRestarted),
    ];
    assert_eq!(told, expected);
    let later = store.list_ended(now().plus(SECOND)).await.expect("the store is there");
    assert_eq!(later.iter().map(|ended| ended.session).collect::<Vec<_>>(), [second]);
}
