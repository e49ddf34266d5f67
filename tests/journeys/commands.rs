//! The commands other than `serve`.

use stream_tests::{ServiceBuilder, StoreKind, TestStore};

super::on_both_stores! { the_migrate_command_reports_its_work_and_runs_once }

async fn the_migrate_command_reports_its_work_and_runs_once(kind: StoreKind) {
    let store = TestStore::new(kind);
    let setup = store.setup();
    let (status, plan, _) = setup.run(&["migrate", "--dry-run"]);
    assert!(status.success());
    assert!(plan.contains("run the migration 2026-11-22-000001_create_streams"), "{plan}");
    let (status, said, _) = setup.run(&["migrate"]);
    assert!(status.success());
    assert!(said.starts_with("Ran the migrations 20261122000001"), "{said}");
    assert_eq!(store.sql("SELECT count(*) FROM streams"), "0");
    let (status, said, _) = setup.run(&["migrate"]);
    assert!(status.success());
    assert_eq!(said.trim(), "The database is up to date.");
    let (_, plan, _) = setup.run(&["migrate", "--dry-run"]);
    assert_eq!(plan.trim(), "Nothing would change.");
}

#[test]
fn migrating_an_unavailable_database_fails_and_says_why() {
    let (status, _, errors) = ServiceBuilder::on("postgresql://nobody@127.0.0.1:1/nothing").run(&["migrate"]);
    assert!(!status.success());
    assert!(errors.contains("refused"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_check_asks_the_running_instance() {
    let service = ServiceBuilder::on("sqlite://streams.db").start().await;
    let port = service.url("").rsplit(':').next().expect("a port").to_owned();
    let (status, said, _) = ServiceBuilder::default().with("PORT", &port).run(&["healthcheck"]);
    assert!(status.success());
    assert_eq!(said.trim(), "ready");
    drop(service);
    let (status, _, errors) = ServiceBuilder::default().with("PORT", &port).run(&["healthcheck"]);
    assert_eq!(status.code(), Some(1));
    assert!(errors.contains("does not answer"), "{errors}");

    let waiting = ServiceBuilder::on("postgresql://nobody@127.0.0.1:1/nothing").listen().await;
    let port = waiting.url("").rsplit(':').next().expect("a port").to_owned();
    let (status, _, errors) = ServiceBuilder::default().with("PORT", &port).run(&["healthcheck"]);
    assert_eq!(status.code(), Some(1));
    assert!(errors.contains("503"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_the_token_command_is_accepted_for_its_user() {
    let service = ServiceBuilder::on("sqlite://streams.db").start().await;
    let (status, token, _) = ServiceBuilder::on("sqlite://other.db").run(&["token", "--user", "7"]);
    assert!(status.success());
    let request =
        service.request(reqwest::Method::POST, "/api/streams/generate-key").bearer_auth(token.trim());
    assert_eq!(service.send(request).await.status, 201);
    assert_eq!(service.generate_key(7).await.status, 409);
    for user in ["0", "-1", "2147483648"] {
        let (status, _, errors) =
            ServiceBuilder::on("sqlite://other.db").run(&["token", &format!("--user={user}")]);
        assert!(!status.success());
        assert!(errors.contains("1 to 2147483647"), "{errors}");
    }
}
