//! Media servers: what they are called, what kinds there are, and how each is to be treated.

mod family;
mod name;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use time::Duration;

use crate::lifecycle::KeyLifetime;
use crate::ports::MediaServer;

pub use family::{Capabilities, Family, LEASE};
pub use name::{InvalidServerName, ServerName};

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

    /// The same, with keys that live this long, which is the lease of a family that never reports a publisher again.
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

    /// Every instance, by its name.
    pub fn all(&self) -> impl Iterator<Item = (&ServerName, &ServerProfile)> {
        self.named.iter()
    }

    /// The instances that have a control interface.
    pub fn controlled(&self) -> impl Iterator<Item = &ServerName> {
        self.named.iter().filter(|(_, profile)| profile.control.is_some()).map(|(name, _)| name)
    }
}
