//! What a media server says of a publisher.

use std::net::IpAddr;

use super::admission::Trigger;
use super::session::{PublishName, Publisher};
use crate::media_server::{Family, ServerName};

/// What a media server says of a publisher.
#[derive(Clone)]
pub struct PublisherReport {
    /// Why the server speaks of it.
    pub trigger: Trigger,
    /// The server's id of the publisher's session.
    pub session: String,
    /// The boot id of the server, where it says.
    pub boot_id: Option<String>,
    /// The number of the connection, where the server counts them from 1 at each start.
    pub connection_number: Option<i64>,
    /// The application that it publishes to.
    pub application: String,
    /// The name that it publishes, without what stands behind its `?`.
    pub name: PublishName,
    /// What stands as `key` behind the name's `?`.
    pub key: Option<String>,
    /// `rtmp`, `srt` and so on.
    pub protocol: String,
    /// Where it comes from, if the server says.
    pub address: Option<IpAddr>,
    /// The kind of the server.
    pub family: Family,
}

impl std::fmt::Debug for PublisherReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The key is a secret, and in some families the session holds the name, which may be one.
        f.debug_struct("PublisherReport")
            .field("trigger", &self.trigger)
            .field("family", &self.family)
            .finish_non_exhaustive()
    }
}

impl PublisherReport {
    /// The publisher that it describes.
    pub(super) fn publisher_at(&self, server: &ServerName) -> Publisher {
        Publisher {
            server: server.clone(),
            session: self.session.clone(),
            application: self.application.clone(),
            name: self.name.clone(),
            protocol: self.protocol.clone(),
            address: self.address,
        }
    }
}
