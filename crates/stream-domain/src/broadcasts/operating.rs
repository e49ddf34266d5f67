//! What operators ask and order at a command line, over all users.

use std::collections::BTreeMap;

use futures_util::future::join_all;

use super::session::{Session, SessionId};
use super::use_cases::Broadcasts;
use crate::media_server::{Family, ServerName};
use crate::ports::{Listing, MediaServerError, ServerActivity, SessionFilter, StoreError};
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

/// What became of an order to stop a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopOrder {
    /// It is stopped as of now; its key admits no publisher, and the one that is live is kicked.
    Stopped(Box<Stream>),
    /// It had ended before.
    Ended(Box<Stream>),
    /// There is no such stream.
    Unknown,
}

/// What is known of a media server: by the settings, by the store, and by itself.
#[derive(Debug)]
pub struct KnownServer {
    /// Its name.
    pub server: ServerName,
    /// Its kind; `None` if the settings do not name it.
    pub family: Option<Family>,
    /// What was heard of it; `None` if nothing was.
    pub activity: Option<ServerActivity>,
    /// What its control interface answered; `None` without one.
    pub answer: Option<Result<Listing, MediaServerError>>,
}

/// How a media server's control interface stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlState {
    /// It lists publishers.
    Reachable,
    /// Nothing answers there.
    Unreachable,
    /// It does not take the credentials.
    Forbidden,
    /// It answers something else.
    Unexpected,
    /// The settings name none.
    None,
    /// The settings do not name the media server.
    Unlisted,
}

impl ControlState {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Reachable, Self::Unreachable, Self::Forbidden, Self::Unexpected, Self::None, Self::Unlisted];

    /// The word for it in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reachable => "reachable",
            Self::Unreachable => "unreachable",
            Self::Forbidden => "forbidden",
            Self::Unexpected => "unexpected",
            Self::None => "none",
            Self::Unlisted => "unlisted",
        }
    }
}

impl KnownServer {
    /// How its control interface stands.
    pub fn control(&self) -> ControlState {
        match (&self.answer, self.family) {
            (Some(Ok(_)), _) => ControlState::Reachable,
            (Some(Err(MediaServerError::Unreachable(_))), _) => ControlState::Unreachable,
            (Some(Err(MediaServerError::Forbidden)), _) => ControlState::Forbidden,
            (Some(Err(MediaServerError::Unexpected(_))), _) => ControlState::Unexpected,
            (None, Some(_)) => ControlState::None,
            (None, None) => ControlState::Unlisted,
        }
    }

    /// Why its control interface gave no list.
    pub fn error(&self) -> Option<&MediaServerError> {
        self.answer.as_ref().and_then(|answer| answer.as_ref().err())
    }

    /// How many publishers it lists; `None` without a list.
    pub fn publishers(&self) -> Option<usize> {
        self.answer.as_ref()?.as_ref().ok().map(|listing| listing.publishers.len())
    }
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

    /// What is known of each media server, by name; all control interfaces are asked at once.
    pub async fn look_at_servers(&self) -> Result<Vec<KnownServer>, StoreError> {
        let mut known: BTreeMap<ServerName, KnownServer> = BTreeMap::new();
        for activity in self.list_server_activity().await? {
            let (server, activity) = (activity.server.clone(), Some(activity));
            known.insert(server.clone(), KnownServer { server, family: None, activity, answer: None });
        }
        let asked = self.servers().all().map(async |(server, profile)| {
            let answer = match &profile.control {
                Some(control) => Some(control.publishers().await),
                None => None,
            };
            (server.clone(), profile.family, answer)
        });
        for (server, family, answer) in join_all(asked).await {
            let activity = known.remove(&server).and_then(|heard| heard.activity);
            known.insert(server.clone(), KnownServer { server, family: Some(family), activity, answer });
        }
        Ok(known.into_values().collect())
    }

    /// Stops the stream of this number, whoever it belongs to, as its owner would.
    pub async fn stop_stream(&self, id: StreamId) -> Result<StopOrder, StoreError> {
        if let Some(stopped) = self.ports.operations.stop_stream(id, self.clock.now()).await? {
            return Ok(StopOrder::Stopped(Box::new(stopped)));
        }
        let ended = self.ports.operations.find_stream(id).await?;
        Ok(ended.map_or(StopOrder::Unknown, |stream| StopOrder::Ended(Box::new(stream))))
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
