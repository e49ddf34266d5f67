//! The media servers on which every situation is tested, and their settings.

use stream_simulated_servers::Family;

/// A media server with its settings for the situations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaSetup {
    /// The real nginx-rtmp with the key in the address, as documented for the earlier service.
    NginxKey,
    /// The real nginx-rtmp with a public name in the address.
    NginxPlayback,
    /// The real nginx-rtmp, which renames streams.
    NginxRename,
    /// The real nginx-rtmp without a control interface, which sends updates while a publisher is live.
    NginxUpdates,
    /// The real node-media-server 2.
    NodeTwo,
    /// The real node-media-server 4, with a public name in the address.
    NodeFour,
    /// A simulated server of this family, with a public name in the address.
    Simulated(Family),
}

impl MediaSetup {
    /// All of them, in the order of the documentation's table.
    pub const ALL: [Self; 11] = [
        Self::NginxKey,
        Self::NginxPlayback,
        Self::NginxRename,
        Self::NginxUpdates,
        Self::NodeTwo,
        Self::NodeFour,
        Self::Simulated(Family::Srs),
        Self::Simulated(Family::MediaMtx),
        Self::Simulated(Family::OvenMediaEngine),
        Self::Simulated(Family::ZlMediaKit),
        Self::Simulated(Family::AntMedia),
    ];

    /// Its name in the table.
    pub fn title(self) -> &'static str {
        match self {
            Self::NginxKey => "nginx-rtmp, `key`",
            Self::NginxPlayback => "nginx-rtmp, `playback`",
            Self::NginxRename => "nginx-rtmp, `rename`",
            Self::NginxUpdates => "nginx-rtmp, `UPDATES=on` without control",
            Self::NodeTwo => "node-media-server 2, `key`",
            Self::NodeFour => "node-media-server 4, `playback`",
            Self::Simulated(Family::Srs) => "SRS, simulated",
            Self::Simulated(Family::MediaMtx) => "MediaMTX, simulated",
            Self::Simulated(Family::OvenMediaEngine) => "OvenMediaEngine, simulated",
            Self::Simulated(Family::ZlMediaKit) => "ZLMediaKit, simulated",
            Self::Simulated(Family::AntMedia) => "Ant Media, simulated",
        }
    }

    /// The setting `ADDRESSES`.
    pub(crate) fn addresses(self) -> &'static str {
        match self {
            Self::NginxKey | Self::NginxUpdates | Self::NodeTwo => "key",
            Self::NginxRename => "rename",
            Self::NginxPlayback | Self::NodeFour | Self::Simulated(_) => "playback",
        }
    }

    /// Whether the key is hidden from viewers.
    pub fn hides_keys(self) -> bool {
        self.addresses() != "key"
    }

    /// Whether the service can list and kick publishers.
    pub fn has_control(self) -> bool {
        !matches!(self, Self::NginxUpdates | Self::Simulated(Family::AntMedia))
    }

    /// The family's name in hooks and settings.
    pub(crate) fn family(self) -> &'static str {
        match self {
            Self::NginxKey | Self::NginxPlayback | Self::NginxRename | Self::NginxUpdates => "nginx-rtmp",
            Self::NodeTwo => "node-media-server-2",
            Self::NodeFour => "node-media-server",
            Self::Simulated(Family::Srs) => "srs",
            Self::Simulated(Family::MediaMtx) => "mediamtx",
            Self::Simulated(Family::OvenMediaEngine) => "ovenmediaengine",
            Self::Simulated(Family::ZlMediaKit) => "zlmediakit",
            Self::Simulated(Family::AntMedia) => "ant-media",
        }
    }
}
