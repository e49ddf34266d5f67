//! A separate database for a test, of either kind, which tests can query directly.

use std::process::Command;

use stream_test_postgres::{Cluster, Database};
use tempfile::TempDir;

use crate::ServiceBuilder;

/// The stores that the service has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// A file.
    Sqlite,
    /// A server, with a `users` table of users 1 to 2000.
    Postgres,
}

/// An empty database.
#[derive(Debug)]
pub enum TestStore {
    /// A file in a temporary folder.
    Sqlite(TempDir),
    /// A database in the tests' cluster.
    Postgres(Database<'static>),
}

impl TestStore {
    /// Creates an empty database.
    pub fn new(kind: StoreKind) -> Self {
        match kind {
            StoreKind::Sqlite => Self::Sqlite(tempfile::tempdir().expect("a temporary folder")),
            StoreKind::Postgres => {
                let database = Cluster::shared().database();
                database.create_users(2_000);
                Self::Postgres(database)
            }
        }
    }

    /// Its `DB_URL`; PostgreSQL's has a password, which no log may contain.
    pub fn url(&self) -> String {
        match self {
            Self::Sqlite(folder) => format!("sqlite://{}/streams.db", folder.path().display()),
            Self::Postgres(database) => database.url().replace("postgres@", "postgres:not-for-logs@"),
        }
    }

    /// The settings of a service on it.
    pub fn setup(&self) -> ServiceBuilder {
        ServiceBuilder::on(&self.url())
    }

    /// Runs statements and returns the selected rows, one per line, with `|` between columns.
    pub fn sql(&self, statements: &str) -> String {
        match self {
            Self::Postgres(database) => database.sql(statements),
            Self::Sqlite(folder) => {
                let script = "import sqlite3, sys\n\
                    c = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)\n\
                    for r in c.execute(sys.argv[2]): print('|'.join(str(v) for v in r))";
                let mut python = Command::new("python3");
                python.args(["-c", script]).arg(folder.path().join("streams.db")).arg(statements);
                let output = python.output().expect("python3 is there");
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                String::from_utf8_lossy(&output.stdout).trim().to_owned()
            }
        }
    }

    /// Moves a stream's times into the past, as if a day had passed.
    pub fn let_expire(&self, key: &str) {
        let hours_ago = |hours: u32| match self {
            Self::Sqlite(_) => format!("strftime('%Y-%m-%d %H:%M:%f', 'now', '-{hours} hours')"),
            Self::Postgres(_) => format!("timezone('UTC', now()) - INTERVAL '{hours} hours'"),
        };
        self.sql(&format!(
            "UPDATE streams SET created_at = {}, expires_at = {} WHERE stream_key = '{key}'",
            hours_ago(25),
            hours_ago(1)
        ));
    }
}
