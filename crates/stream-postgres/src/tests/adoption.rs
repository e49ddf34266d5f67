//! Taking over a running platform's table.

use futures_util::future::join_all;
use stream_domain::ports::{KeyLookup as _, KeyStore as _, StartError, chain_of};
use stream_domain::{PageRequest, StreamStatus};
use stream_test_postgres::{Cluster, Database};

use super::{block_on, key, migrated, new_stream, now, store_at, user};

/// Rows as a few months of the earlier service leave them, duplicates and gaps included.
const OLD_ROWS: &str = "
    INSERT INTO streams (user_id, stream_key, status, created_at, updated_at, expires_at) VALUES
    (1, 'dup-oldest', 'active', '2026-01-01 10:00:00.000001', '2026-01-01 10:00:00', '2026-01-02 10:00:00'),
    (1, 'dup-newest', 'active', '2026-01-02 02:00:00.654321', '2026-01-02 02:00:00', '2026-01-03 02:00:00'),
    (1, 'dup-middle', 'active', '2026-01-01 12:00:00', '2026-01-01 12:00:00', '2026-01-02 12:00:00'),
    (2, 'twin-first', 'active', '2026-01-02 01:00:00', '2026-01-02 01:00:00', '2026-01-03 01:00:00'),
    (2, 'twin-second', 'active', '2026-01-02 01:00:00', '2026-01-02 01:00:00', '2026-01-03 01:00:00'),
    (3, 'stale', 'active', '2025-12-01 00:00:00', '2025-12-01 00:00:00', '2025-12-02 00:00:00'),
    (4, 'null-expiry', 'active', '2026-01-02 03:00:00.5', '2026-01-02 03:00:00', NULL),
    (4, 'null-expiry-stopped', 'stopped', '2025-11-02 03:00:00', '2025-11-02 03:30:00', NULL),
    (5, 'stopped', 'stopped', '2025-11-01 00:00:00', '2025-11-01 05:00:00', '2025-11-02 00:00:00'),
    (5, 'expired', 'expired', '2025-10-01 00:00:00', '2025-10-02 00:00:00', '2025-10-02 00:00:00'),
    (NULL, 'orphan-a', 'active', '2026-01-02 03:00:00', '2026-01-02 03:00:00', '2026-01-03 03:00:00'),
    (NULL, 'orphan-b', 'active', '2026-01-02 03:00:00', '2026-01-02 03:00:00', '2026-01-03 03:00:00')";

fn old_platform() -> Database<'static> {
    let database = Cluster::shared().database();
    database.create_users(10);
    database.create_old_streams(true);
    database.sql(OLD_ROWS);
    database
}

fn rows(database: &Database<'_>) -> Vec<String> {
    let rows = database.sql("SELECT stream_key, status, expires_at FROM streams ORDER BY id");
    rows.lines().map(str::to_owned).collect()
}

const ADOPTED: [&str; 12] = [
    "dup-oldest|stopped|2026-01-02 10:00:00",
    "dup-newest|active|2026-01-03 02:00:00",
    "dup-middle|stopped|2026-01-02 12:00:00",
    "twin-first|stopped|2026-01-03 01:00:00",
    "twin-second|active|2026-01-03 01:00:00",
    "stale|active|2025-12-02 00:00:00",
    "null-expiry|active|2026-01-03 03:00:00.5",
    "null-expiry-stopped|stopped|2025-11-03 03:00:00",
    "stopped|stopped|2025-11-02 00:00:00",
    "expired|expired|2025-10-02 00:00:00",
    "orphan-a|active|2026-01-03 03:00:00",
    "orphan-b|active|2026-01-03 03:00:00",
];

/// How many migrations there are.
const MIGRATIONS: usize = crate::migrate::MIGRATIONS.len();

/// Everything of the rows that an adoption must not touch.
fn untouchable(database: &Database<'_>) -> String {
    database.sql("SELECT id, user_id, stream_key, created_at FROM streams ORDER BY id")
        + &database.sql("SELECT id, user_id, stream_key, status, created_at, updated_at, expires_at FROM streams WHERE stream_key IN ('dup-newest', 'stale', 'stopped', 'expired') ORDER BY id")
        + &database.sql("SELECT updated_at FROM streams WHERE stream_key LIKE 'null-%' ORDER BY id")
}

#[test]
fn an_old_table_is_adopted_and_again_without_change() {
    block_on(async {
        let database = old_platform();
        let before = untouchable(&database);
        let store = store_at(&database.url());
        assert_eq!(store.migrate().await.unwrap().len(), MIGRATIONS);
        assert_eq!(rows(&database), ADOPTED);
        assert_eq!(untouchable(&database), before);
        let everything = database.sql("SELECT * FROM streams ORDER BY id");
        let named = "SELECT count(*) FROM streams WHERE status = 'active' AND playback_id IS NULL";
        assert_eq!(database.sql(named), "0");
        assert!(store.migrate().await.unwrap().is_empty());
        assert_eq!(database.sql("SELECT * FROM streams ORDER BY id"), everything);
        assert!(!store.plan_migration().await.unwrap().to_string().contains('-'));
    });
}

#[test]
fn many_instances_may_adopt_at_once() {
    block_on(async {
        let database = old_platform();
        let stores: Vec<_> = (0..6).map(|_| store_at(&database.url())).collect();
        let outcomes = join_all(stores.iter().map(crate::PostgresStore::migrate)).await;
        let ran: usize = outcomes.into_iter().map(|done| done.unwrap().len()).sum();
        assert_eq!(ran, MIGRATIONS);
        assert_eq!(rows(&database), ADOPTED);
    });
}

#[test]
fn many_instances_may_make_a_fresh_schema_at_once() {
    block_on(async {
        let database = Cluster::shared().database();
        let stores: Vec<_> = (0..6).map(|_| store_at(&database.url())).collect();
        let outcomes = join_all(stores.iter().map(crate::PostgresStore::migrate)).await;
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
        assert_eq!(database.sql("SELECT count(*) FROM streams"), "0");
    });
}

#[test]
fn a_dry_run_tells_all_and_changes_nothing() {
    block_on(async {
        let database = old_platform();
        let before = database.sql("SELECT * FROM streams ORDER BY id");
        let relations = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1";
        let schema = database.sql(relations);
        let plan = store_at(&database.url()).plan_migration().await.unwrap();
        let adoption = [
            "2 rows without expires_at get created_at + 24 hours",
            "3 active rows become stopped, since their users have newer active ones",
            "run the migration 2026-11-22-000001_create_streams",
            "add the indexes streams_one_active_per_user, streams_active_newest_first and \
                 streams_active_by_expiry, and the trigger streams_make_room",
            "run the migration 2026-11-22-000002_one_active_stream_per_user",
            "add the column streams.playback_id, with a random default",
            "run the migration 2026-11-24-000003_playback_ids",
            "give active streams a playback_id, and add the index streams_playback_id, the tables \
                 publish_sessions and publish_attempts, and the trigger streams_cut_publisher",
            "run the migration 2026-11-24-000004_publish_sessions",
            "add the columns confirmed_at, stalled_until and supersedes to publish_sessions, and the table \
                 media_server_boots",
            "run the migration 2026-11-25-000005_confirmed_sessions",
            "let the defaults of streams.created_at and streams.updated_at be UTC, whatever the writer's time zone",
            "run the migration 2026-11-25-000006_times_in_utc",
        ];
        assert_eq!(plan.changes[..adoption.len()], adoption);
        let told = plan.changes.iter().filter(|change| change.starts_with("run the migration"));
        assert_eq!(told.count(), MIGRATIONS);
        assert_eq!(database.sql("SELECT * FROM streams ORDER BY id"), before);
        assert_eq!(database.sql(relations), schema);
    });
}

#[test]
fn a_dry_run_on_a_fresh_database_promises_the_schema() {
    block_on(async {
        let database = Cluster::shared().database();
        let plan = store_at(&database.url()).plan_migration().await.unwrap();
        assert_eq!(plan.changes[0], "create the table streams in the documented schema");
        assert_eq!(database.sql("SELECT count(*) FROM pg_class WHERE relname = 'streams'"), "0");
    });
}

#[test]
fn a_fresh_database_has_the_documented_schema() {
    block_on(async {
        let fresh = Cluster::shared().database();
        fresh.create_users(1);
        store_at(&fresh.url()).migrate().await.unwrap();
        let documented = Cluster::shared().database();
        documented.create_users(1);
        documented.create_old_streams(false);
        let columns = "SELECT column_name, data_type, character_maximum_length, is_nullable, column_default
                       FROM information_schema.columns WHERE table_name = 'streams'
                       AND ordinal_position <= 7 ORDER BY ordinal_position";
        // The defaults mean the same to a writer in UTC, and are right for every other as well.
        let documented_columns =
            documented.sql(columns).replace("CURRENT_TIMESTAMP", "timezone('UTC'::text, now())");
        assert_eq!(fresh.sql(columns), documented_columns);
        let constraints = "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint
                           WHERE conrelid = 'streams'::regclass ORDER BY 1";
        assert_eq!(fresh.sql(constraints), documented.sql(constraints));
        let indexes = "SELECT indexdef FROM pg_indexes WHERE tablename = 'streams' ORDER BY 1";
        for index in documented.sql(indexes).lines() {
            assert!(fresh.sql(indexes).contains(index), "{index}");
        }
    });
}

#[test]
fn the_earlier_service_goes_on_writing_beside_us() {
    block_on(async {
        let database = old_platform();
        let store = store_at(&database.url());
        store.migrate().await.unwrap();
        // As it writes: named columns, naive UTC times, defaults for the rest, an expiry or none.
        database.sql(
            "INSERT INTO streams (user_id, stream_key, status, created_at, updated_at, expires_at)
             VALUES (6, 'theirs', 'active', timezone('UTC', now()), timezone('UTC', now()),
                     timezone('UTC', now()) + INTERVAL '24 hours');
             INSERT INTO streams (user_id, stream_key) VALUES (7, 'defaults-only')",
        );
        for name in ["theirs", "defaults-only"] {
            let stream = store.find_by_key(&key(name)).await.unwrap().unwrap();
            assert_eq!(stream.expires_at.unix_seconds() - stream.created_at.unix_seconds(), 86_400, "{name}");
            assert_eq!(stream.status, StreamStatus::Active);
        }
        // Its stop is seen here, and ours there.
        database.sql("UPDATE streams SET status = 'stopped' WHERE stream_key = 'theirs'");
        let ours = store.start(&new_stream(6, "ours")).await.unwrap();
        assert_eq!(database.sql("SELECT status FROM streams WHERE stream_key = 'ours'"), "active");
        store.stop_active(user(6), ours.created_at).await.unwrap().unwrap();
        assert_eq!(database.sql("SELECT status FROM streams WHERE stream_key = 'ours'"), "stopped");
    });
}

#[test]
fn the_earlier_service_is_not_held_up_by_a_stale_row() {
    block_on(async {
        let database = old_platform();
        store_at(&database.url()).migrate().await.unwrap();
        // It looks only for unexpired active rows before it inserts.
        database.sql(
            "INSERT INTO streams (user_id, stream_key, expires_at)
                      VALUES (3, 'after-stale', timezone('UTC', now()) + INTERVAL '24 hours')",
        );
        let statuses = database.sql("SELECT stream_key, status FROM streams WHERE user_id = 3 ORDER BY id");
        assert_eq!(statuses, "stale|expired\nafter-stale|active");
    });
}

#[test]
fn the_earlier_service_cannot_make_a_second_active_stream_either() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "ours")).await.unwrap();
        let insert = "INSERT INTO streams (user_id, stream_key, created_at, expires_at)
                      VALUES (1, 'theirs', '2026-01-02 04:00:00', '2026-01-03 04:00:00')";
        let refused = std::panic::catch_unwind(|| database.sql(insert));
        assert!(refused.is_err());
        let listed = store.list_by_user(user(1), &PageRequest::default()).await.unwrap();
        assert_eq!(listed.streams.len(), 1);
    });
}

#[test]
fn an_adopted_active_stream_counts_from_the_first_moment() {
    block_on(async {
        let database = old_platform();
        let store = store_at(&database.url());
        store.migrate().await.unwrap();
        let early =
            stream_domain::testing::new_stream(user(1), key("fresh"), now().plus(-time::Duration::HOUR));
        match store.start(&early).await {
            Err(StartError::AlreadyActive(stream)) => assert_eq!(stream.key, key("dup-newest")),
            other => panic!("{other:?}"),
        }
    });
}

#[test]
fn readers_go_on_while_a_table_is_adopted() {
    block_on(async {
        let database = old_platform();
        let store = store_at(&database.url());
        // A transaction that has read keeps its lock, and the new column waits for it; nobody else may wait meanwhile.
        let reader = std::thread::spawn({
            let url = database.url();
            move || {
                std::process::Command::new("psql")
                    .args([
                        "-X",
                        "-q",
                        "-d",
                        &url,
                        "-c",
                        "BEGIN; SELECT count(*) FROM streams; SELECT pg_sleep(3); COMMIT",
                    ])
                    .stdout(std::process::Stdio::null())
                    .status()
                    .unwrap()
            }
        });
        stream_test_postgres::eventually("the reader's lock", || {
            database.sql("SELECT count(*) FROM pg_locks WHERE relation = 'streams'::regclass AND mode = 'AccessShareLock'
                          AND pid <> pg_backend_pid()") != "0"
        });
        let others = std::thread::spawn({
            let url = format!("{}?options=-c%20statement_timeout%3D2s", database.url());
            move || {
                (0..15).all(|_| {
                    let mut psql = std::process::Command::new("psql");
                    psql.args(["-X", "-q", "-d", &url, "-c", "SELECT count(*) FROM streams"]);
                    let status = psql.stdout(std::process::Stdio::null()).status().unwrap();
                    std::thread::sleep(std::time::Duration::from_millis(100));
                    status.success()
                })
            }
        });
        assert_eq!(store.migrate().await.unwrap().len(), MIGRATIONS);
        assert!(reader.join().unwrap().success());
        assert!(others.join().unwrap(), "somebody who came to read was kept waiting");
    });
}

/// The old platform's table in a schema that is not the first on the path.
fn platform_in_a_later_schema() -> (Database<'static>, String) {
    let database = old_platform();
    database.sql("CREATE SCHEMA empty; CREATE SCHEMA platform");
    database.sql("ALTER TABLE streams SET SCHEMA platform; ALTER TABLE users SET SCHEMA platform");
    let url = format!("{}?options=-csearch_path%3Dempty,platform", database.url());
    (database, url)
}

#[test]
fn a_table_in_a_later_schema_of_the_path_is_found_and_not_made_anew() {
    block_on(async {
        let (database, url) = platform_in_a_later_schema();
        store_at(&url).migrate().await.unwrap();
        assert_eq!(database.sql("SELECT count(*) FROM pg_class WHERE relname = 'streams'"), "1");
        assert_eq!(database.sql("SELECT count(*) FROM platform.streams WHERE status = 'stopped'"), "5");
        assert!(store_at(&url).find_by_key(&key("dup-newest")).await.unwrap().is_some());
    });
}

#[test]
fn the_earlier_service_may_look_for_tables_along_another_path() {
    block_on(async {
        let (database, url) = platform_in_a_later_schema();
        store_at(&url).migrate().await.unwrap();
        database.sql("INSERT INTO platform.streams (user_id, stream_key) VALUES (3, 'theirs')");
        let statuses = "SELECT stream_key, status FROM platform.streams WHERE user_id = 3 ORDER BY id";
        assert_eq!(database.sql(statuses), "stale|expired\ntheirs|active");
    });
}

#[test]
fn a_table_of_the_platform_with_one_of_our_names_is_left_alone() {
    block_on(async {
        for name in ["channels", "stream_terms", "stream_schedules"] {
            let database = old_platform();
            database.sql(&format!("CREATE TABLE {name} (id INTEGER PRIMARY KEY, label TEXT); INSERT INTO {name} VALUES (1, 'theirs')"));
            let error = store_at(&database.url()).migrate().await.unwrap_err();
            let told = chain_of(&error);
            assert!(told.contains(&format!("the table {name} is not of this service; rename it")), "{told}");
            // The earlier service goes on.
            database.sql("INSERT INTO streams (user_id, stream_key, status) VALUES (7, 'goes-on', 'active')");
            assert_eq!(database.sql(&format!("SELECT label FROM {name}")), "theirs");
            database.sql(&format!("ALTER TABLE {name} RENAME TO platform_table"));
            let store = store_at(&database.url());
            store.migrate().await.unwrap();
            assert!(store.find_by_key(&key("goes-on")).await.unwrap().is_some());
        }
    });
}

#[test]
fn a_role_that_does_not_own_the_table_changes_nothing() {
    block_on(async {
        let database = old_platform();
        database.sql(
            "DROP ROLE IF EXISTS guest; CREATE ROLE guest LOGIN; GRANT ALL ON SCHEMA public TO guest;
             GRANT SELECT, INSERT, UPDATE ON streams TO guest",
        );
        let before = database.sql("SELECT * FROM streams ORDER BY id");
        let store = store_at(&database.url().replace("postgres@", "guest@"));
        let error = store.migrate().await.unwrap_err();
        assert!(error.innermost_cause().contains("does not own the table"), "{error:?}");
        assert_eq!(database.sql("SELECT * FROM streams ORDER BY id"), before);
        database.sql("DROP OWNED BY guest; DROP ROLE guest");
    });
}

#[test]
fn a_migrated_database_is_served_read_only_as_well() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(1, "mine")).await.unwrap();
        database.sql("DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$");
        let store = store_at(&database.url());
        assert!(store.migrate().await.unwrap().is_empty());
        assert!(store.find_by_key(&key("mine")).await.unwrap().is_some());
    });
}

#[test]
fn rows_that_a_transaction_holds_are_waited_for() {
    block_on(async {
        let database = old_platform();
        let hold = "BEGIN; SELECT 1 FROM streams WHERE stream_key = 'dup-oldest' FOR UPDATE; SELECT pg_sleep(2); COMMIT";
        let url = database.url();
        let holder = std::thread::spawn(move || {
            let mut psql = std::process::Command::new("psql");
            psql.args(["-X", "-q", "-d", &url, "-c", hold])
                .stdout(std::process::Stdio::null())
                .status()
                .unwrap()
        });
        stream_test_postgres::eventually("the row lock", || {
            database.sql("SELECT count(*) FROM pg_locks WHERE relation = 'streams'::regclass AND mode = 'RowShareLock'") == "1"
        });
        assert_eq!(store_at(&database.url()).migrate().await.unwrap().len(), MIGRATIONS);
        assert_eq!(rows(&database), ADOPTED);
        assert!(holder.join().unwrap().success());
    });
}
