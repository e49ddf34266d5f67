//! The log of events where transactions overlap, are undone, and rows come from elsewhere.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use stream_domain::broadcasts::admission::PublishRequest;
use stream_domain::broadcasts::session::EndReason;
use stream_domain::events::{EventQuery, LogPosition};
use stream_domain::ports::{Admissions as _, EventLog as _, KeyStore as _, SessionSelector};
use stream_domain::testing::{asking, terms};
use stream_test_postgres::{Cluster, Database, eventually};

use super::{block_on, migrated, new_stream, now, store_at, user};
use crate::PostgresStore;

/// A transaction of somebody else that inserts a stream and then sleeps before its end.
fn sleeping(database: &Database<'_>, number: u32, end: &str) -> Child {
    let insert = format!(
        "INSERT INTO streams (user_id, stream_key, expires_at)
         VALUES ({number}, 'slow-{number}', timezone('UTC', now()) + INTERVAL '1 day')"
    );
    doing(database, &insert, end)
}

/// A transaction of somebody else that does this, and then sleeps before its end.
fn doing(database: &Database<'_>, what: &str, end: &str) -> Child {
    let statements = format!("BEGIN; {what}; SELECT pg_sleep(1.5); {end}");
    let mut psql = Command::new(Cluster::shared().client("psql"));
    psql.args(["-X", "-q", &database.url(), "-c", &statements]).stdout(Stdio::null());
    psql.spawn().unwrap()
}

fn is_asleep(database: &Database<'_>) -> bool {
    database.sql(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'",
    ) == "1"
}

/// Kinds and users of the log, in its order.
async fn told(store: &PostgresStore) -> Vec<(i64, String, Option<i32>)> {
    while store.sequence(3).await.unwrap() != store.sequence(3).await.unwrap() {}
    let query = EventQuery { user: None, after: LogPosition(0), kinds: Vec::new(), limit: 1_000 };
    let events = store.read_events(&query).await.unwrap().1;
    events
        .into_iter()
        .map(|event| (event.position.0, event.kind, event.user.map(|user| user.get())))
        .collect()
}

#[test]
fn what_commits_late_comes_late_and_is_not_missed() {
    block_on(async {
        let (database, store) = migrated().await;
        let mut slow = sleeping(&database, 1, "COMMIT");
        eventually("the transaction", || is_asleep(&database));
        store.start(&new_stream(2, "quick")).await.unwrap();
        let created = |position, user| (position, "stream.created".to_owned(), Some(user));
        assert_eq!(told(&store).await, [created(1, 2)]);
        assert!(slow.wait().unwrap().success());
        assert_eq!(told(&store).await, [created(1, 2), created(2, 1)]);
    });
}

#[test]
fn what_is_undone_was_no_event() {
    block_on(async {
        let (database, store) = migrated().await;
        let mut slow = sleeping(&database, 1, "ROLLBACK");
        eventually("the transaction", || is_asleep(&database));
        store.start(&new_stream(2, "quick")).await.unwrap();
        assert!(slow.wait().unwrap().success());
        store.stop_active(user(2), now()).await.unwrap();
        let told: Vec<(i64, String)> =
            told(&store).await.into_iter().map(|(at, kind, _)| (at, kind)).collect();
        assert_eq!(told, [(1, "stream.created".to_owned()), (2, "stream.stopped".to_owned())]);
    });
}

async fn kinds(store: &PostgresStore) -> Vec<String> {
    told(store).await.into_iter().map(|(_, kind, _)| kind).collect()
}

/// A media server's list shows the publisher at the moment of the stop.
#[test]
fn a_stop_that_waits_for_a_session_is_told_after_what_it_waited_for() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "one")).await.unwrap();
        let unseen = PublishRequest { confirmed: false, ..asking("s1", "one", 1) };
        store.admit(&unseen, &terms(), now()).await.unwrap();
        let confirm = "UPDATE publish_sessions SET confirmed_at = started_at";
        let mut slow = doing(&database, confirm, "COMMIT");
        eventually("the transaction", || is_asleep(&database));
        store.stop_active(user(1), now()).await.unwrap();
        assert!(slow.wait().unwrap().success());
        assert_eq!(
            kinds(&store).await,
            ["stream.created", "stream.live", "stream.stopped", "stream.offline"]
        );
    });
}

/// It is noted that a publisher has not come back at the moment when it does.
#[test]
fn a_publisher_that_comes_back_while_its_absence_is_noted_is_live_anew() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "one")).await.unwrap();
        store.admit(&asking("s1", "one", 1), &terms(), now()).await.unwrap();
        let session = SessionSelector::Session {
            server: asking("s1", "one", 1).publisher.server,
            session: "s1".to_owned(),
            name: None,
        };
        store.end(&session, EndReason::Left, now()).await.unwrap();
        let mut slow = doing(&database, "DELETE FROM live_streams", "COMMIT");
        eventually("the transaction", || is_asleep(&database));
        store.admit(&asking("s2", "one", 1), &terms(), now()).await.unwrap();
        assert!(slow.wait().unwrap().success());
        assert_eq!(kinds(&store).await, ["stream.created", "stream.live", "stream.offline", "stream.live"]);
        assert_eq!(database.sql("SELECT count(*) FROM live_streams WHERE left_at IS NULL"), "1");
    });
}

#[test]
fn while_another_instance_sequences_this_one_waits_for_nothing() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "one")).await.unwrap();
        let hold = "BEGIN; SELECT pg_advisory_xact_lock(111559182283891); SELECT pg_sleep(60)";
        let mut psql = Command::new(Cluster::shared().client("psql"));
        let mut holder =
            psql.args(["-X", "-q", &database.url(), "-c", hold]).stdout(Stdio::null()).spawn().unwrap();
        eventually("the lock", || {
            database.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "1"
        });
        let extent = tokio::time::timeout(Duration::from_secs(4), store.sequence(10)).await.unwrap().unwrap();
        assert_eq!(extent.last, LogPosition(0));
        // One that is killed leaves no lock behind.
        holder.kill().unwrap();
        holder.wait().unwrap();
        database.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND query LIKE '%advisory_xact_lock(%' AND pid <> pg_backend_pid()",
        );
        eventually("the lock's end", || {
            database.sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == "0"
        });
        assert_eq!(store.sequence(10).await.unwrap().last, LogPosition(1));
    });
}

#[test]
fn the_order_does_not_depend_on_the_default_isolation() {
    block_on(async {
        let database = Cluster::shared().database();
        database.sql(&format!(
            "ALTER DATABASE {} SET default_transaction_isolation = 'serializable'",
            database.name()
        ));
        let store = store_at(&database.url());
        store.migrate().await.unwrap();
        let others: Vec<PostgresStore> = (0..3).map(|_| store_at(&database.url())).collect();
        let sequencers: Vec<_> = others
            .into_iter()
            .map(|other| {
                tokio::spawn(async move {
                    for _ in 0..60 {
                        other.sequence(2).await.unwrap();
                    }
                })
            })
            .collect();
        for number in 1..=30 {
            store.start(&new_stream(number, &format!("key-{number}"))).await.unwrap();
        }
        for sequencer in sequencers {
            sequencer.await.unwrap();
        }
        let positions: Vec<i64> = told(&store).await.into_iter().map(|(position, ..)| position).collect();
        assert_eq!(positions, (1..=30).collect::<Vec<_>>());
    });
}

#[test]
fn a_restored_row_is_no_event() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "one")).await.unwrap();
        // As pg_restore brings them: with their numbers.
        database.sql(
            "INSERT INTO streams (id, user_id, stream_key, expires_at) VALUES (77, 2, 'restored', '2100-01-01');
             INSERT INTO stream_schedules OVERRIDING SYSTEM VALUE VALUES (88, 2, '2100-01-01', '2100-01-02',
                 '2100-01-01', NULL, NULL, NULL, '', NULL, NULL, '', 'public', '', NULL, '2026-01-01', '2026-01-01', 0)",
        );
        assert_eq!(told(&store).await.len(), 1);
    });
}

#[test]
fn who_is_live_at_the_migration_is_told_of() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "one")).await.unwrap();
        database.sql(
            "INSERT INTO publish_sessions (stream_id, server, server_session, application, name, protocol, epoch,
                 live_since, started_at, last_seen_at, lease_until, key_expires_at)
             SELECT id, 'edge', 's', 'live', 'one', 'rtmp', 1, created_at, created_at, created_at, created_at,
                 expires_at FROM streams",
        );
        // As a version before the log left it.
        database.sql(
            "DROP TABLE stream_events, live_streams;
             DROP FUNCTION publish_sessions_tell() CASCADE;
             DROP FUNCTION live_streams_tell() CASCADE",
        );
        let store = store_at(&database.url());
        store.migrate().await.unwrap();
        store.stop_active(user(1), now()).await.unwrap();
        assert_eq!(kinds(&store).await, ["stream.live", "stream.stopped", "stream.offline"]);
    });
}
