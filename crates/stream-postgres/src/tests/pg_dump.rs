//! Databases that were restored from dumps, whole and in part, with PostgreSQL's own programs.

use stream_domain::PageRequest;
use stream_domain::catalog::CatalogQuery;
use stream_domain::ports::{
    CatalogStore as _, KeyLookup as _, KeyStore as _, StartError, StoreError, StoreHealth as _,
};
use stream_test_postgres::{Cluster, Database};

use super::{block_on, key, migrated, new_stream, now, store_at, user};

/// A database in use: users, streams in every state, a publisher on air, one that left, and an attempt.
async fn in_use() -> Database<'static> {
    let database = Cluster::shared().database();
    database.create_users(9);
    let store = store_at(&database.url());
    store.migrate().await.unwrap();
    for number in 1..=3 {
        store.start(&new_stream(number, &format!("key-{number}"))).await.unwrap();
    }
    store.stop_active(user(3), now()).await.unwrap();
    database.sql(
        "INSERT INTO publish_sessions (stream_id, server, server_session, application, name, protocol, epoch, live_since,
             started_at, last_seen_at, lease_until, key_expires_at)
         SELECT id, 'edge', 'session-' || id, 'live', stream_key, 'rtmp', 1, created_at, created_at, created_at,
             created_at + INTERVAL '12 seconds', expires_at FROM streams WHERE status = 'active';
         UPDATE publish_sessions SET ended_at = started_at, end_reason = 'left' WHERE server_session = 'session-2';
         INSERT INTO publish_attempts VALUES (1, 'edge', '192.0.2.1', 'already_live', '2026-01-02', '2026-01-02')",
    );
    assert_eq!(database.sql(OPEN), "1||");
    database
}

/// How many are on air, why they are to be cut, and how they ended.
const OPEN: &str =
    "SELECT count(*), max(cut_because), max(end_reason) FROM publish_sessions WHERE ended_at IS NULL";

/// An empty database for a dump.
fn target() -> Database<'static> {
    Cluster::shared().database()
}

/// What was restored is served, and every rule holds in it.
async fn is_whole(database: &Database<'_>, role: &str) {
    let store = store_at(&database.url_as(role));
    store.migrate().await.unwrap();
    assert_eq!(store.plan_migration().await.unwrap().to_string(), "Nothing would change.");
    store.check().await.unwrap();
    for number in 1..=3 {
        let stream = store.find_by_key(&key(&format!("key-{number}"))).await.unwrap().unwrap();
        assert_eq!(stream.user_id, Some(user(number)));
    }
    let refused = store.start(&new_stream(1, "second")).await;
    assert!(matches!(refused, Err(StartError::AlreadyActive(_))), "{refused:?}");
    store.start(&new_stream(4, "new")).await.unwrap();
    let refused = store.start(&new_stream(5, "new")).await;
    assert!(matches!(refused, Err(StartError::KeyTaken)), "{refused:?}");
    assert_eq!(
        store.list(&CatalogQuery::active(PageRequest::default()), now()).await.unwrap().streams.len(),
        3
    );
    database.sql("INSERT INTO streams (user_id, stream_key) VALUES (6, 'theirs')");
    assert!(store.find_by_key(&key("theirs")).await.unwrap().unwrap().playback_id.as_str().len() > 8);
}

/// The publisher that was on air when the dump was made is so in the restored database, until its stream is stopped.
async fn goes_on_air(database: &Database<'_>) {
    assert_eq!(database.sql(OPEN), "1||");
    assert_eq!(database.sql("SELECT count(*) FROM publish_sessions"), "2");
    assert_eq!(database.sql("SELECT count(*) FROM publish_attempts"), "1");
    store_at(&database.url()).stop_active(user(1), now()).await.unwrap().unwrap();
    assert_eq!(database.sql(OPEN), "1|stopped|");
}

#[test]
fn a_full_dump_is_served_as_it_is_in_either_format() {
    block_on(async {
        let source = in_use().await;
        for format in ["plain", "custom"] {
            let database = target();
            let errors = database.restore("postgres", &source.dump(&["-F", format]), &[]);
            assert_eq!(errors, "", "{format}");
            let plan = store_at(&database.url()).plan_migration().await.unwrap();
            assert_eq!(plan.to_string(), "Nothing would change.");
            is_whole(&database, "postgres").await;
            goes_on_air(&database).await;
        }
    });
}

#[test]
fn tables_that_were_dumped_by_name_are_made_whole() {
    block_on(async {
        let source = in_use().await;
        let ours = ["streams", "publish_sessions", "publish_attempts", "__diesel_schema_migrations"];
        let lists: [&[&str]; 5] = [
            &["users", "streams"],
            &["users", ours[0], ours[1], ours[2], ours[3]],
            &["users", "streams", "__diesel_schema_migrations"],
            &["users", "streams", "publish_sessions"],
            &["streams", "publish_sessions", "publish_attempts"],
        ];
        for tables in lists {
            let database = target();
            let arguments: Vec<&str> = tables.iter().flat_map(|table| ["-t", table]).collect();
            database.restore("postgres", &source.dump(&arguments), &[]);
            let plan = store_at(&database.url()).plan_migration().await.unwrap();
            assert!(!plan.changes.is_empty(), "{tables:?}: a dry run tells it");
            is_whole(&database, "postgres").await;
            if tables.contains(&"publish_sessions") && tables.contains(&"publish_attempts") {
                goes_on_air(&database).await;
            }
        }
    });
}

#[test]
fn tables_that_were_left_out_of_a_dump_are_made_again() {
    block_on(async {
        let source = in_use().await;
        for left_out in
            [&["-T", "publish_*"][..], &["-T", "__diesel*"], &["--exclude-table-data", "publish_*"]]
        {
            let database = target();
            database.restore("postgres", &source.dump(left_out), &[]);
            is_whole(&database, "postgres").await;
        }
    });
}

#[test]
fn data_that_is_restored_into_a_migrated_database_leaves_publishers_on_air() {
    block_on(async {
        let source = in_use().await;
        for how in
            [&[][..], &["--inserts"], &["--column-inserts"], &["--disable-triggers"], &["-T", "__diesel*"]]
        {
            let database = target();
            database.create_users(0);
            let store = store_at(&database.url());
            store.migrate().await.unwrap();
            let dump = source.dump(&[&["--data-only"], how].concat());
            database.restore("postgres", &dump, &[]);
            let told = "SELECT count(*), max(id) FROM stream_events";
            assert_eq!(database.sql(told), source.sql(told), "what is restored is no event: {how:?}");
            goes_on_air(&database).await;
            is_whole_but_stopped(&database).await;
        }
    });
}

async fn is_whole_but_stopped(database: &Database<'_>) {
    let store = store_at(&database.url());
    assert_eq!(store.plan_migration().await.unwrap().to_string(), "Nothing would change.");
    store.start(&new_stream(1, "again")).await.unwrap();
}

#[test]
fn tables_whose_numbers_were_not_restored_get_them_again() {
    block_on(async {
        let database = in_use().await;
        // As `pg_restore -t` leaves them: the columns alone, and the rows.
        database.sql(
            "ALTER TABLE streams ALTER COLUMN id DROP DEFAULT; DROP SEQUENCE streams_id_seq;
             ALTER TABLE publish_sessions ALTER COLUMN id DROP IDENTITY",
        );
        let plan = store_at(&database.url()).plan_migration().await.unwrap().to_string();
        assert!(plan.contains("the numbers of the column streams (id)"), "{plan}");
        is_whole(&database, "postgres").await;
        goes_on_air(&database).await;
        // As rows leave them that bring their numbers along.
        database.sql(
            "SELECT setval(pg_get_serial_sequence('streams', 'id'), 1);
             SELECT setval(pg_get_serial_sequence('publish_sessions', 'id'), 1)",
        );
        let store = store_at(&database.url());
        let plan = store.plan_migration().await.unwrap().to_string();
        assert!(plan.contains("further numbers of the column streams (id)"), "{plan}");
        store.migrate().await.unwrap();
        store.start(&new_stream(7, "one-more")).await.unwrap();
    });
}

#[test]
fn data_without_indexes_constraints_and_triggers_gets_them_again() {
    block_on(async {
        let source = in_use().await;
        let dump = source.dump(&["-F", "custom"]);
        let database = target();
        database.restore("postgres", &dump, &["--section=pre-data", "--section=data"]);
        assert_eq!(database.sql("SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'"), "0");
        // What the platform makes of its own table, before or after, is its own affair.
        database.sql("ALTER TABLE users ADD PRIMARY KEY (id)");
        let plan = store_at(&database.url()).plan_migration().await.unwrap().to_string();
        assert!(
            plan.contains("make again, since it is missing: the index streams_one_active_per_user"),
            "{plan}"
        );
        is_whole(&database, "postgres").await;
        goes_on_air(&database).await;
    });
}

#[test]
fn a_dump_without_owners_is_served_by_the_role_that_restored_it() {
    block_on(async {
        let source = in_use().await;
        for tables in [&[][..], &["-t", "users", "-t", "streams"]] {
            let database = target();
            let owner = database.role("owner");
            database.sql(&format!("GRANT ALL ON SCHEMA public TO {owner}"));
            let dump = source.dump(&[&["--no-owner", "--no-privileges"], tables].concat());
            database.restore(&owner, &dump, &[]);
            is_whole(&database, &owner).await;
        }
    });
}

#[test]
fn a_dump_that_another_role_restored_is_not_served_and_the_cure_is_named() {
    block_on(async {
        let source = in_use().await;
        let database = target();
        let service = database.role("service");
        database.restore("postgres", &source.dump(&["--no-owner", "--no-privileges"]), &[]);
        let store = store_at(&database.url_as(&service));
        // Not even the record of migrations may be read.
        for grant in
            ["SELECT ON __diesel_schema_migrations", "SELECT ON streams", "INSERT, UPDATE ON streams"]
        {
            let error = store.migrate().await.unwrap_err();
            assert!(matches!(error, StoreError::Denied(_)), "{error:?}");
            assert!(error.innermost_cause().contains("GRANT "), "{error:?}");
            database.sql(&format!("GRANT {grant} TO {service}"));
        }
        let error = store.migrate().await.unwrap_err();
        assert!(matches!(error, StoreError::Denied(_)), "{error:?}");
        let cure = error.innermost_cause();
        assert!(cure.contains("GRANT USAGE ON SEQUENCE"), "{cure}");
        let plan = store.plan_migration().await.unwrap().to_string();
        assert!(plan.contains("GRANT USAGE ON SEQUENCE"), "{plan}");
        // The cure is a list of statements, and is one.
        let (_, grants) = cure.split_once("owner: ").unwrap();
        database.sql(grants);
        store.migrate().await.unwrap();
        store.start(&new_stream(7, "mine")).await.unwrap();
    });
}

#[test]
fn a_dump_is_restored_over_a_service_that_runs() {
    block_on(async {
        let (database, store) = migrated().await;
        store.start(&new_stream(8, "later")).await.unwrap();
        let dump = database.dump(&["--clean", "--if-exists"]);
        store.start(&new_stream(9, "lost")).await.unwrap();
        assert_eq!(database.restore("postgres", &dump, &[]), "");
        // Statements that were prepared for the tables that are gone fail at most once a connection.
        let mut answers = 0;
        for _ in 0..64 {
            answers = if store.find_by_key(&key("later")).await.is_ok() { answers + 1 } else { 0 };
        }
        assert!(answers > 16, "the service did not come back");
        assert_eq!(store.find_by_key(&key("lost")).await.unwrap(), None);
        let (mut failed, mut number) = (0, 10);
        while store.start(&new_stream(number, &format!("new-{number}"))).await.is_err() {
            (failed, number) = (failed + 1, number + 1);
            assert!(failed < 64, "the service does not write again");
        }
        assert!(store.migrate().await.unwrap().is_empty());
    });
}
