//! Faults that happen while the service runs, and the metric that shows each; alerts are made from these.

use std::process::Command;

use reqwest::Method;
use stream_test_postgres::{Cluster, Database, free_port};
use stream_tests::{
    PgBouncer, Program, Service, ServiceBuilder, StoreKind, TestStore, eventually, server_binary,
};

/// Waits until the metrics have a sample that begins and ends so.
async fn shows(service: &Service, name: &str, value: &str) {
    eventually(&format!("{name} {value}"), || async {
        let Ok(response) = service.request(Method::GET, "/metrics").send().await else { return false };
        let text = response.text().await.unwrap_or_default();
        text.lines().any(|line| line.starts_with(name) && line.ends_with(value))
    })
    .await;
}

/// A database that is migrated, and a role of it with every right but ownership.
fn with_role<'a>(cluster: &'a Cluster) -> (Database<'a>, String) {
    let database = cluster.database();
    database.create_users(10);
    assert!(ServiceBuilder::on(&database.url()).run(&["migrate"]).0.success());
    let role = database.role("service");
    database.sql(&format!(
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};
         GRANT INSERT, UPDATE, DELETE ON streams, publish_sessions, publish_attempts, media_server_boots, channels, stream_details, stream_terms, stream_schedules, scheduled_streams, stream_events, live_streams, stream_webhooks, stream_webhook_deliveries, stream_webhook_attempts, stream_blocked_users TO {role};
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}"
    ));
    (database, role)
}

/// Ends every other connection, so that what was altered counts.
fn reconnect(database: &Database<'_>) {
    database.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_drops_shows_until_it_is_there_again() {
    for kind in [StoreKind::Postgres, StoreKind::Sqlite] {
        let store = TestStore::new(kind);
        let service = store.setup().start().await;
        shows(&service, "stream_database_objects_missing", " 0").await;
        let on = if kind == StoreKind::Postgres { " ON streams" } else { "" };
        store.sql(&format!("DROP TRIGGER streams_make_room{on}"));
        shows(&service, "stream_database_objects_missing", " 1").await;
        store.sql("DROP INDEX streams_one_active_per_user");
        shows(&service, "stream_database_objects_missing", " 2").await;
        assert!(store.setup().run(&["migrate"]).0.success());
        shows(&service, "stream_database_objects_missing", " 0").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_revoked_shows() {
    let (database, role) = with_role(Cluster::shared());
    let service = ServiceBuilder::on(&database.url_as(&role)).start().await;
    shows(&service, "stream_ready", " 1").await;
    database.sql(&format!("REVOKE INSERT ON streams FROM {role}"));
    shows(&service, r#"stream_not_ready{reason="database_denied"}"#, " 1").await;
    database.sql(&format!("GRANT INSERT ON streams TO {role}"));
    shows(&service, "stream_ready", " 1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_becomes_read_only_shows() {
    let (database, role) = with_role(Cluster::shared());
    let service = ServiceBuilder::on(&database.url_as(&role)).start().await;
    database.sql(&format!("ALTER DATABASE {} SET default_transaction_read_only = on", database.name()));
    reconnect(&database);
    shows(&service, r#"stream_not_ready{reason="database_read_only"}"#, " 1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_changes_and_a_database_that_goes_away_show() {
    let cluster = Cluster::start();
    let (database, role) = with_role(&cluster);
    database.sql(&format!(
        "SET password_encryption = 'scram-sha-256'; ALTER ROLE {role} PASSWORD 'a-first-password'"
    ));
    let rules = "local all all trust\nhost all postgres 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256\n";
    std::fs::write(cluster.data().join("pg_hba.conf"), rules).expect("the server's folder is writable");
    database.sql("SELECT pg_reload_conf()");
    let url = database.url_as(&role).replace('@', ":a-first-password@");
    let service = ServiceBuilder::on(&url).start().await;
    shows(&service, "stream_database_up", " 1").await;
    database.sql(&format!("ALTER ROLE {role} PASSWORD 'another-password'"));
    reconnect(&database);
    shows(&service, "stream_database_up", " 0").await;
    shows(&service, "stream_ready", " 0").await;
    database.sql(&format!("ALTER ROLE {role} PASSWORD 'a-first-password'"));
    shows(&service, "stream_database_up", " 1").await;
    shows(&service, "stream_ready", " 1").await;
    cluster.stop();
    shows(&service, "stream_database_up", " 0").await;
    shows(&service, r#"stream_not_ready{reason="database_unreachable"}"#, " 1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_by_a_minute_shows() {
    let (database, role) = with_role(Cluster::shared());
    // The server's clock cannot be set here; a function that is found first tells another time.
    database.sql(&format!(
        "CREATE SCHEMA skewed;
         CREATE FUNCTION skewed.clock_timestamp() RETURNS timestamptz LANGUAGE sql
             AS 'SELECT pg_catalog.clock_timestamp() - INTERVAL ''1 minute''';
         GRANT USAGE ON SCHEMA skewed TO {role};
         ALTER DATABASE {} SET search_path = skewed, pg_catalog, public",
        database.name()
    ));
    let service = ServiceBuilder::on(&database.url_as(&role)).start().await;
    shows(&service, "stream_clock_skew_seconds -", "").await;
    let text = service.request(Method::GET, "/metrics").send().await.expect("it answers").text().await;
    let text = text.expect("text");
    let skew =
        text.lines().find_map(|line| line.strip_prefix("stream_clock_skew_seconds ")).expect("it is there");
    let skew: f64 = skew.parse().expect("a number");
    assert!((-61.0..=-59.0).contains(&skew), "{skew}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pooler_that_loses_statements_shows() {
    let cluster = Cluster::start();
    let database = cluster.database();
    database.create_users(10);
    assert!(ServiceBuilder::on(&database.url()).run(&["migrate"]).0.success());
    let lossy = "pool_mode = transaction\ndefault_pool_size = 8";
    let pooler = PgBouncer::start(&PgBouncer::of_the_system(), cluster.port(), lossy);
    let service = ServiceBuilder::on(&pooler.url(&database)).listen().await;
    shows(&service, r#"stream_not_ready{reason="database_incompatible"}"#, " 1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_media_server_that_is_away_and_hooks_with_a_wrong_secret_show() {
    let store = TestStore::new(StoreKind::Sqlite);
    let servers = format!("edge=srs;secret=0123456789abcdef;control=http://127.0.0.1:{}", free_port());
    let service = store.setup().with("MEDIA_SERVERS", &servers).start().await;
    shows(&service, r#"stream_media_server_reachable{server="edge",family="srs"}"#, " 0").await;
    let hook = service.request(Method::POST, "/hooks/srs/edge?secret=another").body("{}");
    assert_eq!(service.send(hook).await.status, 403);
    let rejected = r#"stream_hook_decisions_total{server="edge",family="srs",decision="rejected",reason="wrong_secret"}"#;
    shows(&service, rejected, " 1").await;
}

/// The service in a mount namespace of its own, where its folder is a small file system.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fills_shows() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("data")).expect("the folder is writable");
    let port = free_port();
    let setup = ServiceBuilder::on("sqlite://data/streams.db").with("PORT", &port.to_string());
    let plain = setup.command(&folder);
    let mut command = Command::new("unshare");
    command.current_dir(folder.path()).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.args(["--map-root-user", "--mount", "--", "sh", "-c"]);
    command.args(["mount -t tmpfs -o size=3m tmpfs data && exec \"$1\"", "sh"]).arg(server_binary());
    let program = Program::start(&mut command, &folder.path().join("output"));
    let metrics = || async {
        let response = reqwest::get(format!("http://127.0.0.1:{port}/metrics")).await.ok()?;
        response.text().await.ok()
    };
    let has = |sample: &'static str| async move {
        metrics().await.is_some_and(|text| text.lines().any(|line| line == sample))
    };
    eventually("readiness", || has("stream_ready 1")).await;
    let data = format!("/proc/{}/root{}/data/filler", program.id(), folder.path().display());
    let filled = Command::new("dd").args(["if=/dev/zero", &format!("of={data}"), "bs=4k"]).output();
    let said = String::from_utf8_lossy(&filled.expect("dd is there").stderr).into_owned();
    assert!(said.contains("No space left"), "{said}");
    eventually("the full disk", || has("stream_ready 0")).await;
    eventually("its reason", || has(r#"stream_not_ready{reason="database_read_only"} 1"#)).await;
    std::fs::remove_file(&data).expect("it is there");
    eventually("readiness", || has("stream_ready 1")).await;
}
