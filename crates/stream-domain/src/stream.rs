//! A stream: one user's permission to publish, from its key's making to its end.

mod id;

use crate::details::Details;
use crate::lifecycle::{KeyLifetime, NotPublishable};
use crate::pace::KeyPace;
use crate::{PlaybackId, ScheduleId, StreamKey, Timestamp, UserId};

pub use id::StreamId;

/// What the database says of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamStatus {
    /// The key lets its publisher in, as long as it has not expired.
    Active,
    /// Its owner ended it.
    Stopped,
    /// Its life ran out.
    Expired,
}

impl StreamStatus {
    /// The word that the database and the API use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Stopped => "stopped",
            Self::Expired => "expired",
        }
    }

    /// Reads the database's word; `None` for any other.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Active, Self::Stopped, Self::Expired].into_iter().find(|status| status.as_str() == word)
    }
}

/// Since when a stream is live, and until when its session's lease runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OnAir {
    /// When the broadcast began.
    pub since: Timestamp,
    /// Until when it counts without another word.
    pub lease_until: Timestamp,
}

/// A stream as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stream {
    /// Given by the store, ascending.
    pub id: StreamId,
    /// Whose it is; `None` if the platform deleted the user and kept the stream.
    pub user_id: Option<UserId>,
    /// The secret that lets its publisher in.
    pub key: StreamKey,
    /// The name that everybody may know.
    pub playback_id: PlaybackId,
    /// As stored: an active stream may have expired meanwhile, see [`Stream::status_at`].
    pub status: StreamStatus,
    /// When the key was made.
    pub created_at: Timestamp,
    /// When the status last changed.
    pub updated_at: Timestamp,
    /// From this instant on the key admits no publisher.
    pub expires_at: Timestamp,
    /// Its open session, if there is one that is confirmed; whether that still counts depends on the clock, see
    /// [`Stream::live_since_at`].
    pub on_air: Option<OnAir>,
}

impl Stream {
    /// What a new stream is once its store has given it this number.
    pub fn started(id: StreamId, new: &NewStream) -> Self {
        Self {
            id,
            user_id: Some(new.user_id),
            key: new.key.clone(),
            playback_id: new.playback_id.clone(),
            status: StreamStatus::Active,
            created_at: new.created_at,
            updated_at: new.created_at,
            expires_at: new.expires_at,
            on_air: None,
        }
    }

    /// Since when it has been live, if it is at `now`: its key may publish, and its session's lease runs.
    pub fn live_since_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.publishable_at(now).ok()?;
        self.on_air.filter(|on_air| now < on_air.lease_until).map(|on_air| on_air.since)
    }

    /// When time alone will make it another than it is at `now`: it expires, or goes off air.
    pub fn unchanged_until(&self, now: Timestamp) -> Timestamp {
        if self.publishable_at(now).is_err() {
            return Timestamp::MAX;
        }
        let lease = self.on_air.map(|on_air| on_air.lease_until).filter(|lease_until| now < *lease_until);
        lease.map_or(self.expires_at, |lease_until| lease_until.min(self.expires_at))
    }

    /// The status that is true at `now`, whether or not a sweep has written it yet.
    pub fn status_at(&self, now: Timestamp) -> StreamStatus {
        match self.status {
            StreamStatus::Active if now >= self.expires_at => StreamStatus::Expired,
            status => status,
        }
    }

    /// Whether the key lets a publisher in at `now`, and if not, why.
    pub fn publishable_at(&self, now: Timestamp) -> Result<(), NotPublishable> {
        match self.status_at(now) {
            StreamStatus::Active => Ok(()),
            StreamStatus::Stopped => Err(NotPublishable::Stopped),
            StreamStatus::Expired => Err(NotPublishable::Expired),
        }
    }

    /// The stream after its owner stopped it at `now`; refused if it has ended already.
    pub fn stop(self, now: Timestamp) -> Result<Self, NotPublishable> {
        self.publishable_at(now)?;
        Ok(Self { status: StreamStatus::Stopped, updated_at: now, ..self })
    }

    /// The stream after a sweep at `now`: marked expired if it is overdue, else as it was.
    #[must_use]
    pub fn sweep(self, now: Timestamp) -> Self {
        let overdue = self.status == StreamStatus::Active && self.status_at(now) == StreamStatus::Expired;
        if overdue { Self { status: StreamStatus::Expired, updated_at: now, ..self } } else { self }
    }
}

/// What a user asks for with a new key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRequest {
    /// Who asks.
    pub user: UserId,
    /// What is said of the stream; `None` for what the schedule that it takes says, or else the user's channel.
    pub details: Option<Details>,
    /// The schedule that it takes; `None` for the one that is current, if any.
    pub schedule: Option<ScheduleId>,
}

impl From<UserId> for KeyRequest {
    fn from(user: UserId) -> Self {
        Self { user, details: None, schedule: None }
    }
}

/// A stream that is about to be stored; complete but for the number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStream {
    /// Whose it will be.
    pub user_id: UserId,
    /// Its secret.
    pub key: StreamKey,
    /// Its public name.
    pub playback_id: PlaybackId,
    /// Now.
    pub created_at: Timestamp,
    /// The end of its key's life.
    pub expires_at: Timestamp,
    /// How soon after others of its user it may begin.
    pub pace: KeyPace,
    /// What is said of it; `None` for what the schedule that it takes says, or else its user's channel.
    pub details: Option<Details>,
    /// The schedule that it takes; `None` for the one that is current, if any.
    pub schedule: Option<ScheduleId>,
}

impl NewStream {
    /// A stream that begins at `now` and whose key lives this long.
    pub fn begin(
        request: &KeyRequest,
        key: StreamKey,
        playback_id: PlaybackId,
        now: Timestamp,
        lifetime: KeyLifetime,
    ) -> Self {
        let expires_at = now.plus(lifetime.duration());
        Self {
            user_id: request.user,
            key,
            playback_id,
            created_at: now,
            expires_at,
            pace: KeyPace::default(),
            details: request.details.clone(),
            schedule: request.schedule,
        }
    }

    /// The same, which may begin only at this pace.
    #[must_use]
    pub fn paced(self, pace: KeyPace) -> Self {
        Self { pace, ..self }
    }
}
