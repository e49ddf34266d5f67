//! `DB_URL`: which store, and where.

use std::fmt;
use std::path::PathBuf;

use crate::config::Settings;
use crate::near_names;
use crate::value;

const DEFAULT_FILE: &str = "data/streams.db";

impl Settings {
    /// The database; parsed here, because what refuses a flag shows its value, and this one holds a password.
    pub(crate) fn database(&self) -> Result<DbUrl, String> {
        match &self.db_url {
            Some(url) => DbUrl::parse(value::plain(url)).map_err(|reason| format!("DB_URL: {reason}")),
            None => self.default_database(),
        }
    }

    /// The embedded default, unless it is plain that another database is meant.
    fn default_database(&self) -> Result<DbUrl, String> {
        if let Some(near) = self.near_names.iter().find(|near| near.setting.starts_with(near_names::DB_URL)) {
            return Err(format!(
                "{} is set, and this service reads {}, which is not: rename it, or set {} to sqlite://data/streams.db \
                 if an embedded database is wanted",
                near.name,
                near.setting,
                near_names::DB_URL
            ));
        }
        if self.require_db_url {
            return Err("DB_URL is not set, and REQUIRE_DB_URL is, as in the container image: set DB_URL to \
                        postgresql://user:password@host/name, or to sqlite:///data/streams.db for a database in the \
                        volume /data"
                .to_owned());
        }
        Ok(DbUrl::Sqlite(PathBuf::from(DEFAULT_FILE)))
    }

    /// Whether the database was chosen, and is not merely the default.
    pub(crate) fn has_db_url(&self) -> bool {
        self.db_url.is_some()
    }
}

/// Which store, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum DbUrl {
    /// The URL as it was given, password and all.
    Postgres(String),
    /// The file.
    Sqlite(PathBuf),
}

impl DbUrl {
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

impl DbUrl {
    /// The host, or hosts, and the name of a PostgreSQL database, as the URL has them; `None` if it is not plain which
    /// part of it is which.
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
