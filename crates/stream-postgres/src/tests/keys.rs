//! Starts and stops at the same time.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::future::join_all;
use stream_domain::ports::{KeyStore as _, StartError};
use stream_domain::testing::SeededEntropy;
use stream_test_postgres::{Cluster, counting_proxy};

use super::{block_on, key, migrated, new_stream, now, user};
use crate::{PostgresOptions, PostgresStore};

#[test]
fn a_taken_key_fails_only_its_own_start() {
    block_on(async {
        let (_database, store) = migrated().await;
        store.start(&new_stream(1, "taken")).await.unwrap();
        let new: Vec<_> = (2..=41)
            .map(|number| {
                new_stream(
                    number,
                    &if number % 10 == 0 { "taken".to_owned() } else { format!("key-{number}") },
                )
            })
            .collect();
        let outcomes = join_all(new.iter().map(|new| store.start(new))).await;
        for (new, outcome) in new.iter().zip(outcomes) {
            match outcome {
                Ok(stream) => assert_eq!(stream.key, new.key),
                Err(StartError::KeyTaken) => assert_eq!(new.key, key("taken")),
                other => panic!("{other:?}"),
            }
        }
    });
}

#[test]
fn an_unknown_user_fails_only_its_own_start() {
    block_on(async {
        let (database, store) = migrated().await;
        database.create_users(20);
        store.add_users_foreign_key().await.unwrap();
        let new: Vec<_> = (11..=30).map(|number| new_stream(number, &format!("key-{number}"))).collect();
        let outcomes = join_all(new.iter().map(|new| store.start(new))).await;
        for (new, outcome) in new.iter().zip(outcomes) {
            match outcome {
                Ok(_) => assert!(new.user_id.get() <= 20),
                Err(StartError::UnknownUser) => assert!(new.user_id.get() > 20),
                other => panic!("{other:?}"),
            }
        }
    });
}

#[test]
fn a_locked_row_delays_only_its_own_stop() {
    block_on(async {
        let (database, store) = migrated().await;
        for number in 1..=20 {
            store.start(&new_stream(number, &format!("key-{number}"))).await.unwrap();
        }
        let sleeping = "FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
        let hold = "BEGIN; SELECT FROM streams WHERE stream_key = 'key-7' FOR UPDATE; SELECT pg_sleep(30)";
        let mut holder = std::process::Command::new("psql");
        let mut holder = holder.args(["-X", "-q", "-d", &database.url(), "-c", hold]).spawn().unwrap();
        stream_test_postgres::eventually("the lock", || {
            database.sql(&format!("SELECT count(*) {sleeping}")) == "1"
        });
        let others = (1..=20).filter(|number| *number != 7);
        let held = store.stop_active(user(7), now());
        let stops = join_all(others.map(|number| store.stop_active(user(number), now())));
        let mut held = std::pin::pin!(held);
        tokio::select! {
            stopped = stops => assert!(stopped.into_iter().all(|stopped| stopped.unwrap().is_some())),
            _ = &mut held => panic!("a locked row was changed"),
        }
        holder.kill().unwrap();
        holder.wait().unwrap();
        // The session may notice late that its client is gone.
        database.sql(&format!("SELECT pg_terminate_backend(pid) {sleeping}"));
        let outcome = tokio::time::timeout(Duration::from_secs(20), held).await.unwrap();
        assert!(outcome.unwrap().is_some());
    });
}

#[test]
fn a_start_and_a_stop_cost_one_round_trip_and_their_refusals_two() {
    block_on(async {
        let (database, direct) = migrated().await;
        database.create_users(20);
        direct.add_users_foreign_key().await.unwrap();
        let (port, count) = counting_proxy(Cluster::shared().port());
        let url = database.url().replace(&Cluster::shared().port().to_string(), &port.to_string());
        // Two connections: one of them for writes.
        let options = PostgresOptions { url, pool_size: 2, timeout: Duration::from_secs(5) };
        let store = PostgresStore::new(&options, Arc::new(SeededEntropy::default())).unwrap();
        store.add_users_foreign_key().await.unwrap();
        // The first of each kind prepares its statement.
        for round in 1..=2 {
            let trips = || count.swap(0, Ordering::SeqCst);
            trips();
            store.start(&new_stream(1, &format!("mine-{round}"))).await.unwrap();
            let start = trips();
            let refusal = store.start(&new_stream(1, &format!("other-{round}"))).await;
            assert!(matches!(refusal, Err(StartError::AlreadyActive(_))), "{refusal:?}");
            let refused_start = trips();
            assert!(store.stop_active(user(1), now()).await.unwrap().is_some());
            let stop = trips();
            assert!(store.stop_active(user(1), now()).await.unwrap().is_none());
            let refused_stop = trips();
            if round == 2 {
                assert_eq!([start, refused_start, stop, refused_stop], [1, 2, 1, 2]);
            }
        }
    });
}
