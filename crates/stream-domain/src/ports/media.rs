//! A media server's control interface.

use std::net::IpAddr;

use async_trait::async_trait;
use time::Duration;

use super::BoxedSource;
use crate::broadcasts::session::{PublishName, Publisher};

/// Asks and tells one media server.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait MediaServer: Send + Sync {
    /// Who is publishing, as of some moment after the call, and what that list may prove.
    ///
    /// It MUST be answered or fail within seconds, and read no more than a bound, whatever the server sends.
    async fn publishers(&self) -> Result<Listing, MediaServerError>;

    /// Tells the server to end this publisher, within what `patience` allows.
    async fn kick(&self, publisher: &Publisher, patience: KickPatience) -> Result<Kick, MediaServerError>;

    /// What the server's own configuration says of its hooks, where its control interface shows that.
    ///
    /// It MUST be answered or fail within seconds, and change nothing.
    async fn hook_settings(&self) -> Result<HookSettings, MediaServerError> {
        Ok(HookSettings::Unreadable)
    }
}

/// What a media server's configuration says of its hooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookSettings {
    /// The control interface does not show it.
    Unreadable,
    /// Nobody is asked about publishers, since this setting is missing or off.
    Off(&'static str),
    /// The hooks that are set.
    Set(Vec<HookUrl>),
}

/// A hook in a media server's configuration.
#[derive(Clone, PartialEq, Eq)]
pub struct HookUrl {
    /// What the setting is called there.
    pub setting: &'static str,
    /// Where the hook goes; may hold a secret.
    pub url: String,
}

impl std::fmt::Debug for HookUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HookUrl").field("setting", &self.setting).finish_non_exhaustive()
    }
}

/// How long an order to end a publisher may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KickPatience {
    /// Less than half a second: another publisher waits for the answer of its hook.
    BeforeAnswer,
    /// Some seconds: no hook waits for it.
    Unhurried,
}

/// What an order to end a publisher led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kick {
    /// The publisher is gone, whether or not it was there.
    Gone,
    /// The process that answered does not have it; another process of the server may.
    NotFound,
}

/// A media server's list of publishers, and what it may prove.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Those that are listed.
    pub publishers: Vec<ListedPublisher>,
    /// Whether every publisher of the answering process is listed: nothing was cut off, and none can have slipped
    /// between two pages.
    pub is_whole: bool,
    /// Which process answered, where the server says.
    pub process: Option<Process>,
}

/// A process of a media server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Process {
    /// The server is one process, and this is its boot id, as its hooks say it; another one means that all
    /// publishers before it are gone.
    Whole(String),
    /// The server may have several processes, each with publishers of its own that the others do not list.
    Worker {
        /// Which one it is.
        id: String,
        /// How long it has been running.
        age: Duration,
        /// The number of the last connection to any of them, where the server says; it counts from 1 at each start.
        connection: Option<u64>,
    },
}

impl Process {
    /// What distinguishes it from the processes before it and beside it.
    pub fn id(&self) -> &str {
        match self {
            Self::Whole(boot_id) => boot_id,
            Self::Worker { id, .. } => id,
        }
    }
}

/// A publisher in a media server's list.
#[derive(Clone, PartialEq, Eq)]
pub struct ListedPublisher {
    /// The server's session id; `None` where the list has names only.
    pub session: Option<String>,
    /// The application that it publishes to.
    pub application: String,
    /// The name that it publishes.
    pub name: PublishName,
    /// What stood as `key` behind the name's `?`, where the list has that.
    pub key: Option<String>,
    /// `rtmp`, `srt` and so on.
    pub protocol: String,
    /// Where it comes from, where the list has that.
    pub address: Option<IpAddr>,
    /// The number of its connection, where the server counts them.
    pub connection_number: Option<i64>,
    /// How many bytes came from it so far, where the server counts them.
    pub bytes: Option<u64>,
    /// Whether it may still be waiting for the answer of a hook; such a one is neither admitted nor kicked by the list.
    pub may_wait: bool,
}

impl ListedPublisher {
    /// What it goes by in lists: its session id or, where the list has none, its name.
    pub fn known_as(&self) -> &str {
        self.session.as_deref().unwrap_or(self.name.expose())
    }
}

impl std::fmt::Debug for ListedPublisher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key is a secret.
        f.debug_struct("ListedPublisher")
            .field("session", &self.session)
            .field("name", &self.name)
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

/// A media server did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum MediaServerError {
    /// It does not answer.
    #[error("the media server does not answer")]
    Unreachable(#[source] BoxedSource),
    /// It refuses our credentials.
    #[error("the media server refuses our credentials; correct them in MEDIA_SERVERS")]
    Forbidden,
    /// It answers something else than its kind does.
    #[error("the media server answers unlike its kind: {0}")]
    Unexpected(String),
}
