//! The commands of upgrade.md and adopt.md, and the configurations of postgresql.md, on a real PostgreSQL.

use stream_test_postgres::{Cluster, free_port};
use stream_tests::documents::{block, run, value_of};
use stream_tests::{PgBouncer, ServiceBuilder};

#[tokio::test(flavor = "multi_thread")]
async fn the_table_of_the_earlier_service_is_adopted_and_an_upgrade_finds_it_up_to_date() {
    let database = Cluster::shared().database();
    database.create_users(9);
    database.create_old_streams(false);
    let folder = tempfile::tempdir().expect("a folder");
    let url = database.url();
    let said = run(&block("adopt"), folder.path(), &[("DB_URL", &url)]);
    let (plan, done) = said.split_once("Ran the migrations").unwrap_or_else(|| panic!("{said}"));
    assert!(plan.contains("one_active_stream_per_user") && done.contains("20261122000002"), "{said}");
    let said = run(&block("upgrade"), folder.path(), &[("DB_URL", &url)]);
    assert_eq!(said.trim(), "Nothing would change.\nThe database is up to date.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_with_two_hosts_finds_the_one_that_answers() {
    let database = Cluster::shared().database();
    database.create_users(9);
    let documented = value_of("DB_URL", &block("failover-url"));
    assert!(documented.contains("stream:…@db-1:5432,db-2:5432/platform?"), "{documented}");
    let url = documented
        .replace("stream:…", "postgres")
        .replace("db-1:5432", &format!("127.0.0.1:{}", free_port()))
        .replace("db-2:5432", &format!("127.0.0.1:{}", Cluster::shared().port()))
        .replace("platform", database.name());
    let service = ServiceBuilder::on(&url).start().await;
    assert_eq!(service.generate_key(1).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_pgbouncer_keeps_prepared_statements() {
    let database = Cluster::shared().database();
    database.create_users(9);
    let pooler = PgBouncer::start(&PgBouncer::current(), Cluster::shared().port(), &block("pgbouncer"));
    let service = ServiceBuilder::on(&pooler.url(&database)).start().await;
    let key = service.key_of(1).await;
    for _ in 0..50 {
        assert_eq!(service.lookup(&key).await, 200);
    }
    assert_eq!(service.get("/health/ready").await.status, 200);
}
