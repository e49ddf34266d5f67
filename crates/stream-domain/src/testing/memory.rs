//! The store that forgets: a reference for the real ones, and fast enough for every handler test.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::ports::{StartError, StoreError, StoreHealth, StreamRepository, UserStreamsError, UsersTable};
use crate::{
    NewStream, PageRequest, Position, Stream, StreamId, StreamKey, StreamPage, StreamStatus, Timestamp,
    UserId,
};

/// A [`StreamRepository`] in memory; one lock makes each step atomic.
#[derive(Debug, Default)]
pub struct MemoryStore {
    streams: Mutex<Vec<Stream>>,
    away: AtomicBool,
}

impl MemoryStore {
    /// A store that fails as a database does that cannot be reached.
    pub fn away() -> Self {
        Self { away: AtomicBool::new(true), ..Self::default() }
    }

    /// Makes the store fail from now on.
    pub fn go_away(&self) {
        self.away.store(true, Ordering::SeqCst);
    }

    /// Makes the store answer again.
    pub fn come_back(&self) {
        self.away.store(false, Ordering::SeqCst);
    }

    fn streams(&self) -> Result<MutexGuard<'_, Vec<Stream>>, StoreError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("the store was told to be away"));
        }
        Ok(self.streams.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn page(
        &self,
        request: &PageRequest,
        belongs: impl Fn(&Stream) -> bool,
    ) -> Result<StreamPage, StoreError> {
        let mut found: Vec<Stream> =
            self.streams()?.iter().filter(|stream| belongs(stream)).cloned().collect();
        found.sort_by_key(|stream| std::cmp::Reverse(Position::from(stream)));
        if let Some(after) = request.after {
            found.retain(|stream| Position::from(stream) < after);
        }
        let rows = found.into_iter().map(|stream| (Position::from(&stream), Some(stream)));
        Ok(request.page_of(rows.collect()))
    }
}

#[async_trait]
impl StreamRepository for MemoryStore {
    async fn start(&self, new: &NewStream) -> Result<Stream, StartError> {
        let mut streams = self.streams()?;
        let active = |stream: &&mut Stream| {
            stream.user_id == Some(new.user_id) && stream.status == StreamStatus::Active
        };
        if let Some(existing) = streams.iter_mut().find(active) {
            *existing = existing.clone().sweep(new.created_at);
            if existing.status == StreamStatus::Active {
                return Err(StartError::AlreadyActive(Box::new(existing.clone())));
            }
        }
        if streams.iter().any(|stream| stream.key == new.key) {
            return Err(StartError::KeyTaken);
        }
        let id = i32::try_from(streams.len() + 1).expect("tests make few streams");
        let stream = Stream {
            id: StreamId(id),
            user_id: Some(new.user_id),
            key: new.key.clone(),
            status: StreamStatus::Active,
            created_at: new.created_at,
            updated_at: new.created_at,
            expires_at: new.expires_at,
        };
        streams.push(stream.clone());
        Ok(stream)
    }

    async fn stop_active(&self, user: UserId, now: Timestamp) -> Result<Option<Stream>, UserStreamsError> {
        let mut streams = self.streams()?;
        let own = streams.iter_mut().filter(|stream| stream.user_id == Some(user));
        for stream in own {
            if let Ok(stopped) = stream.clone().stop(now) {
                *stream = stopped.clone();
                return Ok(Some(stopped));
            }
        }
        Ok(None)
    }

    async fn find_by_key(&self, key: &StreamKey) -> Result<Option<Stream>, StoreError> {
        Ok(self.streams()?.iter().find(|stream| stream.key == *key).cloned())
    }

    async fn list_by_user(&self, user: UserId, page: &PageRequest) -> Result<StreamPage, UserStreamsError> {
        Ok(self.page(page, |stream| stream.user_id == Some(user))?)
    }

    async fn list_active(&self, now: Timestamp, page: &PageRequest) -> Result<StreamPage, StoreError> {
        self.page(page, |stream| stream.publishable_at(now).is_ok())
    }

    async fn expire_overdue(&self, now: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let mut marked = 0;
        for stream in self.streams()?.iter_mut() {
            let swept = stream.clone().sweep(now);
            if marked < limit && swept != *stream {
                *stream = swept;
                marked += 1;
            }
        }
        Ok(marked)
    }
}

#[async_trait]
impl StoreHealth for MemoryStore {
    async fn check(&self) -> Result<UsersTable, StoreError> {
        self.streams().map(|_| UsersTable::NotUsed)
    }
}
