//! What operators' commands share: the use cases that they call.

use stream_domain::{Blocks, Broadcasts, Catalog, Descriptions, Events, Keys, Schedules};

/// The use cases that operators work with.
pub(super) struct Desk {
    /// Streams of users.
    pub(super) keys: Keys,
    /// Streams of all.
    pub(super) catalog: Catalog,
    /// What is said of streams.
    pub(super) descriptions: Descriptions,
    /// What is planned.
    pub(super) schedules: Schedules,
    /// What has happened.
    pub(super) events: Events,
    /// Who may not stream.
    pub(super) blocks: Blocks,
    /// Publishers and media servers.
    pub(super) broadcasts: Broadcasts,
}
