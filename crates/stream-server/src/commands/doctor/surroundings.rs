//! What the looks at media servers and addresses work with.

use std::time::Duration;

use stream_domain::{Broadcasts, Catalog};
use stream_http::HookServers;

use crate::config::Config;
use crate::wiring::Probe;

/// How long one look may take.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// The settings, and what asks by them.
pub(super) struct Surroundings<'a> {
    /// The settings.
    pub(super) config: &'a Config,
    /// Looks at addresses.
    pub(super) probe: Probe,
    /// The media servers.
    pub(super) broadcasts: Broadcasts,
    /// The streams that are live.
    pub(super) catalog: Catalog,
    /// The secrets of the media servers' hooks.
    pub(super) hook_servers: HookServers,
}
