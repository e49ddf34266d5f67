//! Connections: how they are made, and how long anything may take.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, ConnectionError, ConnectionResult, SqliteConnection};
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::sync_connection_wrapper::SyncConnectionWrapper;
use futures_util::FutureExt as _;
use stream_domain::ports::{PoolUsage, StoreError, Waits};

use crate::error;

/// A connection whose queries run on threads that may block.
pub(crate) type Connection = SyncConnectionWrapper<SqliteConnection>;

/// How many connections read at once, and how many more serve coalesced reads: one each for lookups and pages, and one
/// more while that is slow.
pub(crate) const READERS: usize = 4;

/// What opening a file may do to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Make it if need be.
    Create,
    /// Read and write it, but never create one in the place of one that was lost.
    Write,
    /// Look into it and leave it as it is.
    Look,
    /// The same, without making anything beside it, not even for the moment.
    Examine,
}

/// Opens the file, with everything set that a connection needs.
pub(crate) fn open(path: &Path, mode: Mode, timeout: Duration) -> ConnectionResult<SqliteConnection> {
    let Some(path) = path.to_str() else {
        return Err(ConnectionError::BadConnection("the file's path is not UTF-8".to_owned()));
    };
    let escaped = path.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let (access, journal) = match mode {
        Mode::Create => ("rwc", "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"),
        Mode::Write => ("rw", "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL"),
        // Only a connection that may write removes what it needs beside the file.
        Mode::Look => ("rw", ""),
        // Without a log beside it, the file holds everything.
        Mode::Examine if has_log(path) => ("ro", ""),
        Mode::Examine => ("ro&immutable=1", ""),
    };
    // An absolute path may begin with two slashes, which alone would be taken for a host's name.
    let authority = if path.starts_with('/') { "//" } else { "" };
    let mut connection = SqliteConnection::establish(&format!("file:{authority}{escaped}?mode={access}"))?;
    // The time-out comes first: switching to WAL may have to wait for another process that does.
    // What large statements set aside stays in memory: an image has no folder for it.
    let settings =
        format!("PRAGMA busy_timeout = {}; PRAGMA temp_store = MEMORY; {journal}", timeout.as_millis());
    connection.batch_execute(&settings).map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// Whether there may be more beside the file than in it.
fn has_log(path: &str) -> bool {
    let log = std::fs::metadata(format!("{path}-wal"));
    log.is_ok_and(|log| log.len() > 0)
}

/// A pool of connections to the file, and how steps run on them.
#[derive(Clone)]
pub(crate) struct Connections {
    path: Arc<Path>,
    pool: Pool<Connection>,
    waits: Arc<Waits>,
}

impl Connections {
    /// At most `size` connections; waiting for one takes at most `timeout`.
    pub(crate) fn new(path: &Path, size: usize, timeout: Duration) -> Self {
        let path: Arc<Path> = path.into();
        let mut manager = ManagerConfig::default();
        manager.recycling_method = RecyclingMethod::Fast;
        let opened = path.clone();
        manager.custom_setup = Box::new(move |_url| {
            let path = opened.clone();
            async move {
                let opened = tokio::task::spawn_blocking(move || open(&path, Mode::Write, timeout)).await;
                let opened = opened.map_err(|panic| ConnectionError::BadConnection(panic.to_string()))?;
                opened.map(SyncConnectionWrapper::new)
            }
            .boxed()
        });
        let manager = AsyncDieselConnectionManager::new_with_config(String::new(), manager);
        let pool = Pool::builder(manager)
            .max_size(size)
            .runtime(deadpool::Runtime::Tokio1)
            .wait_timeout(Some(timeout))
            .create_timeout(Some(timeout))
            .recycle_timeout(Some(timeout))
            .build()
            .expect("a pool with time-outs has a runtime to keep them");
        Self { path, pool, waits: Arc::default() }
    }

    /// What its connections do at the moment, under this name.
    pub(crate) fn usage(&self, name: &'static str) -> PoolUsage {
        let status = self.pool.status();
        PoolUsage {
            name,
            max: status.max_size,
            open: status.size,
            in_use: status.size.saturating_sub(status.available),
            waiting: status.waiting,
            acquired: self.waits.number(),
            waited: self.waits.total(),
        }
    }

    /// Closes what is idle, and the rest when its step ends.
    pub(crate) fn close(&self) {
        self.pool.close();
    }

    /// Runs a step on a thread that may block.
    ///
    /// A multi-thread runtime MUST run it to its end: a connection whose query is dropped half-way blocks.
    pub(crate) async fn run<T, E>(
        &self,
        step: impl FnOnce(&mut SqliteConnection) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let asked_at = Instant::now();
        let taken = self.pool.get().await;
        self.waits.note(asked_at.elapsed());
        let mut connection = taken.map_err(|error| error::pool(&self.path, error))?;
        let path = self.path.clone();
        let step = move |connection: &mut _| Ok(error::naming(&path, || step(connection)));
        let done = connection.spawn_blocking(step).await;
        done.map_err(|error| error::naming(&self.path, || error::query(error)))?
    }
}
