//! What operators see and do, over all users.

use async_trait::async_trait;

use super::StoreError;
use crate::broadcasts::session::{Session, SessionId};
use crate::media_server::ServerName;
use crate::{Stream, StreamId, Timestamp};

/// Shows operators the streams and sessions of every user, and takes their orders.
///
/// Each method is one atomic step, may be called from any number of instances at once, and is finished once begun.
#[cfg_attr(feature = "testing", mockall::automock)]
#[async_trait]
pub trait Operations: Send + Sync {
    /// The stream of this number, in whatever state; `None` if there is none.
    async fn find_stream(&self, id: StreamId) -> Result<Option<Stream>, StoreError>;

    /// At most `limit` sessions of every user that the filter asks for, newest first.
    async fn list_sessions_of_all(
        &self,
        filter: &SessionFilter,
        limit: u32,
    ) -> Result<Vec<Session>, StoreError>;

    /// Marks the open session of this number to be kicked, and returns it as it is now; `None` if none of this number is
    /// open.
    ///
    /// The reason MUST be [`EndReason::Kicked`](crate::broadcasts::session::EndReason), unless the session was to be kicked
    /// already, and then MUST stay. No other session MUST change.
    async fn order_kick(&self, session: SessionId) -> Result<Option<Session>, StoreError>;

    /// Stops the active, unexpired stream of this number, whoever it belongs to, and returns it as it is now; `None` if
    /// there is none.
    ///
    /// It MUST be as if its owner had stopped it, and no other stream MUST change.
    /// Of several calls at once, exactly one MUST get the stream.
    async fn stop_stream(&self, id: StreamId, now: Timestamp) -> Result<Option<Stream>, StoreError>;

    /// What was heard of each media server that has a session, an attempt or a boot in the store, by name.
    async fn list_server_activity(&self) -> Result<Vec<ServerActivity>, StoreError>;
}

/// Which sessions operators ask for; all of them by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionFilter {
    /// Only those of this media server.
    pub server: Option<ServerName>,
    /// Only the one of this number.
    pub session: Option<SessionId>,
    /// Only those of these streams.
    pub streams: Option<Vec<StreamId>>,
    /// Only those that have not ended.
    pub is_open: bool,
}

/// What was heard of a media server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerActivity {
    /// Its name.
    pub server: ServerName,
    /// How many of its sessions are open, overdue or not.
    pub open_sessions: u32,
    /// When its last session began; `None` if it has none.
    pub last_session_at: Option<Timestamp>,
    /// When a publisher was last refused there; `None` if none was.
    pub last_refusal_at: Option<Timestamp>,
    /// When it last said that it is running; `None` if it sends no heartbeats.
    pub last_heartbeat_at: Option<Timestamp>,
}

impl ServerActivity {
    /// When it was last heard of at all.
    pub fn last_heard_at(&self) -> Option<Timestamp> {
        [self.last_session_at, self.last_refusal_at, self.last_heartbeat_at].into_iter().flatten().max()
    }
}
