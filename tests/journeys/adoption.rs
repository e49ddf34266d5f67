//! Adoption of a running platform's table by the real binary.

use stream_test_postgres::{Cluster, Database};
use stream_tests::{ServiceBuilder, eventually};

/// The earlier service's table after some months: duplicates, stale rows, rows without an expiry.
fn old_platform() -> Database<'static> {
    let database = Cluster::shared().database();
    database.create_users(60);
    database.create_old_streams(true);
    database.sql(
        "INSERT INTO streams (user_id, stream_key, status, created_at, updated_at, expires_at)
         SELECT 1 + n % 50, 'key-' || n, CASE WHEN n % 3 = 0 THEN 'stopped' ELSE 'active' END,
                timezone('UTC', now()) - n * INTERVAL '20 minutes', timezone('UTC', now()),
                CASE WHEN n % 7 = 0 THEN NULL ELSE timezone('UTC', now()) - n * INTERVAL '20 minutes' + INTERVAL '24 hours' END
         FROM generate_series(0, 499) n",
    );
    database
}

const DOUBLED: &str = "SELECT count(*) FROM (SELECT 1 FROM streams WHERE status = 'active'
                       GROUP BY user_id HAVING count(*) > 1) d";

#[tokio::test(flavor = "multi_thread")]
async fn two_instances_adopt_an_old_platform_at_once_and_a_second_start_changes_nothing() {
    let database = old_platform();
    let identity = "SELECT md5(string_agg(concat_ws(',', id, user_id, stream_key, created_at), ';' ORDER BY id)) FROM streams";
    let before = database.sql(identity);
    let newest = database.sql("SELECT string_agg(stream_key, ',' ORDER BY user_id) FROM (SELECT DISTINCT ON (user_id)
        user_id, stream_key FROM streams WHERE status = 'active' ORDER BY user_id, created_at DESC) AS newest");
    assert_ne!(database.sql(DOUBLED), "0");

    let setup = ServiceBuilder::on(&database.url()).with("SWEEP_INTERVAL", "3600");
    let (status, plan, _) = setup.run(&["migrate", "--dry-run"]);
    assert!(status.success());
    assert!(plan.contains("rows without expires_at get created_at + 24 hours"), "{plan}");
    assert!(plan.contains("active rows become stopped"), "{plan}");
    assert_eq!(database.sql("SELECT count(*) FROM streams WHERE expires_at IS NULL"), "72");

    let (first, second) = tokio::join!(setup.start(), setup.start());
    drop((first, second));
    let check = || {
        assert_eq!(database.sql("SELECT count(*) FROM streams"), "500");
        assert_eq!(database.sql(identity), before);
        assert_eq!(database.sql(DOUBLED), "0");
        let wrong =
            "SELECT count(*) FROM streams WHERE expires_at IS DISTINCT FROM created_at + INTERVAL '24 hours'";
        assert_eq!(database.sql(wrong), "0");
    };
    check();
    // A sweep at start marks the stale ones, so compare all that were not stopped.
    let kept = "SELECT string_agg(stream_key, ',' ORDER BY user_id) FROM streams WHERE status IN ('active', 'expired')";
    assert_eq!(database.sql(kept), newest);
    let everything = database.sql("SELECT * FROM streams ORDER BY id");
    drop(setup.start().await);
    check();
    assert_eq!(database.sql("SELECT * FROM streams ORDER BY id"), everything);
    let (_, plan, _) = setup.run(&["migrate", "--dry-run"]);
    assert_eq!(plan.trim(), "Nothing would change.");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_earlier_service_keeps_working_on_the_same_table() {
    let database = old_platform();
    let service = ServiceBuilder::on(&database.url()).start().await;
    for user in 51..=55 {
        // It looks for an active, unexpired stream, then inserts.
        let key = format!("theirs-{user}");
        database.sql(&format!(
            "INSERT INTO streams (user_id, stream_key, status, created_at, updated_at, expires_at)
             SELECT {user}, '{key}', 'active', n, n, n + INTERVAL '24 hours' FROM timezone('UTC', now()) n
             WHERE NOT EXISTS (SELECT 1 FROM streams WHERE user_id = {user} AND status = 'active' AND expires_at > n)"
        ));
        assert_eq!(service.lookup(&key).await, 200);
        let refused = service.generate_key(user).await;
        assert_eq!((refused.status, &refused.json["stream"]["stream_key"]), (409, &key.clone().into()));
        assert_eq!(service.post_as(user, "/api/streams/stop").await.status, 200);
        assert_eq!(
            database.sql(&format!("SELECT status FROM streams WHERE stream_key = '{key}'")),
            "stopped"
        );
        // The earlier service accepts the rows that this one writes.
        let ours = service.key_of(user).await;
        let row = "status = 'active' AND expires_at = created_at + INTERVAL '24 hours' AND expires_at > timezone('UTC', now())";
        assert_eq!(database.sql(&format!("SELECT {row} FROM streams WHERE stream_key = '{ours}'")), "t");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_starts_without_a_users_table_and_reports_that() {
    let database = Cluster::shared().database();
    let service = ServiceBuilder::on(&database.url()).start().await;
    assert_eq!(service.get("/health").await.json["users_table"], "missing");
    eventually("the warning", || async { service.program.errors().contains("there is no users table yet") })
        .await;
    assert_eq!(service.generate_key(1).await.status, 201);
    database.create_users(5);
    drop(service);
    let service = ServiceBuilder::on(&database.url()).start().await;
    assert_eq!(service.get("/health").await.json["users_table"], "referenced");
    assert_eq!(service.generate_key(6).await.code(), "unknown_user");
}
