//! What the store makes of a server that refuses: each refusal is provoked for real.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use futures_util::future::join_all;
use stream_domain::ports::{
    KeyLookup as _, KeyStore as _, ScheduleStore as _, StartError, StoreError, StoreHealth as _,
    UserStreamsError, chain_of,
};
use stream_domain::schedules::{Plan, Slot};
use stream_domain::{Details, PageRequest};
use stream_test_postgres::{Cluster, Database, eventually};

use super::{block_on, key, migrated, new_stream, now, store_at, user};
use crate::PostgresStore;

/// Makes a role that may do everything that the service does, and nothing else; and a store in its name.
fn as_role(database: &Database<'_>, role: &str) -> PostgresStore {
    database.sql(&format!(
        "DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN;
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
         REVOKE DELETE ON streams FROM {role}; GRANT USAGE ON SEQUENCE streams_id_seq TO {role}"
    ));
    store_at(&database.url().replace("postgres@", &format!("{role}@")))
}

fn read_only<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::ReadOnly(_)))
}

/// A start's or a stop's failure that is the store's.
impl From<StartError> for TestError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Store(error) => Self(error),
            other => panic!("{other:?}"),
        }
    }
}

impl From<UserStreamsError> for TestError {
    fn from(error: UserStreamsError) -> Self {
        match error {
            UserStreamsError::Store(error) => Self(error),
            UserStreamsError::UnknownUser => panic!("the user is known"),
        }
    }
}

struct TestError(StoreError);

fn store_error<T>(outcome: Result<T, impl Into<TestError>>) -> StoreError {
    match outcome {
        Ok(_) => panic!("it was done"),
        Err(error) => error.into().0,
    }
}

#[test]
fn a_connection_to_a_server_that_takes_no_writes_is_given_up_at_once() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "mine")).await.unwrap();
        let name = database.name();
        // For those who connect from now on, as a standby would be.
        database.sql(&format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
        let late = store_at(&database.url());
        assert!(read_only(&late.check().await));
        assert!(matches!(store_error(late.start(&new_stream(2, "other")).await), StoreError::ReadOnly(_)));
        assert!(matches!(store_error(late.stop_active(user(1), now()).await), StoreError::ReadOnly(_)));
        assert!(late.find_by_key(&key("mine")).await.unwrap().is_some(), "it can be read all the same");
        // It is the connections that are read-only now, not the database.
        let reset = format!("ALTER DATABASE {name} RESET default_transaction_read_only");
        Cluster::shared().database().sql(&reset);
        // Writes alone find it out; nobody need look.
        let mut refused = 0;
        while late.start(&new_stream(2, "other")).await.is_err() {
            refused += 1;
            assert!(refused < 20, "the connections are kept");
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        late.check().await.unwrap();
    });
}

#[test]
fn what_the_role_may_not_do_is_told_before_a_write_fails() {
    block_on(async {
        let (database, _) = migrated().await;
        let store = as_role(&database, "lacking");
        store.check().await.unwrap();
        store.start(&new_stream(1, "mine")).await.unwrap();
        for (privilege, on) in [
            ("SELECT", "streams"),
            ("INSERT", "streams"),
            ("UPDATE", "streams"),
            ("USAGE", "SEQUENCE streams_id_seq"),
            ("SELECT", "publish_sessions"),
            ("INSERT", "publish_sessions"),
            ("UPDATE", "publish_sessions"),
            ("DELETE", "publish_sessions"),
            ("INSERT", "publish_attempts"),
            ("UPDATE", "publish_attempts"),
        ] {
            database.sql(&format!("REVOKE {privilege} ON {on} FROM lacking"));
            let Err(StoreError::Denied(cause)) = store.check().await else {
                panic!("{privilege} on {on} is not missed");
            };
            let table = on.split(' ').next_back().unwrap();
            assert!(cause.to_string().contains(privilege) && cause.to_string().contains(table), "{cause}");
            database.sql(&format!("GRANT {privilege} ON {on} TO lacking"));
            store.check().await.unwrap();
        }
        // Columns will do.
        database.sql(
            "REVOKE UPDATE ON streams FROM lacking; GRANT UPDATE (status, updated_at) ON streams TO lacking",
        );
        store.check().await.unwrap();
        assert!(store.stop_active(user(1), now()).await.unwrap().is_some());
        database.sql("REVOKE USAGE ON SEQUENCE streams_id_seq FROM lacking");
        assert!(matches!(store_error(store.start(&new_stream(1, "next")).await), StoreError::Denied(_)));
        database.sql("DROP OWNED BY lacking; DROP ROLE lacking");
    });
}

#[test]
fn row_security_that_keeps_rows_back_is_told_before_a_write_fails() {
    block_on(async {
        let (database, _) = migrated().await;
        let store = as_role(&database, "confined");
        let denied = async || matches!(store.check().await, Err(StoreError::Denied(_)));
        for table in ["streams", "publish_sessions", "publish_attempts"] {
            database.sql(&format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY"));
            assert!(denied().await, "no policy on {table}");
            database.sql(&format!("CREATE POLICY looking ON {table} FOR SELECT USING (TRUE)"));
            assert!(denied().await, "it can only be looked at");
            database.sql(&format!("CREATE POLICY everything ON {table} USING (TRUE)"));
            store.check().await.unwrap();
            database.sql(&format!("CREATE POLICY confining ON {table} AS RESTRICTIVE USING (FALSE)"));
            assert!(denied().await, "a restriction on {table}");
            database.sql(&format!(
                "DROP POLICY confining ON {table}; ALTER POLICY everything ON {table} TO postgres"
            ));
            assert!(denied().await, "the policy is for others");
            database.sql(&format!("ALTER POLICY everything ON {table} TO confined WITH CHECK (FALSE)"));
            assert!(denied().await, "nothing may be written");
            database.sql(&format!("ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"));
            store.check().await.unwrap();
        }
        database.sql(
            "ALTER TABLE streams ENABLE ROW LEVEL SECURITY; ALTER POLICY everything ON streams USING (FALSE)",
        );
        assert!(matches!(store_error(store.start(&new_stream(1, "mine")).await), StoreError::Denied(_)));
        database.sql("ALTER ROLE confined BYPASSRLS");
        store.check().await.unwrap();
        store.start(&new_stream(1, "mine")).await.unwrap();
        database.sql("DROP OWNED BY confined; DROP ROLE confined");
    });
}

#[test]
fn defects_are_not_told_as_a_database_that_is_away() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "mine")).await.unwrap();
        database.sql("SELECT setval('streams_id_seq', 2147483646)");
        store.start(&new_stream(2, "the-last")).await.unwrap();
        let error = store_error(store.start(&new_stream(3, "one-more")).await);
        assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
        assert!(chain_of(&error).contains("SQLSTATE 2200H"), "{}", chain_of(&error));
        database.sql("ALTER TABLE streams RENAME COLUMN updated_at TO changed_at");
        let error = store.find_by_key(&key("mine")).await.unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
        let error = store_error(store.stop_active(user(1), now()).await);
        assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
        database.sql("ALTER TABLE streams RENAME COLUMN changed_at TO updated_at");
        assert!(store.find_by_key(&key("mine")).await.unwrap().is_some());
        database.sql("DROP TABLE publish_attempts");
        assert!(matches!(store.check().await, Err(StoreError::Failed(_))));
    });
}

#[test]
fn a_plan_that_no_longer_fits_its_table_is_made_anew() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "mine")).await.unwrap();
        for kind in ["TEXT", "VARCHAR(300)", "TEXT"] {
            // Each connection knows the statement by now, with the column as it was.
            let wanted = key("mine");
            join_all((0..40).map(|_| store.find_by_key(&wanted))).await;
            let page = PageRequest::default();
            join_all((0..40).map(|_| store.list_by_user(user(1), &page))).await;
            database.sql(&format!("ALTER TABLE streams ALTER COLUMN stream_key TYPE {kind}"));
            for _ in 0..20 {
                assert!(store.find_by_key(&key("mine")).await.unwrap().is_some());
                assert_eq!(
                    store.list_by_user(user(1), &PageRequest::default()).await.unwrap().streams.len(),
                    1
                );
            }
        }
    });
}

#[test]
fn fifty_at_once_on_serializable_transactions_all_get_through() {
    block_on(async {
        let (database, _) = migrated().await;
        let isolation = "default_transaction_isolation = 'serializable'";
        database.sql(&format!("ALTER DATABASE {} SET {isolation}", database.name()));
        let store = Arc::new(store_at(&database.url()));
        for round in 0..4 {
            let starts = (1..=50).map(|number| {
                let (store, new) = (store.clone(), new_stream(number, &format!("key-{round}-{number}")));
                tokio::spawn(async move { store.start(&new).await.map(drop) })
            });
            for start in join_all(starts).await {
                start.unwrap().unwrap();
            }
            let others = (1..=50).map(|number| {
                let (store, wanted) = (store.clone(), key(&format!("key-{round}-{number}")));
                tokio::spawn(async move {
                    assert!(store.find_by_key(&wanted).await.unwrap().is_some());
                    assert_eq!(
                        store
                            .list_by_user(user(number), &PageRequest::default())
                            .await
                            .unwrap()
                            .streams
                            .len(),
                        round + 1
                    );
                    assert!(store.stop_active(user(number), now()).await.unwrap().is_some());
                })
            });
            for other in join_all(others).await {
                other.unwrap();
            }
        }
    });
}

fn psql(database: &Database<'_>, statements: &[&str]) -> Child {
    let mut psql = Command::new("psql");
    psql.args(["-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", &database.url()]);
    psql.args(statements.iter().flat_map(|statement| ["-c", statement]));
    psql.stdout(Stdio::null()).spawn().unwrap()
}

#[test]
fn the_loser_of_a_deadlock_is_tried_again() {
    block_on(async {
        let (database, store) = migrated().await;
        let stream = store.start(&new_stream(1, "mine")).await.unwrap();
        database.sql(&format!(
            "INSERT INTO publish_sessions (stream_id, server, server_session, application, name, protocol, epoch,
                 live_since, started_at, last_seen_at, lease_until, key_expires_at)
             SELECT {}, 'edge', '1', 'live', 'mine', 'rtmp', 1, now(), now(), now(), now(), now()",
            stream.id.0
        ));
        // The other one holds the session, waits until the stop holds the stream and waits for the session, and then
        // wants the stream; it has time, so the stop is the one that PostgreSQL ends.
        let other = psql(&database, &[
            "SET deadlock_timeout = '60s'",
            "BEGIN",
            "SELECT FROM publish_sessions FOR UPDATE",
            "DO $$ BEGIN
                 WHILE NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
                     AND wait_event_type = 'Lock' AND query_start < clock_timestamp() - INTERVAL '400 ms') LOOP
                     PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
                 END LOOP;
             END $$",
            "UPDATE streams SET updated_at = updated_at",
            "COMMIT",
        ]);
        eventually("the session's lock", || {
            database.sql("SELECT count(*) FROM pg_locks WHERE relation = 'publish_sessions'::regclass AND mode = 'RowShareLock'") != "0"
        });
        assert!(store.stop_active(user(1), now()).await.unwrap().is_some());
        assert!(other.wait_with_output().unwrap().status.success());
        eventually("the deadlock's record", || {
            database.sql("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") != "0"
        });
    });
}

#[test]
fn an_error_of_connecting_names_host_and_port() {
    block_on(async {
        let port = stream_test_postgres::free_port();
        let store = store_at(&format!("postgresql://u:hunter2@127.0.0.1:{port},localhost:{port}/d"));
        let error = chain_of(&store.find_by_key(&key("mine")).await.unwrap_err());
        assert!(error.contains(&format!("127.0.0.1:{port}: ")), "{error}");
        assert!(error.contains(&format!("localhost:{port} (")), "{error}");
        assert!(error.contains("refused") && !error.contains("hunter2"), "{error}");
        let url = Cluster::shared().database().url();
        let unknown = store_at(&url.replace("postgres@", "nobody-of-that-name@"));
        let error = unknown.find_by_key(&key("mine")).await.unwrap_err();
        assert!(matches!(error, StoreError::Denied(_)), "{error:?}");
    });
}

#[test]
fn a_host_that_takes_no_writes_is_passed_over_where_the_url_says_so() {
    block_on(async {
        let (database, store) = migrated().await;
        let standby = Cluster::start();
        standby.database();
        standby.reconfigure("default_transaction_read_only = on");
        let (good, bad) = (Cluster::shared().port(), standby.port());
        let url = format!(
            "postgresql://postgres@127.0.0.1:{bad},127.0.0.1:{good}/{}?target_session_attrs=read-write",
            database.name()
        );
        let by_two_hosts = store_at(&url);
        by_two_hosts.start(&new_stream(1, "mine")).await.unwrap();
        assert!(store.find_by_key(&key("mine")).await.unwrap().is_some());
        by_two_hosts.check().await.unwrap();
        let url = format!("postgresql://postgres@127.0.0.1:{bad}/postgres?target_session_attrs=read-write");
        assert!(read_only(&store_at(&url).check().await));
    });
}

#[test]
fn plans_of_one_user_exclude_each_other_whatever_the_default_isolation_is() {
    block_on(async {
        for isolation in ["read committed", "repeatable read", "serializable"] {
            let (database, _) = migrated().await;
            let set = format!("default_transaction_isolation = '{isolation}'");
            database.sql(&format!("ALTER DATABASE {} SET {set}", database.name()));
            let store = Arc::new(store_at(&database.url()));
            for round in 0..4 {
                let starts_at = now().plus(time::Duration::hours(round));
                let slot = Slot { starts_at, ends_at: starts_at.plus(time::Duration::HOUR) };
                let plan = Plan { slot, time_zone: None, details: Details::default() };
                let plans = (0..20).map(|_| {
                    let (store, plan) = (store.clone(), plan.clone());
                    tokio::spawn(async move { store.plan(user(1), &plan, now()).await })
                });
                let plans = join_all(plans).await.into_iter().map(Result::unwrap).collect::<Vec<_>>();
                let kept = plans.iter().filter(|plan| plan.is_ok()).count();
                assert_eq!(kept, 1, "{isolation}: {plans:?}");
            }
        }
    });
}
