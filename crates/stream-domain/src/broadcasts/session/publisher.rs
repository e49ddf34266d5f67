//! Who publishes, as its media server knows it.

use std::fmt;
use std::net::IpAddr;

use crate::media_server::ServerName;

/// The name under which a stream is published on a media server; in some address forms it is the key.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct PublishName(String);

impl PublishName {
    /// Takes the name's text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The name itself, for the media server and the store; never for a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PublishName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PublishName(redacted)")
    }
}

/// A publisher as its media server knows it: enough to recognize it in a list, and to end it.
#[derive(Clone, PartialEq, Eq)]
pub struct Publisher {
    /// The instance that it publishes to.
    pub server: ServerName,
    /// The server's session id; unique among its open sessions.
    pub session: String,
    /// The application (the part of the address before the name).
    pub application: String,
    /// The name, as the server knows it.
    pub name: PublishName,
    /// `rtmp`, `srt`, `webrtc` and so on, as the server calls it.
    pub protocol: String,
    /// Where the publisher comes from, if the server says.
    pub address: Option<IpAddr>,
}

impl fmt::Debug for Publisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In some families the session holds the name, which may be a key.
        f.debug_struct("Publisher")
            .field("server", &self.server)
            .field("protocol", &self.protocol)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
