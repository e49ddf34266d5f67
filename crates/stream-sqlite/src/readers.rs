//! Connections that a lane keeps to itself, each with what is known from it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use diesel::prelude::*;
use diesel::result::Error;
use diesel::{sql_query, sql_types};
use stream_domain::ports::StoreError;
use tokio::runtime::Handle;

use crate::error;
use crate::pool::{self, Mode};

/// A lane's connections: one, and the spare ones for when a transaction takes too long.
///
/// They are used on threads that may block.
pub(crate) struct Readers<Memory> {
    file: Arc<File<Memory>>,
    runtime: Handle,
}

struct File<Memory> {
    path: PathBuf,
    limit: Duration,
    idle: Mutex<Vec<(SqliteConnection, Memory)>>,
    is_closed: AtomicBool,
}

/// The version of the data that a connection sees: while it is the same, so is everything in the file.
///
/// It tells what others have written, and these connections write nothing; it means nothing on another connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub(crate) struct Moment {
    #[diesel(sql_type = sql_types::BigInt)]
    data_version: i64,
}

impl<Memory: Default + Send + 'static> Readers<Memory> {
    /// Opens the file when first asked something.
    pub(crate) fn new(path: &Path, limit: Duration, runtime: &Handle) -> Self {
        let (idle, is_closed) = (Mutex::default(), AtomicBool::default());
        let file = Arc::new(File { path: path.to_owned(), limit, idle, is_closed });
        Self { file, runtime: runtime.clone() }
    }

    /// Reads in one transaction, which sees the data as they are when it begins.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        step: impl FnOnce(&mut SqliteConnection, &mut Memory, Moment) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let file = self.file.clone();
        self.runtime.spawn_blocking(move || file.read(step)).await.map_err(StoreError::failed)?
    }

    /// Closes what is idle, and the rest when its reading ends.
    pub(crate) fn close(&self) {
        self.file.is_closed.store(true, Ordering::Relaxed);
        self.file.idle().clear();
    }
}

impl<Memory: Default> File<Memory> {
    fn idle(&self) -> MutexGuard<'_, Vec<(SqliteConnection, Memory)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<T>(
        &self,
        step: impl FnOnce(&mut SqliteConnection, &mut Memory, Moment) -> QueryResult<T>,
    ) -> Result<T, StoreError> {
        let idle = self.idle().pop();
        let (mut connection, mut memory) = match idle {
            Some(reader) => reader,
            None => {
                let opened = pool::open(&self.path, Mode::Write, self.limit);
                (opened.map_err(|error| error::connection(&self.path, error))?, Memory::default())
            }
        };
        let read = || {
            let mut failure = None;
            let outcome = connection.transaction(|connection| {
                let moment = sql_query("PRAGMA data_version").get_result(connection);
                let answer = moment.and_then(|moment| step(connection, &mut memory, moment));
                answer.map_err(|error| {
                    failure = Some(error::query(error));
                    Error::RollbackTransaction
                })
            });
            outcome.map_err(|error| failure.unwrap_or_else(|| error::query(error)))
        };
        // A connection that failed is not believed any more.
        let outcome = error::naming(&self.path, read)?;
        if !self.is_closed.load(Ordering::Relaxed) {
            self.idle().push((connection, memory));
        }
        Ok(outcome)
    }
}
