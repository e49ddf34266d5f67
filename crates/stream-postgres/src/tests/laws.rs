//! The laws of every store, on PostgreSQL.

use std::sync::Arc;

use stream_domain::ports::{KeyStore as _, StartError};

use super::{block_on, migrated, new_stream, store_at};

stream_domain::store_laws! {
    store: migrated(),
    away: async { ((), Arc::new(store_at("postgresql://nobody@127.0.0.1:1/nothing"))) },
    block_on: block_on
}

#[test]
fn without_the_index_nothing_is_started() {
    block_on(async {
        let (database, store) = migrated().await;
        database.sql("DROP INDEX streams_one_active_per_user");
        // Nothing is started at all rather than two at a time.
        let refusal = store.start(&new_stream(1, "first")).await;
        assert!(matches!(refusal, Err(StartError::Store(_))), "{refusal:?}");
    });
}
