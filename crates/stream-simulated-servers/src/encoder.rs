//! An encoder: the other end of a publisher's connection.

use std::fmt;
use std::sync::Arc;

use crate::engine::Run;
use crate::session::{Session, State};

/// An encoder that publishes, or tries to; dropping it closes its connection, as killing it would.
pub struct Encoder {
    run: Arc<Run>,
    session: Arc<Session>,
    is_frozen: bool,
}

impl Encoder {
    pub(crate) fn new(run: Arc<Run>, session: Arc<Session>) -> Self {
        Self { run, session, is_frozen: false }
    }

    /// Waits until it is accepted or refused; returns whether it was accepted.
    pub async fn settled(&self) -> bool {
        let mut states = self.session.state.subscribe();
        let state = states.wait_for(|state| *state != State::Asking).await;
        !matches!(*state.expect("the encoder holds the sender"), State::Refused(_))
    }

    /// Whether it publishes now.
    pub fn is_live(&self) -> bool {
        self.session.is(&State::Live)
    }

    /// Why it was refused, if it was.
    pub fn refused(&self) -> Option<String> {
        match &*self.session.state.borrow() {
            State::Refused(reason) => Some(reason.clone()),
            _ => None,
        }
    }

    /// Whether the server kicked it after it had been live.
    pub fn was_kicked(&self) -> bool {
        self.session.is(&State::Kicked)
    }

    /// The server's id of this connection, in its hooks and its control interface.
    pub fn session_id(&self) -> &str {
        &self.session.id
    }

    /// Disconnects.
    pub fn stop(self) {
        drop(self);
    }

    /// Ends as by SIGKILL: the connection closes, as for [`Encoder::stop`].
    pub fn kill(self) {
        drop(self);
    }

    /// Stops sending without closing the connection, as in a dead network; the server detects that by its timeout.
    pub fn freeze(mut self) {
        self.is_frozen = true;
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        if self.is_frozen {
            self.run.freeze(&self.session);
        } else {
            self.run.leave(&self.session);
        }
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.session.state.borrow().clone();
        formatter.debug_struct("Encoder").field("id", &self.session.id).field("state", &state).finish()
    }
}
