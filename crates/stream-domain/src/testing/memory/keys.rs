//! Keys in memory.

use async_trait::async_trait;

use super::MemoryStore;
use crate::pace::Recent;
use crate::ports::{KeyLookup, KeyStore, StartError, StoreError, UserStreamsError};
use crate::{
    NewStream, PageRequest, PlaybackId, Stream, StreamId, StreamKey, StreamPage, StreamStatus, Timestamp,
    UserId,
};

#[async_trait]
impl KeyStore for MemoryStore {
    async fn start(&self, new: &NewStream) -> Result<Stream, StartError> {
        let mut state = self.state()?;
        if let Some(block) = state.blocks.get(&new.user_id) {
            return Err(StartError::Blocked(Box::new(block.clone())));
        }
        let active =
            |stream: &&Stream| stream.user_id == Some(new.user_id) && stream.status == StreamStatus::Active;
        if let Some(existing) = state.streams.iter().find(active).cloned() {
            let swept = existing.sweep(new.created_at);
            state.put(&swept);
            if swept.status == StreamStatus::Active {
                return Err(StartError::AlreadyActive(Box::new(state.sessions.seen_from(&swept))));
            }
        }
        let mut own: Vec<&Stream> =
            state.streams.iter().filter(|stream| stream.user_id == Some(new.user_id)).collect();
        own.sort_by_key(|stream| std::cmp::Reverse(stream.created_at));
        let recent = Recent {
            limiting_key: new
                .pace
                .per_minute
                .and_then(|keys| own.get(keys.get() as usize - 1).map(|stream| stream.created_at)),
            last_stop: own
                .iter()
                .filter(|stream| stream.status == StreamStatus::Stopped)
                .map(|stream| stream.updated_at)
                .max(),
        };
        new.pace.check(recent, new.created_at)?;
        if state.streams.iter().any(|stream| stream.key == new.key || stream.playback_id == new.playback_id) {
            return Err(StartError::KeyTaken);
        }
        state.last_stream += 1;
        let stream = Stream::started(StreamId(state.last_stream), new);
        state.streams.push(stream.clone());
        let taken = state.take_schedule(&stream, new.schedule);
        let base = taken.or_else(|| state.channels.get(&new.user_id).cloned());
        let details = new.details.clone().or(base);
        details.into_iter().for_each(|details| state.describe(stream.id, details));
        Ok(stream)
    }

    async fn stop_active(&self, user: UserId, now: Timestamp) -> Result<Option<Stream>, UserStreamsError> {
        let mut state = self.state()?;
        let mut own = state.streams.iter().filter(|stream| stream.user_id == Some(user));
        let stopped = own.find_map(|stream| stream.clone().stop(now).ok());
        stopped.iter().for_each(|stopped| state.put(stopped));
        Ok(stopped.map(|stopped| state.sessions.seen_from(&stopped)))
    }

    async fn list_by_user(&self, user: UserId, page: &PageRequest) -> Result<StreamPage, UserStreamsError> {
        Ok(self.page(page, |stream, _, _| stream.user_id == Some(user))?)
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
impl KeyLookup for MemoryStore {
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
}
