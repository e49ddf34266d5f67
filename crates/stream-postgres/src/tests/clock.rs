//! The database's clock, which instances on several machines compare theirs with.

use stream_domain::Timestamp;
use stream_domain::ports::StoreHealth as _;

use super::{block_on, migrated};

#[test]
fn the_databases_clock_goes_on_and_knows_no_time_zone() {
    block_on(async {
        let (database, store) = migrated().await;
        let micros = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
        let read = || Timestamp::from_unix_micros(database.sql(micros).parse().unwrap()).unwrap();
        let earlier = read();
        let between = store.clock().await.unwrap().unwrap();
        assert!(earlier <= between && between <= read());

        database.sql(&format!("ALTER DATABASE {} SET timezone = 'Asia/Kolkata'", database.name()));
        let earlier = read();
        let between = super::store_at(&database.url()).clock().await.unwrap().unwrap();
        assert!(earlier <= between && between <= read());
    });
}
