//! `DB_URL`: which store, and where.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::config::flags::Flags;
use crate::config::near_names::{DB_URL, NearName};
use crate::value;

const DEFAULT_FILE: &str = "data/streams.db";

/// The database and how to use it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct DatabaseConfig {
    /// Which store, and where.
    pub(crate) url: DbUrl,
    /// Whether it is the embedded default, because `DB_URL` is not set.
    pub(crate) is_default: bool,
    /// Connections to PostgreSQL at most.
    pub(crate) pool_size: u16,
    /// How long an operation may take, waiting for a connection included.
    pub(crate) timeout: Duration,
}

impl DatabaseConfig {
    /// Parses the settings of the database; an error names the setting and never shows the URL.
    pub(super) fn parse(flags: &Flags, near_names: &[NearName]) -> Result<Self, String> {
        Ok(Self {
            url: DbUrl::choose(flags.db_url.as_deref(), flags.require_db_url, near_names)?,
            is_default: flags.db_url.is_none(),
            pool_size: flags.db_pool_size,
            timeout: Duration::from_secs(flags.db_timeout.into()),
        })
    }
}

/// Which store, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum DbUrl {
    /// The URL as it was given, with its password.
    Postgres(String),
    /// The file.
    Sqlite(PathBuf),
}

impl DbUrl {
    /// The store's word in logs and metrics.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Postgres(_) => "postgresql",
            Self::Sqlite(_) => "sqlite",
        }
    }

    /// Reads `DB_URL`, or chooses the embedded default where it is not set.
    ///
    /// The default is refused where `is_required`, and where a variable suggests that another database is meant.
    fn choose(given: Option<&str>, is_required: bool, near_names: &[NearName]) -> Result<Self, String> {
        if let Some(url) = given {
            return Self::parse(value::plain(url)).map_err(|reason| format!("{DB_URL}: {reason}"));
        }
        if let Some(near) = near_names.iter().find(|near| near.setting.starts_with(DB_URL)) {
            return Err(format!(
                "{} is set, and this service reads {}, which is not: rename it, or set {DB_URL} to \
                 sqlite://data/streams.db if an embedded database is wanted",
                near.name, near.setting,
            ));
        }
        if is_required {
            return Err("DB_URL is not set, and REQUIRE_DB_URL is, as in the container image: set DB_URL to \
                        postgresql://user:password@host/name, or to sqlite:///data/streams.db for a database in the \
                        volume /data"
                .to_owned());
        }
        Ok(Self::Sqlite(PathBuf::from(DEFAULT_FILE)))
    }

    fn parse(text: &str) -> Result<Self, String> {
        if text.chars().any(char::is_control) {
            return Err("it has a line end or another control character inside".to_owned());
        }
        if text.starts_with("postgresql://") || text.starts_with("postgres://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        let Some(path) = text.strip_prefix("sqlite://") else {
            return Err(
                "it must begin with postgresql://, postgres:// or sqlite://, without the name of a driver"
                    .to_owned(),
            );
        };
        if path.is_empty() || path.contains(['?', '#']) || path.starts_with(':') {
            return Err(
                "after sqlite:// comes the path of a file, such as data/streams.db or /var/lib/streams.db; \
                        options and :memory: are not supported"
                    .to_owned(),
            );
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }

    /// The host or hosts, and the name, of a PostgreSQL database, as the URL has them.
    ///
    /// `None` for SQLite, and where a host cannot be told from a piece of the password.
    pub(crate) fn host_and_name(&self) -> Option<(String, String)> {
        let Self::Postgres(url) = self else { return None };
        let (_, rest) = url.split_once("://")?;
        let (place, options) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = place.split_once('/').unwrap_or((place, ""));
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        // A raw @ or / in a password: what looks like a host may be a piece of it.
        if path.contains('@') || options.contains('@') {
            return None;
        }
        let option = |wanted: &str| {
            let mut named = options.split('&').filter_map(|option| option.split_once('='));
            named.find(|(name, value)| *name == wanted && !value.is_empty()).map(|(_, value)| value)
        };
        let or = |text: &str, name: &str, default: &str| {
            option(name).or(Some(text).filter(|text| !text.is_empty())).unwrap_or(default).to_owned()
        };
        Some((or(host, "host", "localhost"), or(path, "dbname", "(the user's)")))
    }
}

impl fmt::Display for DbUrl {
    /// Where the store is, without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Postgres(_) => match self.host_and_name() {
                Some((host, name)) => write!(f, "the PostgreSQL database {name} at {host}"),
                None => f.write_str("a PostgreSQL database"),
            },
            Self::Sqlite(path) => write!(f, "the SQLite file {}", path.display()),
        }
    }
}
