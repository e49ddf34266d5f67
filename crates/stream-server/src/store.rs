//! The choice of the store: PostgreSQL or SQLite, behind the ports of the domain.

use std::sync::Arc;
use std::time::Duration;

use stream_domain::Finding;
use stream_domain::ports::{
    Progress, SessionPorts, SessionStore, Statistics, StoreError, StoreHealth, StreamPorts, StreamStore,
    UsersTable, chain_of,
};
use stream_postgres::{PostgresOptions, PostgresStore};
use stream_sqlite::{SqliteOptions, SqliteStore};

use crate::config::{DatabaseConfig, DbUrl};
use crate::failure::Failure;
use crate::system::OsEntropy;

/// A store as the ports that it implements.
pub(crate) struct Ports {
    /// Streams and their keys.
    pub(crate) streams: StreamPorts,
    /// Sessions of publishers.
    pub(crate) sessions: SessionPorts,
    /// Whether the database works, and its clock.
    pub(crate) health: Arc<dyn StoreHealth>,
    /// Counts for operators.
    pub(crate) statistics: Arc<dyn Statistics>,
}

impl Ports {
    fn of(store: Arc<impl StreamStore + SessionStore + StoreHealth + Statistics + 'static>) -> Self {
        Self {
            streams: StreamPorts::of(store.clone()),
            sessions: SessionPorts::of(store.clone()),
            health: store.clone(),
            statistics: store,
        }
    }
}

/// The store that the settings choose.
#[derive(Clone)]
pub(crate) enum Store {
    /// A database server.
    Postgres(PostgresStore),
    /// A file.
    Sqlite(SqliteStore),
}

impl Store {
    /// Prepares the store without connecting to it; fails where `DB_URL` has a parameter that is not supported.
    pub(crate) fn open(config: &DatabaseConfig) -> Result<Self, Failure> {
        let timeout = config.timeout;
        match config.url.clone() {
            DbUrl::Postgres(url) => {
                let options = PostgresOptions { url, pool_size: config.pool_size.into(), timeout };
                let store = PostgresStore::new(&options, Arc::new(OsEntropy));
                store
                    .map(Self::Postgres)
                    .map_err(|error| Failure::wrong_setting(format!("DB_URL: {}", chain_of(&error))))
            }
            DbUrl::Sqlite(path) => Ok(Self::Sqlite(SqliteStore::new(&SqliteOptions { path, timeout }))),
        }
    }

    /// The ports.
    pub(crate) fn ports(&self) -> Ports {
        match self.clone() {
            Self::Postgres(store) => Ports::of(Arc::new(store)),
            Self::Sqlite(store) => Ports::of(Arc::new(store)),
        }
    }

    /// Brings the database to the shape that this version needs; returns the migrations that ran.
    pub(crate) async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Postgres(store) => store.migrate().await,
            Self::Sqlite(store) => store.migrate().await,
        }
    }

    /// The same, and shows what it is at.
    pub(crate) async fn migrate_showing(
        &self,
        progress: Arc<dyn Progress>,
    ) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Postgres(store) => store.migrate_showing(progress).await,
            Self::Sqlite(store) => {
                progress.begin("bringing the file up to date", None);
                let done = store.migrate().await;
                progress.end();
                done
            }
        }
    }

    /// What [`Self::migrate`] would change, in words.
    pub(crate) async fn plan_migration(&self) -> Result<String, StoreError> {
        match self {
            Self::Postgres(store) => Ok(store.plan_migration().await?.to_string()),
            Self::Sqlite(store) => Ok(store.plan_migration().await?.to_string()),
        }
    }

    /// Examines the database; each step takes at most `limit`. It changes nothing.
    pub(crate) async fn examine(&self, limit: Duration) -> Vec<Finding> {
        match self {
            Self::Postgres(store) => store.examine(limit).await,
            Self::Sqlite(store) => store.examine(limit).await,
        }
    }

    /// Whether streams refer to the platform's users, as last seen.
    pub(crate) fn users_table(&self) -> UsersTable {
        match self {
            Self::Postgres(store) => store.users_table(),
            Self::Sqlite(_) => UsersTable::NotUsed,
        }
    }

    /// Makes streams refer to the platform's users, if that is possible now.
    pub(crate) async fn add_users_foreign_key(&self) -> Result<UsersTable, StoreError> {
        match self {
            Self::Postgres(store) => store.add_users_foreign_key().await,
            Self::Sqlite(_) => Ok(UsersTable::NotUsed),
        }
    }

    /// Whether an error at start may pass by itself: a server may come back, a file that cannot be used will not.
    pub(crate) fn may_come_back(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Whether the database is there to be asked: a server may be, a file is once it was made.
    pub(crate) fn is_there(&self) -> bool {
        match self {
            Self::Postgres(_) => true,
            Self::Sqlite(store) => store.exists(),
        }
    }

    /// Closes the connections.
    pub(crate) fn close(&self) {
        match self {
            Self::Postgres(store) => store.close(),
            Self::Sqlite(store) => store.close(),
        }
    }
}
