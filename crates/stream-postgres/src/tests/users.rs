//! The tie to the user-service's table.

use stream_domain::PageRequest;
use stream_domain::ports::{
    KeyLookup as _, KeyStore as _, StartError, StoreHealth as _, UserStreamsError, UsersTable,
};
use stream_test_postgres::{Cluster, eventually};

use super::{block_on, documented, key, migrated, new_stream, now, store_at, user};

const FOREIGN_KEYS: &str = "SELECT conname, convalidated, pg_get_constraintdef(oid) FROM pg_constraint
                            WHERE conrelid = 'streams'::regclass AND contype = 'f'";

#[test]
fn without_a_users_table_any_user_may_stream() {
    block_on(async {
        let (database, store) = migrated().await;
        assert_eq!(store.check().await.unwrap(), UsersTable::Missing);
        assert_eq!(database.sql(FOREIGN_KEYS), "");
        store.start(&new_stream(4_711, "mine")).await.unwrap();
        assert!(store.list_by_user(user(9), &PageRequest::default()).await.unwrap().streams.is_empty());
    });
}

#[test]
fn the_foreign_key_is_added_once_the_users_table_appears() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "mine")).await.unwrap();
        assert_eq!(store.add_users_foreign_key().await.unwrap(), UsersTable::Missing);
        database.create_users(2);
        assert_eq!(store.add_users_foreign_key().await.unwrap(), UsersTable::Referenced);
        assert_eq!(
            database.sql(FOREIGN_KEYS),
            "streams_user_id_fkey|t|FOREIGN KEY (user_id) REFERENCES users(id)"
        );
        assert_eq!(store.check().await.unwrap(), UsersTable::Referenced);
        assert_eq!(store.add_users_foreign_key().await.unwrap(), UsersTable::Referenced);
    });
}

#[test]
fn rows_of_unknown_users_do_not_keep_new_rows_from_being_checked() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(77, "theirs")).await.unwrap();
        database.create_users(2);
        assert_eq!(store.add_users_foreign_key().await.unwrap(), UsersTable::ReferencedByNewStreams);
        let refusal = store.start(&new_stream(78, "mine")).await;
        assert!(matches!(refusal, Err(StartError::UnknownUser)), "{refusal:?}");
        assert!(store.find_by_key(&key("theirs")).await.unwrap().is_some());
        database.sql("INSERT INTO users (id) VALUES (77)");
        assert_eq!(store.add_users_foreign_key().await.unwrap(), UsersTable::Referenced);
    });
}

#[test]
fn a_user_whom_the_platform_does_not_know_is_refused() {
    block_on(async {
        let database = Cluster::shared().database();
        database.create_users(2);
        let store = store_at(&database.url());
        store.migrate().await.unwrap();
        let refusal = store.start(&new_stream(3, "mine")).await;
        assert!(matches!(refusal, Err(StartError::UnknownUser)), "{refusal:?}");
        let refusal = store.stop_active(user(3), now()).await;
        assert!(matches!(refusal, Err(UserStreamsError::UnknownUser)), "{refusal:?}");
        let refusal = store.list_by_user(user(3), &PageRequest::default()).await;
        assert!(matches!(refusal, Err(UserStreamsError::UnknownUser)), "{refusal:?}");
        assert_eq!(store.stop_active(user(2), now()).await.unwrap(), None);
        assert!(store.list_by_user(user(2), &PageRequest::default()).await.unwrap().streams.is_empty());
    });
}

#[test]
fn a_deleted_users_streams_follow_the_existing_foreign_key() {
    block_on(async {
        let database = Cluster::shared().database();
        database.create_users(2);
        database.create_old_streams(true);
        let store = store_at(&database.url());
        store.migrate().await.unwrap();
        assert!(database.sql(FOREIGN_KEYS).ends_with("ON DELETE CASCADE"));
        store.start(&new_stream(1, "mine")).await.unwrap();
        database.sql("DELETE FROM users WHERE id = 1");
        assert_eq!(store.find_by_key(&key("mine")).await.unwrap(), None);
    });
}

#[test]
fn an_existing_key_of_another_name_is_validated() {
    block_on(async {
        let (database, store) = migrated().await;
        database.create_users(2);
        database.sql("ALTER TABLE streams ADD CONSTRAINT \"Fk Streams\" FOREIGN KEY (user_id) REFERENCES users(id) NOT VALID");
        assert_eq!(store.add_users_foreign_key().await.unwrap(), UsersTable::Referenced);
        assert!(database.sql(FOREIGN_KEYS).starts_with("Fk Streams|t|"));
    });
}

#[test]
fn a_users_table_that_cannot_be_referred_to_is_no_reason_not_to_serve() {
    block_on(async {
        let database = Cluster::shared().database();
        database.sql("CREATE VIEW users AS SELECT 1 AS id");
        let store = store_at(&database.url());
        store.migrate().await.unwrap();
        assert_eq!(store.check().await.unwrap(), UsersTable::NotReferenced);
        store.start(&new_stream(7, "mine")).await.unwrap();
    });
}

#[test]
fn tables_that_cannot_be_referred_to_are_told_apart_without_a_lock() {
    block_on(async {
        for (users, why) in [
            ("CREATE VIEW users AS SELECT 1 AS id", "a view"),
            ("CREATE MATERIALIZED VIEW users AS SELECT 1 AS id", "a materialized view"),
            ("CREATE TABLE users (id INTEGER)", "neither a primary key nor unique"),
            ("CREATE TABLE users (id UUID PRIMARY KEY)", "no integer but uuid"),
            ("CREATE TABLE users (id TEXT PRIMARY KEY)", "no integer but text"),
            ("CREATE TABLE users (number SERIAL PRIMARY KEY)", "no column id"),
            ("CREATE UNLOGGED TABLE users (id SERIAL PRIMARY KEY)", "unlogged"),
            ("CREATE TABLE users (id INTEGER UNIQUE DEFERRABLE)", "neither a primary key nor unique"),
            ("CREATE TABLE users (id INTEGER); CREATE UNIQUE INDEX ON users (id) WHERE id > 5", "neither"),
            (
                "CREATE TABLE users (id INTEGER, region TEXT, PRIMARY KEY (id, region)) PARTITION BY LIST (region)",
                "neither a primary key nor unique",
            ),
        ] {
            let (database, store) = migrated().await;
            store.start(&new_stream(1, "mine")).await.unwrap();
            database.sql(users);
            // A lock on the table would wait for this row, and fail in the end.
            let mut psql = std::process::Command::new("psql");
            let hold = "BEGIN; UPDATE streams SET updated_at = updated_at; SELECT pg_sleep(60)";
            let mut holder = psql.args(["-X", "-q", "-d", &database.url(), "-c", hold]).spawn().unwrap();
            let held = "SELECT count(*) FROM pg_locks WHERE relation = 'streams'::regclass AND mode = 'RowExclusiveLock'";
            eventually("the lock", || database.sql(held) != "0");
            let error = store.add_users_foreign_key().await.unwrap_err();
            assert!(error.innermost_cause().contains(why), "{users}: {error:?}");
            assert_eq!(store.users_table(), UsersTable::NotReferenced, "{users}");
            let plan = store.plan_migration().await.unwrap().to_string();
            assert_eq!(plan, "Nothing would change.", "{users}");
            holder.kill().unwrap();
            holder.wait().unwrap();
        }
    });
}

#[test]
fn tables_that_can_be_referred_to_are_in_whatever_shape() {
    block_on(async {
        for users in [
            "CREATE TABLE users (id BIGINT PRIMARY KEY)",
            "CREATE TABLE users (id SMALLINT UNIQUE)",
            "CREATE TABLE users (id INTEGER PRIMARY KEY) PARTITION BY RANGE (id);
             CREATE TABLE some_users PARTITION OF users FOR VALUES FROM (1) TO (1000)",
            "CREATE TABLE users (id INTEGER, name TEXT); CREATE UNIQUE INDEX ON users (id) INCLUDE (name)",
        ] {
            let (database, store) = migrated().await;
            database.sql(users);
            assert!(
                store.plan_migration().await.unwrap().to_string().contains("add the foreign key"),
                "{users}"
            );
            assert_eq!(store.add_users_foreign_key().await.unwrap(), UsersTable::Referenced, "{users}");
            database.sql("INSERT INTO users (id) VALUES (1)");
            store.start(&new_stream(1, "mine")).await.unwrap();
            let refusal = store.stop_active(user(2), now()).await;
            assert!(matches!(refusal, Err(UserStreamsError::UnknownUser)), "{users}: {refusal:?}");
        }
    });
}

#[test]
fn a_privilege_that_the_foreign_key_needs_is_named() {
    block_on(async {
        let database = Cluster::shared().database();
        let owner = database.role("owner");
        database.create_users(2);
        database.sql(&format!("GRANT ALL ON SCHEMA public TO {owner}"));
        let store = store_at(&database.url_as(&owner));
        store.migrate().await.unwrap();
        for privilege in ["REFERENCES", "SELECT"] {
            let error = store.add_users_foreign_key().await.unwrap_err().innermost_cause();
            let grant = format!("GRANT {privilege} ON users TO {owner}");
            assert!(error.contains(&grant), "{error}");
            database.sql(&grant);
        }
        assert_eq!(store.add_users_foreign_key().await.unwrap(), UsersTable::Referenced);
    });
}

#[test]
fn writers_go_on_while_the_foreign_key_waits_for_a_transaction() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "mine")).await.unwrap();
        database.create_users(2_000);
        let mut psql = std::process::Command::new("psql");
        let hold = "BEGIN; UPDATE streams SET updated_at = updated_at WHERE user_id = 1; SELECT pg_sleep(60)";
        let mut holder = psql.args(["-X", "-q", "-d", &database.url(), "-c", hold]).spawn().unwrap();
        let held = "SELECT count(*) FROM pg_locks WHERE relation = 'streams'::regclass AND mode = 'RowExclusiveLock'";
        eventually("the lock", || database.sql(held) != "0");
        let tie = tokio::spawn({
            let store = store.clone();
            async move { store.add_users_foreign_key().await }
        });
        let mut number = 1;
        while !tie.is_finished() {
            number += 1;
            // The server refuses a client that waits longer than the foreign key may make others wait.
            database.sql(&format!(
                "SET lock_timeout = '1s'; INSERT INTO streams (user_id, stream_key) VALUES ({number}, 'key-{number}')"
            ));
        }
        tie.await.unwrap().unwrap_err();
        holder.kill().unwrap();
        holder.wait().unwrap();
        let pids = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid() AND datname = current_database()";
        database.sql(pids);
        assert_eq!(store.add_users_foreign_key().await.unwrap(), UsersTable::Referenced);
    });
}

#[test]
fn a_users_streams_are_deleted_before_the_user_or_with_the_user() {
    block_on(async {
        let (database, store) = migrated().await;
        database.create_users(2);
        store.add_users_foreign_key().await.unwrap();
        for (number, name) in [(1, "first"), (2, "second")] {
            store.start(&new_stream(number, name)).await.unwrap();
        }
        let refused = std::panic::catch_unwind(|| database.sql("DELETE FROM users WHERE id = 1"));
        assert!(refused.is_err(), "the key has no ON DELETE");
        database.sql(&documented("delete-a-user"));
        assert_eq!(store.find_by_key(&key("first")).await.unwrap(), None);
        database.sql(&documented("delete-users-with-their-streams"));
        database.sql("DELETE FROM users WHERE id = 2");
        assert_eq!(store.find_by_key(&key("second")).await.unwrap(), None);
        assert_eq!(store.add_users_foreign_key().await.unwrap(), UsersTable::Referenced);
    });
}
