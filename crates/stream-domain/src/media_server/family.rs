//! The kinds of media servers, and what each can do.

use time::Duration;

use crate::lifecycle::KeyLifetime;

/// How long a session counts as live after it was last seen, unless the settings say otherwise.
///
/// Together with updates every 4 seconds it shows a crashed server's streams as off air within 15.
pub const LEASE: Duration = Duration::seconds(12);

/// What a family of media servers can do, and what the service must do in its place.
///
/// The values are what `docs/media-servers` says of each family, observed on real servers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// It ends a first publisher by itself once a second one that was admitted sends media; others refuse the second.
    ///
    /// Such a server waits for the answer to a hook and cannot kick meanwhile.
    pub replaces_publishers: bool,
    /// It asks again at intervals while a publisher is live, so that an answer can end it.
    pub asks_again: bool,
    /// It kicks by name alone, so that a publisher that was replaced cannot be told from the one that replaced it.
    pub kicks_by_name: bool,
    /// An answer can rename a publisher, which hides the key from viewers.
    pub renames: bool,
    /// Its viewers find `/live/name` where `/live//name/` was published, since playlists are files there.
    pub joins_slashes: bool,
    /// It has no hooks: a gate in it asks for each publisher's key by `GET /api/streams/{key}`.
    pub has_gate: bool,
    /// The settings by which it shows who is live and obeys a stop; `None` where nothing makes it do so.
    pub liveness_settings: Option<&'static str>,
}

/// What a family can do at least.
const PLAIN: Capabilities = Capabilities {
    replaces_publishers: false,
    asks_again: false,
    kicks_by_name: false,
    renames: false,
    joins_slashes: false,
    has_gate: false,
    liveness_settings: None,
};

const NGINX_RTMP: Capabilities = Capabilities {
    asks_again: true,
    renames: true,
    joins_slashes: true,
    liveness_settings: Some(
        "name it in MEDIA_SERVERS with control=http://HOST:PORT of its /stat and /control, or give its application \
         on_update",
    ),
    ..PLAIN
};

const SRS: Capabilities = Capabilities {
    joins_slashes: true,
    liveness_settings: Some(
        "name it in MEDIA_SERVERS with control=http://USER:PASSWORD@HOST:1985 of its http_api; on_hls alone keeps \
         streams live, and cuts nobody",
    ),
    ..PLAIN
};

const MEDIAMTX: Capabilities = Capabilities {
    replaces_publishers: true,
    liveness_settings: Some("name it in MEDIA_SERVERS with control=http://HOST:9997 of its API"),
    ..PLAIN
};

const OVENMEDIAENGINE: Capabilities = Capabilities {
    kicks_by_name: true,
    liveness_settings: Some("name it in MEDIA_SERVERS with control=http://ACCESS-TOKEN@HOST:8081 of its API"),
    ..PLAIN
};

const NODE_MEDIA_SERVER_4: Capabilities = Capabilities {
    liveness_settings: Some(
        "name it in MEDIA_SERVERS with control=http://USER:PASSWORD@HOST:PORT of its API, which is on once API_USER \
         and API_PASSWORD are set there",
    ),
    ..PLAIN
};

const NODE_MEDIA_SERVER_2: Capabilities = Capabilities { has_gate: true, ..NODE_MEDIA_SERVER_4 };

const ZLMEDIAKIT: Capabilities = Capabilities {
    liveness_settings: Some(
        "name it in MEDIA_SERVERS with control=http://API-SECRET@HOST:PORT of its API; on_server_keepalive alone \
         keeps streams live, and cuts nobody",
    ),
    ..PLAIN
};

/// Ant Media never says that a publisher is still live, and cannot be asked.
const ANT_MEDIA: Capabilities = PLAIN;

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

    /// What it can do.
    pub fn capabilities(self) -> &'static Capabilities {
        match self {
            Self::NginxRtmp => &NGINX_RTMP,
            Self::Srs => &SRS,
            Self::MediaMtx => &MEDIAMTX,
            Self::OvenMediaEngine => &OVENMEDIAENGINE,
            Self::NodeMediaServer2 => &NODE_MEDIA_SERVER_2,
            Self::NodeMediaServer4 => &NODE_MEDIA_SERVER_4,
            Self::ZlMediaKit => &ZLMEDIAKIT,
            Self::AntMedia => &ANT_MEDIA,
        }
    }

    /// A part of an address as its viewers have it.
    pub(crate) fn as_viewed(self, part: &str) -> &str {
        if self.capabilities().joins_slashes { part.trim_matches('/') } else { part }
    }

    /// How long a session counts as live after it was last seen, unless the settings say otherwise.
    ///
    /// A family that never reports again after the start is believed for as long as a key lives.
    pub fn lease(self, keys: KeyLifetime) -> Duration {
        if self.capabilities().liveness_settings.is_some() { LEASE } else { keys.duration() }
    }

    /// Reads the word; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|family| family.as_str() == word)
    }
}
