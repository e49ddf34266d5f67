//! What operators ask and order at a command line, over all users.

use super::session::{Session, SessionId};
use super::use_cases::Broadcasts;
use crate::media_server::ServerName;
use crate::ports::{ServerActivity, SessionFilter, StoreError};
use crate::{PlaybackId, Stream, StreamId, StreamKey, Timestamp};

/// What became of an order to kick a publisher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KickOrder {
    /// Its session is marked; its media server is told by the instances that serve, or by
    /// [`Broadcasts::kick_pending`].
    Ordered(Box<Session>),
    /// No session of this number is open.
    NotOpen,
    /// Its media server cannot be told: it has no control interface.
    NoControl(ServerName),
}

impl Broadcasts {
    /// The stream that a text means: its key, its playback id, or its number; `None` if it means none.
    pub async fn find_stream(&self, text: &str) -> Result<Option<Stream>, StoreError> {
        if let Ok(key) = StreamKey::parse(text)
            && let Some(stream) = self.ports.lookup.find_by_key(&key).await?
        {
            return Ok(Some(stream));
        }
        if let Ok(id) = PlaybackId::parse(text)
            && let Some(stream) = self.ports.lookup.find_by_playback_id(&id).await?
        {
            return Ok(Some(stream));
        }
        match text.parse() {
            Ok(number) => self.ports.operations.find_stream(StreamId(number)).await,
            Err(_) => Ok(None),
        }
    }

    /// The sessions of every user that the filter asks for, newest first, and the time at which that is so.
    pub async fn list_sessions_of_all(
        &self,
        filter: &SessionFilter,
        limit: u32,
    ) -> Result<(Vec<Session>, Timestamp), StoreError> {
        let listed = self.ports.operations.list_sessions_of_all(filter, limit).await?;
        Ok((listed, self.clock.now()))
    }

    /// What was heard of each media server that is known to the store, by name.
    pub async fn list_server_activity(&self) -> Result<Vec<ServerActivity>, StoreError> {
        self.ports.operations.list_server_activity().await
    }

    /// Orders the publisher of an open session to be kicked; its key may still publish.
    pub async fn order_kick(&self, session: SessionId) -> Result<KickOrder, StoreError> {
        let open = SessionFilter { session: Some(session), is_open: true, ..SessionFilter::default() };
        let found = self.ports.operations.list_sessions_of_all(&open, 1).await?;
        let Some(meant) = found.into_iter().next() else {
            return Ok(KickOrder::NotOpen);
        };
        let server = meant.publisher.server;
        if self.control_of(&server).is_none() {
            return Ok(KickOrder::NoControl(server));
        }
        let ordered = self.ports.operations.order_kick(session).await?;
        Ok(ordered.map_or(KickOrder::NotOpen, |session| KickOrder::Ordered(Box::new(session))))
    }
}
