//! Whether the store can do its work: the file is still there, and takes a write.

use std::os::unix::fs::MetadataExt as _;

use async_trait::async_trait;
use diesel::prelude::*;
use stream_domain::ports::{StoreError, StoreHealth, UsersTable};

use crate::error;
use crate::migrate::try_to_write_beside;
use crate::row::{StreamRow, streams};
use crate::store::SqliteStore;

#[async_trait]
impl StoreHealth for SqliteStore {
    async fn check(&self) -> Result<UsersTable, StoreError> {
        let store = self.clone();
        let beside = self.runtime.spawn_blocking(move || store.look_at_file());
        beside.await.map_err(StoreError::failed)??;
        // A transaction of a writer's, which fails where every write would.
        self.write(|connection| {
            let first = streams::table.select(StreamRow::as_select()).limit(1);
            let _: Option<StreamRow> = first.first(connection).optional().map_err(error::query)?;
            Ok(UsersTable::NotUsed)
        })
        .await
    }
}

impl SqliteStore {
    /// Remembers which file is at the path; another one there is refused from now on.
    pub(crate) fn remember_file(&self) {
        if let Ok(found) = std::fs::metadata(&self.path) {
            self.file.get_or_init(|| (found.dev(), found.ino()));
        }
    }

    /// Whether the file is still there, and has room beside it.
    fn look_at_file(&self) -> Result<(), StoreError> {
        let found = std::fs::metadata(&self.path).map_err(|_| error::gone(&self.path))?;
        let found = (found.dev(), found.ino());
        if *self.file.get_or_init(|| found) != found {
            return Err(error::gone(&self.path));
        }
        try_to_write_beside(&self.path)
    }
}
