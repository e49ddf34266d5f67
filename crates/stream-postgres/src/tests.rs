//! The store against a real PostgreSQL that these tests start.

mod adoption;
mod blocks;
mod clock;
mod coalesced_reads;
mod connections;
mod events;
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

/// The statements of the block of SQL with this name in docs/operations.
fn documented(name: &str) -> String {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations");
    let pages = std::fs::read_dir(folder).unwrap().map(|page| page.unwrap().path());
    let start = format!("```sql {name}\n");
    let text = pages.map(|page| std::fs::read_to_string(page).unwrap()).find(|text| text.contains(&start));
    let text = text.unwrap_or_else(|| panic!("{name} is not in docs/operations"));
    let (_, block) = text.split_once(&start).unwrap();
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
