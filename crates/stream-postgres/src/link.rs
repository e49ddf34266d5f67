//! A connection, with what the server says on it.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Instant;

use diesel_async::AsyncPgConnection;
use diesel_async::pooled_connection::PoolableConnection as _;
use tokio::task::JoinHandle;

use crate::connect::{Canceller, Connected};
use crate::wire::{SqlState, Wire};

/// A connection; to drop it closes it, whatever runs there.
pub(crate) struct Link {
    connection: AsyncPgConnection,
    canceller: Canceller,
    driver: JoinHandle<()>,
    wire: Arc<Wire>,
    made_at: Instant,
    generation: u64,
    is_pooled: bool,
    is_unfit: bool,
}

impl Link {
    /// A connection that was just made.
    pub(crate) fn new(connected: Connected, generation: u64) -> Self {
        let Connected { connection, driver, wire, canceller, has_settings } = connected;
        let is_pooled = !has_settings;
        let made_at = Instant::now();
        Self { connection, canceller, driver, wire, made_at, generation, is_pooled, is_unfit: false }
    }

    /// Ends what the connection is doing.
    pub(crate) fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// The last error on it since the last call.
    pub(crate) fn take_error(&self) -> Option<SqlState> {
        self.wire.take_error()
    }

    /// Has it closed as soon as it is idle.
    pub(crate) fn give_up(&mut self) {
        self.is_unfit = true;
    }

    /// The generation that it was made in.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// When it was made.
    pub(crate) fn made_at(&self) -> Instant {
        self.made_at
    }

    /// Whether a pooler stands between the store and the server.
    pub(crate) fn is_pooled(&self) -> bool {
        self.is_pooled
    }

    /// Whether it can be used again while this generation counts.
    pub(crate) fn is_fit(&mut self, generation: u64) -> bool {
        self.generation >= generation && !self.is_unfit && !self.connection.is_broken()
    }
}

impl Deref for Link {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &AsyncPgConnection {
        &self.connection
    }
}

impl DerefMut for Link {
    fn deref_mut(&mut self) -> &mut AsyncPgConnection {
        &mut self.connection
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
