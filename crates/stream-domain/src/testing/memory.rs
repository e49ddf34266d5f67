//! The store that forgets: a reference for the real ones, and fast enough for every handler test.

mod sessions;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::boots::Boots;
use crate::ports::{StartError, StoreError, StoreHealth, StreamRepository, UserStreamsError, UsersTable};
use crate::{
    NewStream, PageRequest, PlaybackId, Position, ServerName, Stream, StreamId, StreamKey, StreamPage,
    StreamStatus, Timestamp, UserId,
};

use super::gate::Gate;
use sessions::{Attempts, Sessions};

/// A store in memory; one lock makes each step atomic.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
    away: AtomicBool,
    admissions: Gate,
}

#[derive(Debug, Default)]
struct State {
    streams: Vec<Stream>,
    /// The highest number that was ever given, since a deleted stream's may still have a session.
    last_stream: i32,
    sessions: Sessions,
    attempts: Attempts,
    boots: HashMap<ServerName, Boots>,
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

    /// Makes admissions wait from now on.
    pub fn hold_admissions(&self) {
        self.admissions.close();
    }

    /// Lets those that wait go on, and all that come.
    pub fn release_admissions(&self) {
        self.admissions.open();
    }

    /// Deletes a stream, as the platform does that deletes its user.
    pub fn delete(&self, stream: StreamId) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.streams.retain(|kept| kept.id != stream);
        state.sessions.mark(stream, crate::session::EndReason::Deleted);
    }

    fn state(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        if self.away.load(Ordering::SeqCst) {
            return Err(StoreError::unavailable("the store was told to be away"));
        }
        Ok(self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn page(
        &self,
        request: &PageRequest,
        belongs: impl Fn(&Stream) -> bool,
    ) -> Result<StreamPage, StoreError> {
        let state = self.state()?;
        let read = |stream| state.sessions.seen_from(stream);
        let mut found: Vec<Stream> = state.streams.iter().map(read).filter(&belongs).collect();
        found.sort_by_key(|stream| std::cmp::Reverse(Position::from(stream)));
        if let Some(after) = request.after {
            found.retain(|stream| Position::from(stream) < after);
        }
        let rows = found.into_iter().map(|stream| (Position::from(&stream), Some(stream)));
        Ok(request.page_of(rows.collect()))
    }
}

impl State {
    /// Writes a stream, and marks its session when the stream is no longer active.
    fn put(&mut self, stream: &Stream) {
        if let Some(place) = self.streams.iter_mut().find(|kept| kept.id == stream.id) {
            *place = stream.clone();
        }
        if let Err(ended) = stream.publishable_at(Timestamp::MIN) {
            self.sessions.mark(stream.id, ended.into());
        }
    }
}

#[async_trait]
impl StreamRepository for MemoryStore {
    async fn start(&self, new: &NewStream) -> Result<Stream, StartError> {
        let mut state = self.state()?;
        let active =
            |stream: &&Stream| stream.user_id == Some(new.user_id) && stream.status == StreamStatus::Active;
        if let Some(existing) = state.streams.iter().find(active).cloned() {
            let swept = existing.sweep(new.created_at);
            state.put(&swept);
            if swept.status == StreamStatus::Active {
                return Err(StartError::AlreadyActive(Box::new(state.sessions.seen_from(&swept))));
            }
        }
        if state.streams.iter().any(|stream| stream.key == new.key || stream.playback_id == new.playback_id) {
            return Err(StartError::KeyTaken);
        }
        state.last_stream += 1;
        let id = state.last_stream;
        let stream = Stream {
            id: StreamId(id),
            user_id: Some(new.user_id),
            key: new.key.clone(),
            playback_id: new.playback_id.clone(),
            status: StreamStatus::Active,
            created_at: new.created_at,
            updated_at: new.created_at,
            expires_at: new.expires_at,
            on_air: None,
        };
        state.streams.push(stream.clone());
        Ok(stream)
    }

    async fn stop_active(&self, user: UserId, now: Timestamp) -> Result<Option<Stream>, UserStreamsError> {
        let mut state = self.state()?;
        let mut own = state.streams.iter().filter(|stream| stream.user_id == Some(user));
        let stopped = own.find_map(|stream| stream.clone().stop(now).ok());
        stopped.iter().for_each(|stopped| state.put(stopped));
        Ok(stopped.map(|stopped| state.sessions.seen_from(&stopped)))
    }

    async fn find_by_key(&self, key: &StreamKey) -> Result<Option<Stream>, StoreError> {
        let state = self.state()?;
        let found = state.streams.iter().find(|stream| stream.key == *key);
        Ok(found.map(|stream| state.sessions.seen_from(stream)))
    }

    async fn find_by_playback_id(&self, id: &PlaybackId) -> Result<Option<Stream>, StoreError> {
        let state = self.state()?;
        let found = state.streams.iter().find(|stream| stream.playback_id == *id);
        Ok(found.map(|stream| state.sessions.seen_from(stream)))
    }

    async fn list_by_user(&self, user: UserId, page: &PageRequest) -> Result<StreamPage, UserStreamsError> {
        Ok(self.page(page, |stream| stream.user_id == Some(user))?)
    }

    async fn list_active(&self, now: Timestamp, page: &PageRequest) -> Result<StreamPage, StoreError> {
        self.page(page, |stream| stream.publishable_at(now).is_ok())
    }

    async fn list_live(&self, now: Timestamp, page: &PageRequest) -> Result<StreamPage, StoreError> {
        self.page(page, |stream| stream.live_since_at(now).is_some())
    }

    async fn expire_overdue(&self, now: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let mut state = self.state()?;
        let swept = state.streams.iter().map(|stream| (stream.clone(), stream.clone().sweep(now)));
        let changed = swept.filter(|(before, after)| before != after).map(|(_, after)| after);
        let overdue: Vec<Stream> = changed.take(limit as usize).collect();
        overdue.iter().for_each(|stream| state.put(stream));
        Ok(u32::try_from(overdue.len()).unwrap_or(u32::MAX))
    }
}

#[async_trait]
impl StoreHealth for MemoryStore {
    async fn check(&self) -> Result<UsersTable, StoreError> {
        self.state().map(|_| UsersTable::NotUsed)
    }
}
