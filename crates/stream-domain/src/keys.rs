//! Keys: a user generates one, streams with it, and stops; media servers look it up.

use std::sync::Arc;

use crate::blocks::Block;
use crate::lifecycle::{KeyLifetime, NotPublishable};
use crate::pace::{KeyPace, TooSoon};
use crate::ports::{
    Clock, Entropy, EntropyError, KeyLookup, KeyStore, StartError, StoreError, StreamPorts, UserStreamsError,
};
use crate::{
    KeyRequest, NewStream, PageRequest, PlaybackId, Stream, StreamKey, StreamPage, Timestamp, UserId,
};

/// How many random keys are tried before a store that calls every key taken is no longer believed.
const MAX_KEY_ATTEMPTS: usize = 3;

/// How many expired streams a sweep marks in one step.
const SWEEP_BATCH: u32 = 500;

/// The use cases of keys.
#[derive(Clone)]
pub struct Keys {
    store: Arc<dyn KeyStore>,
    lookup: Arc<dyn KeyLookup>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    lifetime: KeyLifetime,
    pace: KeyPace,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("lifetime", &self.lifetime).finish_non_exhaustive()
    }
}

impl Keys {
    /// Wires the use cases to their ports; keys live for [`KeyLifetime::DEFAULT`].
    pub fn new(ports: &StreamPorts, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let (store, lookup) = (ports.keys.clone(), ports.lookup.clone());
        let (lifetime, pace) = (KeyLifetime::DEFAULT, KeyPace::default());
        Self { store, lookup, clock, entropy, lifetime, pace }
    }

    /// The same, with keys that live this long; keys that exist keep their end.
    #[must_use]
    pub fn with_lifetime(self, lifetime: KeyLifetime) -> Self {
        Self { lifetime, ..self }
    }

    /// The same, with users who get keys at this pace only.
    #[must_use]
    pub fn with_pace(self, pace: KeyPace) -> Self {
        Self { pace, ..self }
    }

    /// How long a new key lives.
    pub fn lifetime(&self) -> KeyLifetime {
        self.lifetime
    }

    /// The time at which a caller's answer is true.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Gives the user a new key, and starts its stream.
    pub async fn generate(&self, request: impl Into<KeyRequest>) -> Result<Stream, GenerateKeyError> {
        let request = request.into();
        let now = self.clock.now();
        for _ in 0..MAX_KEY_ATTEMPTS {
            let key = StreamKey::generate(&*self.entropy)?;
            let playback_id = PlaybackId::generate(&*self.entropy)?;
            let new = NewStream::begin(&request, key, playback_id, now, self.lifetime);
            let new = new.paced(self.pace);
            match self.store.start(&new).await {
                Err(StartError::KeyTaken) => {}
                Err(StartError::AlreadyActive(stream)) => {
                    return Err(GenerateKeyError::AlreadyActive(stream));
                }
                Err(StartError::TooSoon(refusal)) => return Err(refusal.into()),
                Err(StartError::Blocked(block)) => return Err(GenerateKeyError::Blocked(block)),
                Err(StartError::UnknownUser) => return Err(GenerateKeyError::UnknownUser),
                Err(StartError::Store(error)) => return Err(GenerateKeyError::Store(error)),
                Ok(stream) => return Ok(stream),
            }
        }
        Err(GenerateKeyError::EveryKeyTaken)
    }

    /// Stops the user's active stream; its key admits no publisher from now on.
    pub async fn stop(&self, user: UserId) -> Result<Stream, StopError> {
        match self.store.stop_active(user, self.clock.now()).await {
            Ok(Some(stream)) => Ok(stream),
            Ok(None) => Err(StopError::NoneActive),
            Err(UserStreamsError::UnknownUser) => Err(StopError::UnknownUser),
            Err(UserStreamsError::Store(error)) => Err(StopError::Store(error)),
        }
    }

    /// The stream of this key, only while the key may publish, and the time at which that is so.
    pub async fn find_publishable(&self, key: &StreamKey) -> Result<(Stream, Timestamp), LookupError> {
        let found = self.lookup.find_by_key(key).await?;
        let now = self.clock.now();
        Ok((publishable(found, now)?, now))
    }

    /// The user's own streams, in every state, newest first.
    pub async fn list_own(&self, user: UserId, page: &PageRequest) -> Result<StreamPage, UserStreamsError> {
        self.store.list_by_user(user, page).await
    }

    /// Marks every stream whose key has expired, in steps of 500, and returns how many there were.
    pub async fn sweep(&self) -> Result<u32, StoreError> {
        let now = self.clock.now();
        let mut total: u32 = 0;
        loop {
            let marked = self.store.expire_overdue(now, SWEEP_BATCH).await?;
            total = total.saturating_add(marked);
            if marked < SWEEP_BATCH {
                return Ok(total);
            }
        }
    }
}

/// The stream that was found, if its key may publish at `now`.
pub(crate) fn publishable(found: Option<Stream>, now: Timestamp) -> Result<Stream, LookupError> {
    let stream = found.ok_or(LookupError::Unknown)?;
    stream.publishable_at(now)?;
    Ok(stream)
}

/// Why a user got no new key.
#[derive(Debug, thiserror::Error)]
pub enum GenerateKeyError {
    /// There is an active stream already: this one.
    #[error("the user already has an active stream")]
    AlreadyActive(Box<Stream>),
    /// The user has to wait.
    #[error(transparent)]
    TooSoon(#[from] TooSoon),
    /// The user may not stream.
    #[error("the user is blocked")]
    Blocked(Box<Block>),
    /// The platform does not know the user.
    #[error("the platform does not know the user")]
    UnknownUser,
    /// The store called several fresh random keys taken; either it or the randomness is broken.
    #[error("every key that was drawn is taken")]
    EveryKeyTaken,
    /// There is no randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why nothing was stopped.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The user has no active stream.
    #[error("the user has no active stream")]
    NoneActive,
    /// The platform does not know the user.
    #[error("the platform does not know the user")]
    UnknownUser,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a key admits no publisher.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// No stream has it.
    #[error("no stream has this key")]
    Unknown,
    /// Its stream has ended.
    #[error(transparent)]
    NotPublishable(#[from] NotPublishable),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
