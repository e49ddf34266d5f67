//! No key, token or password in any log.
//!
//! The log of every journey's service is searched when the service ends. Here is one journey through all routes and
//! failures, and a test that the search finds secrets.

use reqwest::Method;
use stream_test_postgres::Cluster;
use stream_tests::{ServiceBuilder, find_secret, token_of};

#[test]
fn the_search_finds_a_secret_in_every_form() {
    let secrets = ["s3cr3t-key".to_owned()];
    assert!(find_secret("a line\nanother with s3cr3t-key in it\n", &secrets).is_some());
    assert!(
        find_secret("params: [Some([115, 51, 99, 114, 51, 116, 45, 107, 101, 121])]\n", &secrets).is_some()
    );
    assert_eq!(find_secret("a line\nanother with nothing in it\n", &secrets), None);
}

#[test]
fn a_wrong_database_url_is_refused_without_its_password() {
    for url in [
        "mysql://root:not-for-logs@h/d",
        "postgresql+psycopg2://root:not-for-logs@h/d",
        "postgresql://root:not-for-logs@h:port/d",
        "postgresql://root:not-for-logs@h/d?sslcert=x",
        "sqlite://root:not-for-logs@h?x",
    ] {
        for command in ["serve", "migrate"] {
            let (status, output, errors) = ServiceBuilder::on(url).run(&[command]);
            assert!(!status.success(), "{url}");
            assert!(errors.contains("DB_URL"), "{errors}");
            assert_eq!(find_secret(&format!("{output}{errors}"), &["not-for-logs".to_owned()]), None);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_through_all_routes_and_failures_logs_no_secret() {
    let cluster = Cluster::start();
    let database = cluster.database();
    database.create_users(10);
    let url = database.url().replace("postgres@", "postgres:not-for-logs@");
    let service = ServiceBuilder::on(&url)
        .with("SECRET_KEY_PREVIOUS", "an earlier secret, also not for logs")
        .start()
        .await;
    let key = service.key_of(1).await;
    service.generate_key(1).await;
    service.lookup(&key).await;
    service.get(&format!("/api/streams/{key}/extra")).await;
    service.get(&format!("/{key}")).await;
    service.send(service.request(Method::DELETE, &format!("/api/streams/{key}?key={key}"))).await;
    let forged = format!("{}x", token_of(1));
    service.send(service.request(Method::GET, "/api/streams").bearer_auth(&forged)).await;
    service.get("/api/streams/public").await;
    service.get_as(1, "/api/streams").await;
    database.sql(&format!("UPDATE streams SET status = 'nonsense' WHERE stream_key = '{key}'"));
    assert_eq!(service.lookup(&key).await, 500);
    cluster.stop();
    assert_eq!(service.lookup(&key).await, 503);
    service.generate_key(2).await;
    cluster.resume();
    stream_tests::eventually("the service's recovery", || async { service.lookup(&key).await == 500 }).await;
    let log = service.program.errors();
    assert!(log.contains("streams row 1 is unreadable"), "the cause of a 500 is in the log: {log}");
    assert!(log.lines().count() > 10);
    // The search itself happens when the service is dropped.
}
