//! A publisher of a simulated server.

use std::net::{IpAddr, SocketAddr};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Instant;

use tokio::sync::watch;

/// The state of a publisher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// The hook has not responded yet.
    Asking,
    /// Viewers can watch it.
    Live,
    /// It was never live.
    Refused(String),
    /// The server kicked it.
    Kicked,
    /// It left.
    Gone,
}

/// One connection of one publisher.
#[derive(Debug)]
pub(crate) struct Session {
    /// The server's id of it.
    pub(crate) id: String,
    /// The name it publishes to.
    pub(crate) name: String,
    /// The part after the question mark of the name, or empty.
    pub(crate) query: String,
    /// Its address.
    pub(crate) from: SocketAddr,
    /// When it connected.
    pub(crate) since: Instant,
    /// Its state.
    pub(crate) state: watch::Sender<State>,
    /// Whether its connection is closed.
    pub(crate) has_left: AtomicBool,
    /// Whether its begin was reported.
    pub(crate) is_begun: AtomicBool,
    /// Whether it sends media at all.
    pub(crate) brings_media: bool,
    /// When its media stopped while its connection is open.
    pub(crate) frozen_at: OnceLock<Instant>,
}

impl Session {
    pub(crate) fn new(id: String, name: &str, query: &str, from: IpAddr) -> Self {
        static NEXT_PORT: AtomicU16 = AtomicU16::new(0);
        let port = 40_001 + NEXT_PORT.fetch_add(1, Ordering::Relaxed) % 20_000;
        Self {
            id,
            name: name.to_owned(),
            query: query.to_owned(),
            from: SocketAddr::new(from, port),
            since: Instant::now(),
            state: watch::Sender::new(State::Asking),
            has_left: AtomicBool::new(false),
            is_begun: AtomicBool::new(false),
            brings_media: true,
            frozen_at: OnceLock::new(),
        }
    }

    /// The same connection, but without media.
    pub(crate) fn without_media(self) -> Self {
        Self { brings_media: false, ..self }
    }

    /// How many bytes have arrived, at one megabit per second.
    pub(crate) fn bytes(&self) -> u64 {
        let until = self.frozen_at.get().copied().unwrap_or_else(Instant::now);
        until.duration_since(self.since).as_millis() as u64 * 125
    }

    /// Whether it is in this state now.
    pub(crate) fn is(&self, state: &State) -> bool {
        *self.state.borrow() == *state
    }

    /// The name with its query.
    pub(crate) fn name_and_query(&self) -> String {
        if self.query.is_empty() { self.name.clone() } else { format!("{}?{}", self.name, self.query) }
    }
}
