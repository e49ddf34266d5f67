//! What is read for many at once.

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use futures_util::future::join_all;
use stream_domain::ports::{Clock as _, KeyLookup as _, KeyStore as _, StoreError};
use stream_domain::testing::ManualClock;
use stream_domain::{NewStream, StreamKey, StreamStatus, UserId};
use tempfile::TempDir;

use super::{block_on, migrated};
use crate::pool::{self, Mode};

fn key(name: &str) -> StreamKey {
    StreamKey::parse(name).unwrap()
}

fn new_stream(number: i64, name: &str) -> NewStream {
    stream_domain::testing::new_stream(UserId::new(number).unwrap(), key(name), ManualClock::default().now())
}

/// Writes past the store, as another process would.
fn sql(folder: &TempDir, statement: &str) {
    let path = folder.path().join("streams.db");
    let mut connection = pool::open(&path, Mode::Write, Duration::from_secs(5)).unwrap();
    connection.batch_execute(statement).unwrap();
}

#[test]
fn a_row_that_cannot_be_read_fails_its_own_lookups_alone() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "good")).await.unwrap();
        store.start(&new_stream(2, "bad")).await.unwrap();
        sql(&database, "UPDATE streams SET status = 'strange' WHERE stream_key = 'bad'");
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
fn callers_who_go_away_take_nobody_along() {
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
fn a_reading_that_fails_leaves_the_next_one_alone() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "mine")).await.unwrap();
        let wanted = key("mine");
        assert!(store.find_by_key(&wanted).await.unwrap().is_some());
        for _ in 0..3 {
            sql(&database, "ALTER TABLE streams RENAME TO elsewhere");
            assert!(store.find_by_key(&wanted).await.is_err());
            sql(&database, "ALTER TABLE elsewhere RENAME TO streams");
            assert!(store.find_by_key(&wanted).await.unwrap().is_some());
        }
    });
}

#[test]
fn what_somebody_else_writes_is_read() {
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
            sql(&database, &format!("UPDATE streams SET status = '{word}'"));
            // Asked twice, so that the second is answered from what the first one read.
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
