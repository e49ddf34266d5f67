//! A database that is away, that refuses, or that lacks something.

use stream_test_postgres::{Cluster, Database};
use stream_tests::{PgBouncer, ServiceBuilder, StoreKind, TestStore};

use super::Report;

/// A database that the service has migrated, with users.
fn migrated<'a>(cluster: &'a Cluster) -> Database<'a> {
    let database = cluster.database();
    database.create_users(10);
    let (status, _, errors) = ServiceBuilder::on(&database.url()).run(&["migrate"]);
    assert!(status.success(), "{errors}");
    database
}

fn report_on(url: &str) -> Report {
    Report::of(&ServiceBuilder::on(url))
}

#[test]
fn a_database_that_is_away_is_named() {
    let report = report_on("postgresql://nobody:wrong-password@127.0.0.1:1/nothing");
    report.must_fail(
        "database",
        "refused",
        "start the database, or correct host, port and sslmode in DB_URL",
    );
    let of_database = |one: &&serde_json::Value| {
        one["subject"].as_str().is_some_and(|subject| subject.starts_with("database"))
    };
    let all = report.json["findings"].as_array().expect("findings");
    assert_eq!(all.iter().filter(of_database).count(), 1, "said once: {:#}", report.json);
}

#[test]
fn a_database_that_says_nothing_is_named_within_the_limit() {
    // Accepts connections, which nobody answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = silent.local_addr().expect("an address").port();
    let began = std::time::Instant::now();
    let report = report_on(&format!("postgresql://nobody@127.0.0.1:{port}/nothing"));
    report.must_fail("database", "within", "");
    assert!(began.elapsed().as_secs() < 15, "{:?}", began.elapsed());
}

#[test]
fn a_wrong_password_is_named() {
    let cluster = Cluster::start();
    let database = migrated(&cluster);
    database.sql(
        "SET password_encryption = 'scram-sha-256'; CREATE ROLE careful LOGIN PASSWORD 'right-password'",
    );
    let rules = "local all all trust\nhost all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
    std::fs::write(cluster.data().join("pg_hba.conf"), rules).expect("the server's folder is writable");
    database.sql("SELECT pg_reload_conf()");
    let url = |password: &str| database.url().replace("postgres@", &format!("careful:{password}@"));
    let report = report_on(&url("wrong-password"));
    report.must_fail("database", "password authentication failed", "correct user and password in DB_URL");
    assert!(!report.json.to_string().contains("right-password"));
}

#[test]
fn a_missing_right_is_named_with_its_grant() {
    let database = migrated(Cluster::shared());
    let role = database.role("service");
    let report = report_on(&database.url_as(&role));
    report.must_fail(
        "database rights",
        "cannot see which migrations have run",
        "GRANT SELECT ON __diesel_schema_migrations",
    );
    database.sql(&format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"));
    let report = report_on(&database.url_as(&role));
    report.must_fail("database rights", "lacks privileges on the tables", "GRANT INSERT, UPDATE ON streams");
}

#[test]
fn a_missing_or_disabled_trigger_is_named() {
    let database = migrated(Cluster::shared());
    database.sql("DROP TRIGGER streams_make_room ON streams; ALTER TABLE streams DISABLE TRIGGER streams_cut_publisher");
    let report = report_on(&database.url());
    report.must_fail("database triggers", "the trigger streams_make_room", "stream-server migrate");
    report.must_fail("database triggers", "the trigger streams_cut_publisher", "stream-server migrate");
    report.must_be_ok("database indexes");
    // The cure works.
    assert!(ServiceBuilder::on(&database.url()).run(&["migrate"]).0.success());
    report_on(&database.url()).must_be_ok("database triggers");
}

#[test]
fn a_dropped_index_is_named() {
    let database = migrated(Cluster::shared());
    database
        .sql("DROP INDEX streams_one_active_per_user; ALTER TABLE publish_sessions DROP COLUMN supersedes");
    let report = report_on(&database.url());
    report.must_fail("database indexes", "the index streams_one_active_per_user", "stream-server migrate");
    report.must_fail("database schema", "the column publish_sessions (supersedes)", "stream-server migrate");
    report.must_be_ok("database triggers");
}

#[test]
fn objects_that_an_sqlite_file_lacks_are_named() {
    let store = TestStore::new(StoreKind::Sqlite);
    assert!(store.setup().run(&["migrate"]).0.success());
    store.sql("DROP TRIGGER streams_make_room");
    store.sql("DROP INDEX streams_one_active_per_user");
    let report = Report::of(&store.setup());
    report.must_fail("database triggers", "the trigger streams_make_room", "stream-server migrate");
    report.must_fail("database indexes", "the index streams_one_active_per_user", "stream-server migrate");
}

#[test]
fn a_read_only_node_is_named() {
    let database = migrated(Cluster::shared());
    database.sql(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name()));
    let report = report_on(&database.url());
    report.must_fail("database writes", "takes no writes", "name the primary in DB_URL");
}

#[test]
fn a_pooler_that_loses_statements_is_named() {
    let cluster = Cluster::start();
    let database = migrated(&cluster);
    let lossy = "pool_mode = transaction\ndefault_pool_size = 8";
    let pooler = PgBouncer::start(&PgBouncer::of_the_system(), cluster.port(), lossy);
    let report = report_on(&pooler.url(&database));
    report.must_fail("database pooler", "loses prepared statements", "max_prepared_statements");
    drop(pooler);
    let pooler = PgBouncer::start(
        &PgBouncer::of_the_system(),
        cluster.port(),
        "pool_mode = session\ndefault_pool_size = 20",
    );
    report_on(&pooler.url(&database)).must_be_ok("database pooler");
}

#[test]
fn a_clock_that_is_off_by_a_minute_is_named() {
    let database = migrated(Cluster::shared());
    // The server's clock cannot be set here; a function that is found first tells another time.
    database.sql(&format!(
        "CREATE SCHEMA skewed;
         CREATE FUNCTION skewed.clock_timestamp() RETURNS timestamptz LANGUAGE sql
             AS 'SELECT pg_catalog.clock_timestamp() - INTERVAL ''1 minute''';
         ALTER DATABASE {} SET search_path = skewed, pg_catalog, public",
        database.name()
    ));
    let report = report_on(&database.url());
    report.must_fail("database clock", "seconds behind this machine's", "synchronise the clocks");
}

#[test]
fn times_and_users_that_are_not_as_they_should_be_are_warnings() {
    let database = Cluster::shared().database();
    assert!(ServiceBuilder::on(&database.url()).run(&["migrate"]).0.success());
    database.sql(&format!("ALTER DATABASE {} SET timezone = 'Asia/Kolkata'", database.name()));
    let report = report_on(&database.url());
    report.must_be_ok("database time zone");
    report.must_warn("database foreign key", "no table users", "name its database in DB_URL");
    database.sql("ALTER TABLE streams ALTER COLUMN created_at SET DEFAULT now()");
    report_on(&database.url()).must_warn("database time zone", "Asia/Kolkata", "stream-server migrate");
}
