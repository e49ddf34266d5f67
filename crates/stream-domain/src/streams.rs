//! The use cases, in one concrete place: handlers call these, and these call the ports.

use std::sync::Arc;

use crate::catalog::CatalogQuery;
use crate::lifecycle::{Ended, KeyLifetime};
use crate::ports::{
    Clock, Entropy, EntropyError, StartError, StoreError, StreamPorts, TokenVerifier, UserStreamsError,
};
use crate::token::TokenError;
use crate::{
    BearerToken, NewStream, PageRequest, PlaybackId, Stream, StreamId, StreamKey, StreamPage, Timestamp,
    UserId,
};

/// How often a new key is drawn before a store that calls every key taken is no longer believed.
const MAX_KEY_ATTEMPTS: usize = 3;

/// How many overdue streams a sweep marks in one step.
const SWEEP_BATCH: u32 = 500;

/// Everything that the service does with streams.
#[derive(Clone)]
pub struct Streams {
    ports: StreamPorts,
    tokens: Arc<dyn TokenVerifier>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    key_lifetime: KeyLifetime,
}

impl std::fmt::Debug for Streams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streams").finish_non_exhaustive()
    }
}

impl Streams {
    /// Wires the use cases to their ports; keys live for [`KeyLifetime::DEFAULT`].
    pub fn new(
        ports: StreamPorts,
        tokens: Arc<dyn TokenVerifier>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Self {
        Self { ports, tokens, clock, entropy, key_lifetime: KeyLifetime::DEFAULT }
    }

    /// The same, with keys that live this long; keys that were made before keep their end.
    #[must_use]
    pub fn with_key_lifetime(self, key_lifetime: KeyLifetime) -> Self {
        Self { key_lifetime, ..self }
    }

    /// How long a new key lives.
    pub fn key_lifetime(&self) -> KeyLifetime {
        self.key_lifetime
    }

    /// The instant at which a caller's answer is true.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Tells whose token this is; asks no store.
    pub fn authenticate(&self, token: &BearerToken) -> Result<UserId, TokenError> {
        self.tokens.verify(token, self.clock.now())
    }

    /// Gives the user a new key and starts its life.
    pub async fn generate_key(&self, user: UserId) -> Result<Stream, GenerateKeyError> {
        let now = self.clock.now();
        for _ in 0..MAX_KEY_ATTEMPTS {
            let key = StreamKey::generate(&*self.entropy)?;
            let playback_id = PlaybackId::generate(&*self.entropy)?;
            let new = NewStream::begin(user, key, playback_id, now, self.key_lifetime);
            match self.ports.keys.start(&new).await {
                Err(StartError::KeyTaken) => {}
                Err(StartError::AlreadyActive(stream)) => {
                    return Err(GenerateKeyError::AlreadyActive(stream));
                }
                Err(StartError::UnknownUser) => return Err(GenerateKeyError::UnknownUser),
                Err(StartError::Store(error)) => return Err(GenerateKeyError::Store(error)),
                Ok(stream) => return Ok(stream),
            }
        }
        Err(GenerateKeyError::EveryKeyTaken)
    }

    /// Ends the user's active stream; its key lets nobody in from now on.
    pub async fn stop(&self, user: UserId) -> Result<Stream, StopError> {
        match self.ports.keys.stop_active(user, self.clock.now()).await {
            Ok(Some(stream)) => Ok(stream),
            Ok(None) => Err(StopError::NoneActive),
            Err(UserStreamsError::UnknownUser) => Err(StopError::UnknownUser),
            Err(UserStreamsError::Store(error)) => Err(StopError::Store(error)),
        }
    }

    /// The stream whose key this is, only while the key may publish.
    pub async fn find_publishable(&self, key: &StreamKey) -> Result<Stream, LookupError> {
        let found = self.ports.lookup.find_by_key(key).await?;
        let stream = found.ok_or(LookupError::Unknown)?;
        stream.publishable_at(self.clock.now())?;
        Ok(stream)
    }

    /// The number of the stream whose key this is, in whatever state it is.
    pub async fn identify(&self, key: &StreamKey) -> Result<Option<StreamId>, StoreError> {
        Ok(self.ports.lookup.find_by_key(key).await?.map(|stream| stream.id))
    }

    /// The stream of this public name, only while its key may publish.
    pub async fn find_public(&self, id: &PlaybackId) -> Result<Stream, LookupError> {
        let found = self.ports.lookup.find_by_playback_id(id).await?;
        let stream = found.ok_or(LookupError::Unknown)?;
        stream.publishable_at(self.clock.now())?;
        Ok(stream)
    }

    /// The user's own streams, in every state, newest first.
    pub async fn list_own(&self, user: UserId, page: &PageRequest) -> Result<StreamPage, UserStreamsError> {
        self.ports.keys.list_by_user(user, page).await
    }

    /// The public list as it is now, newest first.
    pub async fn list(&self, query: &CatalogQuery) -> Result<Arc<StreamPage>, StoreError> {
        self.ports.catalog.list(query, self.clock.now()).await
    }

    /// Marks every stream that has expired, in steps of 500, and returns how many there were.
    pub async fn sweep(&self) -> Result<u32, StoreError> {
        let now = self.clock.now();
        let mut total: u32 = 0;
        loop {
            let marked = self.ports.keys.expire_overdue(now, SWEEP_BATCH).await?;
            total = total.saturating_add(marked);
            if marked < SWEEP_BATCH {
                return Ok(total);
            }
        }
    }
}

/// Why a user got no new key.
#[derive(Debug, thiserror::Error)]
pub enum GenerateKeyError {
    /// There is an active stream already: this one.
    #[error("the user already has an active stream")]
    AlreadyActive(Box<Stream>),
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

/// Why a key lets nobody in.
#[derive(Debug, thiserror::Error)]
pub enum LookupError {
    /// No stream has it.
    #[error("no stream has this key")]
    Unknown,
    /// Its stream has ended.
    #[error(transparent)]
    Ended(#[from] Ended),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
