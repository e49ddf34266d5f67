//! A media server's control interface.

use std::net::IpAddr;

use async_trait::async_trait;

use super::BoxedSource;
use crate::session::{PublishName, Publisher};

/// Asks and tells one media server.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait MediaServer: Send + Sync {
    /// Everybody who is publishing, as of some moment after the call; soon answered or failed.
    async fn publishers(&self) -> Result<Vec<Listed>, MediaServerError>;

    /// Ends this publisher; success means that it is gone, whether or not it was there.
    async fn cut(&self, publisher: &Publisher) -> Result<(), MediaServerError>;
}

/// A publisher in a media server's list.
#[derive(Clone, PartialEq, Eq)]
pub struct Listed {
    /// The server's id of its stay; `None` where the list has names only.
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
    pub ordinal: Option<i64>,
}

impl std::fmt::Debug for Listed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key is a secret.
        f.debug_struct("Listed")
            .field("session", &self.session)
            .field("name", &self.name)
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
