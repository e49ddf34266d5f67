//! The log under writers, strangers, and instances that are killed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use stream_test_postgres::Cluster;
use tokio::time::sleep;
use tokio_postgres::NoTls;

use crate::pair::{Pair, ask};

/// How many write at once.
const WRITERS: u32 = 64;

/// How many events they write at least.
const EVENTS: i64 = 100_000;

/// How often an instance is killed meanwhile.
const KILLS: u32 = 100;

async fn connect(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the database is there");
    tokio::spawn(connection);
    client
}

/// Generates keys and stops them, whatever happens to the instance.
async fn write(pair: Arc<Pair>, user: u32, is_done: Arc<AtomicBool>) {
    let mut place = user as usize % 2;
    while !is_done.load(Ordering::Relaxed) {
        for path in ["/api/streams/generate-key", "/api/streams/stop"] {
            if ask(pair.address(place), "POST", path, user).await.is_none() {
                place = 1 - place;
            }
        }
    }
}

/// Reads on after the last position; a position that is out of turn is an error.
async fn follow(url: String, is_done: Arc<AtomicBool>) -> u64 {
    let (client, mut last, mut reads) = (connect(&url).await, 0_i64, 0);
    let statement = "SELECT position FROM stream_events WHERE position > $1 ORDER BY position LIMIT 1000";
    while !is_done.load(Ordering::Relaxed) {
        for row in client.query(statement, &[&last]).await.expect("the database is there") {
            let position: i64 = row.get(0);
            assert_eq!(position, last + 1, "a reader saw no beginning of the log");
            last = position;
        }
        reads += 1;
        sleep(Duration::from_millis(5)).await;
    }
    reads
}

/// Strangers in the same database: one whose transaction lasts as long as the run and writes, and one that begins again
/// and again, writes a stream, and commits seconds later.
async fn be_strange(url: String, is_done: Arc<AtomicBool>) {
    let (long, late) = (connect(&url).await, connect(&url).await);
    let begin = "CREATE TABLE IF NOT EXISTS of_a_stranger (n INT)";
    long.batch_execute(begin).await.expect("the database is there");
    long.batch_execute("BEGIN; INSERT INTO of_a_stranger VALUES (1)").await.expect("the database is there");
    let mut number = 0;
    while !is_done.load(Ordering::Relaxed) {
        number += 1;
        let insert = format!(
            "BEGIN; INSERT INTO streams (user_id, stream_key, expires_at)
             VALUES ({}, 'late-{number}', timezone('UTC', now()) + INTERVAL '1 day')",
            1_000_000 + number
        );
        late.batch_execute(&insert).await.expect("the database is there");
        sleep(Duration::from_secs(2)).await;
        late.batch_execute(if number % 3 == 0 { "ROLLBACK" } else { "COMMIT" }).await.expect("it is there");
    }
    long.batch_execute("COMMIT").await.expect("the database is there");
}

#[expect(clippy::print_stdout, reason = "this is what the example is for")]
pub(crate) async fn check_log() {
    let database = Cluster::shared().database();
    let pair = Arc::new(Pair::start(&database).await);
    let is_done = Arc::new(AtomicBool::new(false));
    let followers: Vec<_> = (0..4).map(|_| tokio::spawn(follow(database.url(), is_done.clone()))).collect();
    let stranger = tokio::spawn(be_strange(database.url(), is_done.clone()));
    let writers: Vec<_> =
        (1..=WRITERS).map(|user| tokio::spawn(write(pair.clone(), user, is_done.clone()))).collect();
    let began = Instant::now();
    let number = |query: &str| database.sql(query).parse::<i64>().unwrap_or(-1);
    let mut kills = 0;
    while kills < KILLS || number("SELECT COALESCE(max(position), 0) FROM stream_events") < EVENTS {
        if kills < KILLS {
            pair.kill(kills as usize % 2).await;
            kills += 1;
        } else {
            sleep(Duration::from_secs(1)).await;
        }
    }
    is_done.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.expect("a writer goes on");
    }
    stranger.await.expect("a stranger goes on");
    let mut reads = 0;
    for follower in followers {
        reads += follower.await.expect("every reader saw a beginning of the log, without a gap");
    }
    while number("SELECT count(*) FROM stream_events WHERE position IS NULL") != 0 {
        sleep(Duration::from_millis(100)).await;
    }
    let took = began.elapsed();
    let events = number("SELECT count(*) FROM stream_events");
    assert_eq!(number("SELECT max(position) FROM stream_events"), events);
    assert_eq!(number("SELECT count(DISTINCT position) FROM stream_events"), events);
    // What was committed, and what was told.
    let lost = number(
        "SELECT count(*) FROM streams FULL JOIN (
             SELECT stream_id, count(*) FILTER (WHERE type = 'stream.created') AS created,
                 count(*) FILTER (WHERE type = 'stream.stopped') AS stopped
             FROM stream_events GROUP BY stream_id
         ) AS told ON told.stream_id = streams.id
         WHERE streams.id IS NULL OR told.stream_id IS NULL OR created <> 1 OR stopped <> (status = 'stopped')::int",
    );
    assert_eq!(lost, 0, "events that were lost, or are there twice");
    let strange = number("SELECT count(*) FROM stream_events WHERE user_id > 1000000");
    assert_eq!(strange, number("SELECT count(*) FROM streams WHERE user_id > 1000000"));
    let order = number(
        "SELECT count(*) FROM stream_events a JOIN stream_events b USING (stream_id)
         WHERE a.type = 'stream.created' AND b.type = 'stream.stopped' AND a.position > b.position",
    );
    assert_eq!(order, 0, "stops before their starts");
    println!(
        "log: {events} events by {WRITERS} writers on two instances in {:.0} s, {kills} times an instance was killed, \
         {strange} of strangers that committed two seconds late: positions 1 to {events} without gap or repeat, 0 lost; \
         4 readers saw a beginning of the log in each of {reads} reads",
        took.as_secs_f64()
    );
}
