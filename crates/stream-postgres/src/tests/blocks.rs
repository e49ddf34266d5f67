//! Blocked users, whoever writes their streams, and at every isolation.

use std::process::{Child, Command, Stdio};

use futures_util::future::{join, join_all};
use stream_domain::Block;
use stream_domain::ports::{BlockStore as _, KeyStore as _, StartError};
use stream_test_postgres::{Database, eventually};

use super::{block_on, migrated, new_stream, now, store_at, user};

const ISOLATIONS: [&str; 3] = ["read committed", "repeatable read", "serializable"];

fn block(number: i64) -> Block {
    Block { user: user(number), reason: None, blocked_at: now() }
}

/// A stream of this user as the earlier service inserts it, from the clock of these tests on.
fn insert(number: i64, key: &str) -> String {
    format!(
        "INSERT INTO streams (user_id, stream_key, status, created_at, updated_at, expires_at)
         VALUES ({number}, '{key}', 'active', '2026-01-02 03:04:05', '2026-01-02 03:04:05', '2026-01-03 03:04:05')"
    )
}

fn active(database: &Database<'_>) -> String {
    database.sql("SELECT count(*) FROM streams WHERE status = 'active'")
}

/// Another client's session that runs these statements, once it sleeps.
fn begin(database: &Database<'_>, statements: &str) -> Child {
    let mut client = Command::new("psql");
    client.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &database.url(), "-c", statements]);
    let client = client.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    eventually("the other client's sleep", || {
        let sleeping = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
        database.sql(sleeping) == "1"
    });
    client
}

#[test]
fn a_stream_that_the_earlier_service_writes_for_a_blocked_user_is_stopped_from_its_beginning() {
    block_on(async {
        let (database, store) = migrated().await;
        store.block_user(&block(1)).await.unwrap();
        for isolation in ISOLATIONS {
            let key = isolation.replace(' ', "-");
            let written = database.sql(&format!(
                "BEGIN ISOLATION LEVEL {isolation}; {} RETURNING status; COMMIT",
                insert(1, &key)
            ));
            assert_eq!(written, "stopped", "{isolation}");
            database.sql(&format!("UPDATE streams SET status = 'active' WHERE stream_key = '{key}'"));
            assert_eq!(active(&database), "0", "{isolation}");
        }
        // Nothing is left of how it was looked at, and nothing was told of streams that never began.
        assert_eq!(database.sql("SELECT string_agg(user_id::text, ',') FROM stream_blocked_users"), "1");
        assert_eq!(database.sql("SELECT count(*) FROM stream_events WHERE type = 'stream.created'"), "0");
        database.sql(&insert(2, "another-users"));
        // Another's stream does not become a blocked user's either.
        database.sql("UPDATE streams SET user_id = 1 WHERE stream_key = 'another-users'");
        assert_eq!(active(&database), "0");
        store.unblock_user(user(1)).await.unwrap();
        database.sql(&insert(1, "after"));
        assert_eq!(active(&database), "1");
    });
}

#[test]
fn a_block_waits_for_streams_that_are_being_written() {
    for isolation in ISOLATIONS {
        block_on(async {
            let (database, store) = migrated().await;
            let statements = format!(
                "BEGIN ISOLATION LEVEL {isolation}; {}; SELECT pg_sleep(1); COMMIT",
                insert(1, "under-way")
            );
            let mut other = begin(&database, &statements);
            let (_, stopped) = store.block_user(&block(1)).await.unwrap();
            assert_eq!(active(&database), "0", "{isolation}");
            assert_eq!(stopped.unwrap().key.expose(), "under-way", "{isolation}");
            assert!(other.wait().unwrap().success());
        });
    }
}

#[test]
fn what_a_transaction_saw_before_a_block_does_not_count() {
    for isolation in ISOLATIONS {
        block_on(async {
            let (database, store) = migrated().await;
            let statements = format!(
                "BEGIN ISOLATION LEVEL {isolation}; SELECT count(*) FROM streams; SELECT pg_sleep(1); {}; COMMIT",
                insert(1, "late")
            );
            let other = begin(&database, &statements);
            store.block_user(&block(1)).await.unwrap();
            let ended = other.wait_with_output().unwrap();
            assert_eq!(active(&database), "0", "{isolation}");
            // One that cannot see the block is told to try again.
            assert_eq!(ended.status.success(), isolation == "read committed", "{isolation}");
            let told = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert!(ended.status.success() || told.contains("could not serialize access"), "{told}");
        });
    }
}

#[test]
fn a_block_wins_against_starts_whatever_the_default_isolation_is() {
    for isolation in ISOLATIONS {
        block_on(async {
            let (database, migrating) = migrated().await;
            migrating.close();
            let set = format!("default_transaction_isolation = '{isolation}'");
            database.sql(&format!("ALTER DATABASE {} SET {set}", database.name()));
            let store = store_at(&database.url());
            for round in 1..=10 {
                let starts = (0..16).map(async |racer| {
                    let started = store.start(&new_stream(round, &format!("key-{round}-{racer}"))).await;
                    // A transaction that is tried again and again may find no time.
                    let is_expected =
                        matches!(started, Ok(_) | Err(StartError::AlreadyActive(_) | StartError::Blocked(_)));
                    assert!(is_expected || isolation != "read committed", "{isolation}: {started:?}");
                });
                let blocked = block(round);
                let (_, blocked) = join(join_all(starts), store.block_user(&blocked)).await;
                blocked.unwrap();
                assert_eq!(active(&database), "0", "{isolation}, round {round}");
            }
        });
    }
}
