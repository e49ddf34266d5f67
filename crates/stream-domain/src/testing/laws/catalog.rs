//! The public list.

use std::num::NonZeroU32;
use time::Duration;

use super::streams::{active, named, names, now, own, started, stopped, user};
use crate::PageRequest;
use crate::catalog::CatalogQuery;
use crate::ports::StreamStore;

/// The public list has an order, whatever the order of starting was.
pub async fn active_streams_come_newest_first(store: &dyn StreamStore) {
    for (number, seconds) in [(1, 20), (2, 10), (3, 30)] {
        started(store, &named(number, &format!("at-{seconds}"), now().plus(Duration::seconds(seconds))))
            .await;
    }
    assert_eq!(names(&active(store, now().plus(Duration::MINUTE)).await), ["at-30", "at-20", "at-10"]);
}

/// Equal times do not make the order a matter of chance.
pub async fn streams_of_one_instant_come_by_number(store: &dyn StreamStore) {
    for number in 1..=9 {
        started(store, &named(number, &format!("key-{number}"), now())).await;
    }
    let active = active(store, now()).await;
    assert!(active.is_sorted_by(|newer, older| newer.id > older.id), "{:?}", names(&active));
}

/// Paging gives each stream once.
pub async fn pages_join_to_the_whole_list(store: &dyn StreamStore) {
    for number in 1..=7 {
        // Pairs of one instant, so that page borders fall between equals too.
        let at = now().plus(Duration::seconds(number / 2));
        started(store, &named(number, &format!("key-{number}"), at)).await;
        started(store, &named(100, &format!("own-{number}"), at)).await;
        stopped(store, 100, at).await;
    }
    let then = now().plus(Duration::MINUTE);
    for limit in [1, 2, 3, 7, 8] {
        let (mut public, mut own_list) = (Vec::new(), Vec::new());
        let mut page = PageRequest { limit: NonZeroU32::new(limit), after: None };
        loop {
            let answer = store.list(&CatalogQuery::active(page), then).await.expect("the store is there");
            assert!(answer.streams.len() <= limit as usize);
            public.extend(answer.streams.iter().cloned());
            let Some(next) = answer.next else { break };
            page.after = Some(next);
        }
        page.after = None;
        loop {
            let answer = store.list_by_user(user(100), &page).await.expect("the store is there");
            own_list.extend(answer.streams);
            let Some(next) = answer.next else { break };
            page.after = Some(next);
        }
        assert_eq!(public, active(store, then).await, "pages of {limit}");
        assert_eq!(own_list, own(store, 100).await, "pages of {limit}");
    }
}

/// What comes in at the head does not shift the tail.
pub async fn a_page_is_undisturbed_by_new_streams(store: &dyn StreamStore) {
    for number in 1..=4 {
        let at = now().plus(Duration::seconds(number));
        started(store, &named(number, &format!("key-{number}"), at)).await;
    }
    let then = now().plus(Duration::MINUTE);
    let mut page = PageRequest { limit: NonZeroU32::new(2), after: None };
    let first = store.list(&CatalogQuery::active(page), then).await.expect("the store is there");
    started(store, &named(5, "newcomer", now().plus(Duration::seconds(9)))).await;
    stopped(store, 3, then).await;
    page.after = first.next;
    let second = store.list(&CatalogQuery::active(page), then).await.expect("the store is there");
    assert_eq!(names(&first.streams), ["key-4", "key-3"]);
    assert_eq!(names(&second.streams), ["key-2", "key-1"]);
}

/// A page that nobody has written to since changes with the time that it is asked for, in either direction.
pub async fn a_page_is_what_it_is_at_its_time(store: &dyn StreamStore) {
    let old = started(store, &named(1, "old", now())).await;
    let young = started(store, &named(2, "young", now().plus(Duration::HOUR))).await;
    let page = PageRequest { limit: NonZeroU32::new(1), after: None };
    for _ in 0..2 {
        for (at, shown, more) in [
            (young.created_at, Some("young"), true),
            (old.expires_at, Some("young"), false),
            (young.expires_at, None, false),
        ] {
            let listed = store.list(&CatalogQuery::active(page), at).await.expect("the store is there");
            assert_eq!(names(&listed.streams).first().copied(), shown);
            assert_eq!(listed.next.is_some(), more);
        }
    }
}

/// A page that is asked for again shows what was written meanwhile.
pub async fn a_page_is_read_again_each_time(store: &dyn StreamStore) {
    let page = PageRequest { limit: NonZeroU32::new(10), after: None };
    for number in 1..=20 {
        started(store, &named(number, &format!("key-{number}"), now())).await;
        let listed = store.list(&CatalogQuery::active(page), now()).await.expect("the store is there");
        let newest = format!("key-{number}");
        assert_eq!(names(&listed.streams).first().copied(), Some(newest.as_str()));
        assert_eq!(store.list(&CatalogQuery::active(page), now()).await.expect("the store is there"), listed);
        if number % 2 == 0 {
            stopped(store, number, now()).await;
            let listed = store.list(&CatalogQuery::active(page), now()).await.expect("the store is there");
            assert_ne!(names(&listed.streams).first().copied(), Some(newest.as_str()));
        }
    }
}
