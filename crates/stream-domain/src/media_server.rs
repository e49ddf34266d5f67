//! Media servers: what they are called, what kinds there are, and how each is to be treated.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use time::Duration;

use crate::lifecycle::KeyLifetime;
use crate::ports::MediaServer;

/// How long a session counts as live after it was last seen, unless the settings say otherwise.
///
/// Together with updates every 4 seconds it shows a crashed server's streams as off air within 15.
pub const LEASE: Duration = Duration::seconds(12);

/// The name that an instance of a media server goes by: 1 to 64 characters of `A-Z a-z 0-9 . _ -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerName(String);

impl ServerName {
    /// Reads a name as a setting, an address or a store has it.
    pub fn parse(text: &str) -> Result<Self, InvalidServerName> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        let fits = (1..=64).contains(&text.len());
        if fits && text.bytes().all(plain) { Ok(Self(text.to_owned())) } else { Err(InvalidServerName) }
    }

    /// The name's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text cannot name a media server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a media server's name has 1 to 64 letters, digits, `.`, `_` and `-`")]
pub struct InvalidServerName;

/// The kinds of media servers that this service speaks with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// nginx with arut's RTMP module.
    NginxRtmp,
    /// SRS, which Oryx is built on.
    Srs,
    /// `MediaMTX`.
    MediaMtx,
    /// `OvenMediaEngine`.
    OvenMediaEngine,
    /// node-media-server 2, which has no hooks: a gate asks about its keys.
    NodeMediaServer2,
    /// node-media-server 4.
    NodeMediaServer4,
    /// `ZLMediaKit`.
    ZlMediaKit,
    /// Ant Media Server.
    AntMedia,
}

impl Family {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 8] = [
        Self::NginxRtmp,
        Self::Srs,
        Self::MediaMtx,
        Self::OvenMediaEngine,
        Self::NodeMediaServer2,
        Self::NodeMediaServer4,
        Self::ZlMediaKit,
        Self::AntMedia,
    ];

    /// The word for it in addresses and settings.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NginxRtmp => "nginx-rtmp",
            Self::Srs => "srs",
            Self::MediaMtx => "mediamtx",
            Self::OvenMediaEngine => "ovenmediaengine",
            Self::NodeMediaServer2 => "node-media-server-2",
            Self::NodeMediaServer4 => "node-media-server",
            Self::ZlMediaKit => "zlmediakit",
            Self::AntMedia => "ant-media",
        }
    }

    /// Whether it ends a first publisher by itself when a second is admitted; all others refuse the second.
    ///
    /// `MediaMTX` does, and it blocks while it waits for an answer, so it could not kick meanwhile.
    pub fn replaces_publishers(self) -> bool {
        self == Self::MediaMtx
    }

    /// Whether it asks again and again, so that an answer can end a publisher.
    pub fn asks_again(self) -> bool {
        self == Self::NginxRtmp
    }

    /// Whether it ends a publisher by the name alone, so that a publisher that gave way cannot be distinguished from the next.
    pub fn ends_by_name(self) -> bool {
        self == Self::OvenMediaEngine
    }

    /// Whether an answer can rename a publisher, which hides the key from viewers.
    pub fn can_rename(self) -> bool {
        self == Self::NginxRtmp
    }

    /// Whether its viewers find a stream all the same that was published with a slash too many, since playlists are
    /// files there: `/live//name/` is `/live/name`.
    pub fn joins_slashes(self) -> bool {
        matches!(self, Self::NginxRtmp | Self::Srs)
    }

    /// A part of an address as its viewers have it.
    pub(crate) fn as_viewed(self, part: &str) -> &str {
        if self.joins_slashes() { part.trim_matches('/') } else { part }
    }

    /// How long a session counts as live after it was last seen, unless the settings say otherwise.
    ///
    /// Ant Media never says that a publisher goes on and cannot be asked, so its word holds for as long as a key does.
    pub fn lease(self, keys: KeyLifetime) -> Duration {
        if self == Self::AntMedia { keys.duration() } else { LEASE }
    }

    /// What makes it show who is live and obey a stop, in the words of its settings; `None` where nothing does.
    pub fn cure_for_silence(self) -> Option<&'static str> {
        Some(match self {
            Self::NginxRtmp => {
                "name it in MEDIA_SERVERS with control=http://HOST:PORT of its /stat and /control, or give its \
                 application on_update"
            }
            Self::Srs => {
                "name it in MEDIA_SERVERS with control=http://USER:PASSWORD@HOST:1985 of its http_api; on_hls alone \
                 keeps streams live, and cuts nobody"
            }
            Self::MediaMtx => "name it in MEDIA_SERVERS with control=http://HOST:9997 of its API",
            Self::OvenMediaEngine => {
                "name it in MEDIA_SERVERS with control=http://ACCESS-TOKEN@HOST:8081 of its API"
            }
            Self::NodeMediaServer2 | Self::NodeMediaServer4 => {
                "name it in MEDIA_SERVERS with control=http://USER:PASSWORD@HOST:PORT of its API, which is on once \
                 API_USER and API_PASSWORD are set there"
            }
            Self::ZlMediaKit => {
                "name it in MEDIA_SERVERS with control=http://API-SECRET@HOST:PORT of its API; on_server_keepalive \
                 alone keeps streams live, and cuts nobody"
            }
            Self::AntMedia => return None,
        })
    }

    /// Whether a gate in it has asked for each publisher's key by `GET /api/streams/{key}`, since it has no hooks.
    pub fn has_gate(self) -> bool {
        self == Self::NodeMediaServer2
    }

    /// Reads the word; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.as_str() == word)
    }
}

/// How one instance is treated.
#[derive(Clone)]
pub struct ServerProfile {
    /// Its kind.
    pub family: Family,
    /// How long a session of it counts as live after it was last seen.
    pub lease: Duration,
    /// Its control interface, where there is one.
    pub control: Option<Arc<dyn MediaServer>>,
}

impl fmt::Debug for ServerProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerProfile").field("family", &self.family).finish_non_exhaustive()
    }
}

/// The instances that the settings name.
#[derive(Debug, Clone, Default)]
pub struct MediaServers {
    named: BTreeMap<ServerName, ServerProfile>,
    key_lifetime: KeyLifetime,
}

impl MediaServers {
    /// Takes the instances; keys live for [`KeyLifetime::DEFAULT`].
    pub fn new(servers: impl IntoIterator<Item = (ServerName, ServerProfile)>) -> Self {
        Self { named: servers.into_iter().collect(), key_lifetime: KeyLifetime::DEFAULT }
    }

    /// The same, with keys that live this long, which is the lease of a family that never speaks up.
    #[must_use]
    pub fn with_key_lifetime(self, key_lifetime: KeyLifetime) -> Self {
        Self { key_lifetime, ..self }
    }

    /// The instance of this name, if the settings name it.
    pub fn get(&self, name: &ServerName) -> Option<&ServerProfile> {
        self.named.get(name)
    }

    /// How long a session of this server counts as live after it was last seen.
    pub fn lease_of(&self, name: &ServerName, family: Family) -> Duration {
        self.get(name).map_or_else(|| family.lease(self.key_lifetime), |profile| profile.lease)
    }

    /// The instances that have a control interface.
    pub fn controlled(&self) -> impl Iterator<Item = &ServerName> {
        self.named.iter().filter(|(_, profile)| profile.control.is_some()).map(|(name, _)| name)
    }
}
