//! How a handler has a connection closed whose client is still sending a request that nobody will read.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use tokio::time::Instant;

/// How long a client may go on sending after its response.
pub(crate) const LINGER: Duration = Duration::from_secs(2);

/// Shared by a connection and the handlers of its requests; both run on one thread.
#[derive(Clone, Default)]
pub(crate) struct HangUp(Rc<Cell<Option<Instant>>>);

impl HangUp {
    /// Asks for the connection to be closed after [`LINGER`].
    pub(crate) fn soon(&self) {
        self.0.set(Some(Instant::now() + LINGER));
    }

    /// When to close the connection, if a handler asked for it.
    pub(crate) fn at(&self) -> Option<Instant> {
        self.0.get()
    }
}
