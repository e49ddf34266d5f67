//! The laws of every store, on SQLite.

use std::path::Path;
use std::sync::Arc;

use super::{block_on, migrated, store_at};

stream_domain::store_laws! {
    store: migrated(),
    away: async { ((), Arc::new(store_at(Path::new("/nowhere/at/all.db")))) },
    block_on: block_on
}
