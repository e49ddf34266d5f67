//! Reads that many request at once.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use diesel::debug_query;
use diesel::pg::Pg;
use diesel::prelude::*;
use futures_util::future::join_all;
use stream_domain::catalog::CatalogQuery;
use stream_domain::ports::{CatalogStore as _, KeyLookup as _, KeyStore as _, StoreError};
use stream_domain::{PageRequest, StreamStatus};
use stream_test_postgres::Database;

use super::{block_on, key, migrated, new_stream, now};
use crate::connector::PLAN_LOOKUPS;
use crate::lists::{List, page_of};
use crate::row::{StreamRow, streams};

#[test]
fn an_unreadable_row_fails_only_its_own_lookups() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "good")).await.unwrap();
        store.start(&new_stream(2, "bad")).await.unwrap();
        database.sql("UPDATE streams SET status = 'strange' WHERE stream_key = 'bad'");
        let (good, bad) = (key("good"), key("bad"));
        for _ in 0..5 {
            let both = (0..40).map(|number| store.find_by_key(if number % 2 == 0 { &good } else { &bad }));
            for (number, found) in join_all(both).await.into_iter().enumerate() {
                match found {
                    Ok(Some(stream)) => assert_eq!((number % 2, stream.key), (0, good.clone())),
                    Err(StoreError::Corrupt { .. }) => assert_eq!(number % 2, 1),
                    other => panic!("{other:?}"),
                }
            }
        }
    });
}

#[test]
fn a_caller_that_leaves_does_not_cancel_others() {
    block_on(async {
        let (_database, store) = migrated().await;
        store.start(&new_stream(1, "mine")).await.unwrap();
        let wanted = key("mine");
        for turn in 0..50 {
            let leave = join_all((0..20).map(|number| {
                tokio::time::timeout(Duration::from_micros(number * 20 + turn), store.find_by_key(&wanted))
            }));
            let stay = join_all((0..20).map(|_| store.find_by_key(&wanted)));
            let (_, stayed) = tokio::join!(leave, stay);
            assert!(stayed.into_iter().all(|found| found.unwrap().is_some()));
        }
    });
}

#[test]
fn a_read_that_fails_does_not_affect_the_next_one() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "mine")).await.unwrap();
        let wanted = key("mine");
        assert!(store.find_by_key(&wanted).await.unwrap().is_some());
        for _ in 0..3 {
            database.sql("ALTER TABLE streams RENAME TO elsewhere");
            assert!(store.find_by_key(&wanted).await.is_err());
            database.sql("ALTER TABLE elsewhere RENAME TO streams");
            assert!(store.find_by_key(&wanted).await.unwrap().is_some());
        }
    });
}

#[test]
fn writes_past_the_store_are_read() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "mine")).await.unwrap();
        let wanted = key("mine");
        for turn in 0..30 {
            let (status, word) = if turn % 2 == 0 {
                (StreamStatus::Stopped, "stopped")
            } else {
                (StreamStatus::Active, "active")
            };
            database.sql(&format!("UPDATE streams SET status = '{word}'"));
            // Twice, so that a response from memory would show.
            for _ in 0..2 {
                let found = join_all((0..8).map(|_| store.find_by_key(&wanted))).await;
                assert!(
                    found.into_iter().all(|found| found.unwrap().unwrap().status == status),
                    "turn {turn}"
                );
            }
        }
    });
}

#[test]
fn a_page_is_the_same_arc_while_nothing_in_it_has_changed() {
    block_on(async {
        let (_database, store) = migrated().await;
        for number in 1..=5 {
            store.start(&new_stream(number, &format!("key-{number}"))).await.unwrap();
        }
        let small = PageRequest { limit: NonZeroU32::new(3), after: None };
        for page in [small, PageRequest::default()] {
            let query = CatalogQuery::active(page);
            let first = store.list(&query, now()).await.unwrap();
            // What is written outside the page does not concern it.
            store.expire_overdue(now(), 100).await.unwrap();
            assert!(Arc::ptr_eq(&first, &store.list(&query, now()).await.unwrap()));
            let later = first.streams[0].expires_at;
            assert_ne!(first, store.list(&query, later).await.unwrap(), "time alone changes it, too");
            let stopped = first.streams[0].user_id.unwrap();
            store.stop_active(stopped, now()).await.unwrap().unwrap();
            let second = store.list(&query, now()).await.unwrap();
            assert!(second.streams.iter().all(|stream| stream.user_id != Some(stopped)));
        }
    });
}

#[test]
fn requests_for_one_page_share_it() {
    block_on(async {
        let (_database, store) = migrated().await;
        store.start(&new_stream(1, "mine")).await.unwrap();
        let query = CatalogQuery::active(PageRequest { limit: NonZeroU32::new(3), after: None });
        let pages = join_all((0..20).map(|_| store.list(&query, now()))).await;
        let pages: Vec<_> = pages.into_iter().map(Result::unwrap).collect();
        assert!(pages.iter().all(|page| Arc::ptr_eq(page, &pages[0])));
    });
}

#[test]
fn a_lookup_that_is_planned_on_empty_tables_enters_them_by_their_indexes() {
    block_on(async {
        let (database, _store) = migrated().await;
        let rows = streams::table.select(StreamRow::as_select());
        let by_key = debug_query::<Pg, _>(&rows.filter(streams::stream_key.eq_any([""; 0]))).to_string();
        let by_id = debug_query::<Pg, _>(&rows.filter(streams::playback_id.eq_any([""; 0]))).to_string();
        for (lookup, index) in [(by_key, "idx_streams_stream_key"), (by_id, "streams_playback_id")] {
            let plan = plan(&database, &lookup, "text[]", "'{}'");
            let enters = |index: &str| plan.contains(&format!(" using {index} on "));
            assert!(enters(index) || enters("streams_stream_key_key"), "{plan}");
            assert!(enters("publish_sessions_by_stream"), "{plan}");
        }
    });
}

#[test]
fn a_page_of_many_active_streams_is_read_in_its_order() {
    block_on(async {
        let (database, store) = migrated().await;
        database.sql(
            "INSERT INTO streams (user_id, stream_key, status, created_at, updated_at, expires_at)
             SELECT n, 'key-' || n, CASE WHEN n % 50 = 0 THEN 'active' ELSE 'stopped' END, instant, instant,
                    instant + INTERVAL '1 day'
             FROM generate_series(1, 50000) n,
                  LATERAL (SELECT timestamp '2026-01-02' - n * INTERVAL '1 millisecond') t (instant);
             ANALYZE streams",
        );
        let mut page = PageRequest { limit: NonZeroU32::new(50), after: None };
        let first = store.list(&CatalogQuery::active(page), now()).await.unwrap();
        for (after, types, values) in [
            (None, "timestamp, bigint", "'2026-01-02', 51"),
            (
                first.next,
                "timestamp, timestamp, timestamp, timestamp, int, bigint",
                "'2026-01-02', '2026-01-02', '2026-01-02', '2026-01-02', 1, 51",
            ),
        ] {
            page.after = after;
            let list = page_of(List::at(&CatalogQuery::active(page), now()), &page);
            let plan =
                plan(&database, &debug_query::<Pg, _>(&list.select(StreamRow::as_select())), types, values);
            assert!(plan.contains(" using streams_active_newest_first on "), "{plan}");
            assert!(!plan.contains("Sort"), "{plan}");
        }
        // Live streams are found by their sessions: few, however many streams are active.
        for (after, types, values) in [
            (None, "timestamp, timestamp, bigint", "'2026-01-02', '2026-01-02', 51"),
            (
                first.next,
                "timestamp, timestamp, timestamp, timestamp, timestamp, int, bigint",
                "'2026-01-02', '2026-01-02', '2026-01-02', '2026-01-02', '2026-01-02', 1, 51",
            ),
        ] {
            page.after = after;
            let list =
                page_of(List::at(&CatalogQuery::live(page), now()), &page).select(StreamRow::as_select());
            let plan = plan(&database, &debug_query::<Pg, _>(&list), types, values);
            assert!(!plan.contains(" using streams_active_newest_first on "), "{plan}");
        }
    });
}

/// How a connection for lookups and pages carries a statement out that it has planned once.
fn plan(database: &Database<'_>, statement: &impl std::fmt::Display, types: &str, values: &str) -> String {
    let settings = PLAN_LOOKUPS.iter().map(|(name, value)| format!("SET {name} = {value};"));
    let settings: String = settings.collect();
    database.sql(&format!(
        "{settings} PREPARE planned ({types}) AS {statement}\n; EXPLAIN EXECUTE planned ({values})"
    ))
}
