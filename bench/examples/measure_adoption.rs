//! Measures how long the adoption of a table of a million rows blocks others, as reported in docs/operations/upgrade.md:
//! `cargo run --release -p stream-bench --example measure_adoption`.
//!
//! A reader and a writer run one statement after the other at the same time; their longest waits show the locks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use stream_test_postgres::Cluster;
use stream_tests::ServiceBuilder;
use tokio_postgres::NoTls;

/// Repeats a statement; returns the count and the longest time.
async fn repeat(url: String, statement: &'static str, stop: Arc<AtomicBool>) -> (u32, Duration) {
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("the server is there");
    tokio::spawn(connection);
    let (mut count, mut longest) = (0, Duration::ZERO);
    while !stop.load(Ordering::Relaxed) {
        let began = Instant::now();
        client.batch_execute(statement).await.expect("the statement is right");
        longest = longest.max(began.elapsed());
        count += 1;
    }
    (count, longest)
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "this is what the example is for")]
async fn main() {
    let database = Cluster::shared().database();
    database.create_users(100_000);
    database.create_old_streams(true);
    println!(
        "filling a table with 1,000,000 rows, 10,000 of them without an expiry, 50,000 surplus active ones"
    );
    database.sql(
        "INSERT INTO streams (user_id, stream_key, status, created_at, expires_at)
         SELECT 1 + n % 100000, 'key-' || md5(n::text), CASE WHEN n < 150000 THEN 'active' ELSE 'stopped' END,
                timezone('UTC', now()) - n * INTERVAL '1 second',
                CASE WHEN n % 100 = 0 THEN NULL ELSE timezone('UTC', now()) + INTERVAL '24 hours' END
         FROM generate_series(0, 999999) n; ANALYZE streams",
    );
    let stop = Arc::new(AtomicBool::new(false));
    let read = "SELECT * FROM streams WHERE stream_key = 'key-c4ca4238a0b923820dcc509a6f75849b'";
    let write = "UPDATE streams SET updated_at = updated_at WHERE stream_key = 'key-c4ca4238a0b923820dcc509a6f75849b'";
    let reader = tokio::spawn(repeat(database.url(), read, stop.clone()));
    let writer = tokio::spawn(repeat(database.url(), write, stop.clone()));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let url = database.url();
    let began = Instant::now();
    let migration = tokio::task::spawn_blocking(move || {
        ServiceBuilder::on(&url).with("LOG_LEVEL", "info").run(&["migrate"])
    });
    let (status, said, errors) = migration.await.expect("the migration ends");
    let took = began.elapsed();
    stop.store(true, Ordering::Relaxed);
    assert!(status.success(), "{errors}");
    let (reads, longest_read) = reader.await.expect("the reader ends");
    let (writes, longest_write) = writer.await.expect("the writer ends");
    println!("{}\n{}", errors.trim(), said.trim());
    println!("the migration took {took:.1?}");
    println!("reads:  {reads}, the longest took {longest_read:.1?}");
    println!("writes: {writes}, the longest took {longest_write:.1?}");
}
