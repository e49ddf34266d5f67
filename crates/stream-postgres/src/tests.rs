//! The store against a real PostgreSQL that these tests start.

mod adoption;
mod clock;
mod coalesced_reads;
mod connections;
mod keys;
mod laws;
mod migrating;
mod pg_dump;
mod roles;
mod rows;
mod servers;
mod sessions;
mod statement;
mod tls;
mod url;
mod users;
mod wire;
mod zones;

use std::sync::Arc;
use std::time::Duration;

use stream_domain::ports::Clock as _;
use stream_domain::testing::{ManualClock, SeededEntropy};
use stream_domain::{NewStream, StreamKey, Timestamp, UserId};
use stream_test_postgres::{Cluster, Database};

use crate::{PostgresOptions, PostgresStore};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(future)
}

fn store_at(url: &str) -> PostgresStore {
    let options = PostgresOptions { url: url.to_owned(), pool_size: 16, timeout: Duration::from_secs(5) };
    PostgresStore::new(&options, Arc::new(SeededEntropy::default())).unwrap()
}

async fn migrated() -> (Database<'static>, Arc<PostgresStore>) {
    let database = Cluster::shared().database();
    let store = store_at(&database.url());
    store.migrate().await.unwrap();
    (database, Arc::new(store))
}

/// The statements of the first block of SQL below these words in docs/operations.md.
fn documented(line: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, rest) = text.split_once(line).unwrap_or_else(|| panic!("{line} is not in docs/operations.md"));
    let (_, block) = rest.split_once("```sql\n").unwrap();
    block.split("```").next().unwrap().to_owned()
}

fn user(number: i64) -> UserId {
    UserId::new(number).unwrap()
}

fn key(name: &str) -> StreamKey {
    StreamKey::parse(name).unwrap()
}

fn now() -> Timestamp {
    ManualClock::default().now()
}

fn new_stream(number: i64, name: &str) -> NewStream {
    stream_domain::testing::new_stream(user(number), key(name), now())
}
