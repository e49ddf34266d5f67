//! History in memory.

use async_trait::async_trait;

use super::MemoryStore;
use crate::broadcasts::admission::Attempt;
use crate::broadcasts::session::Session;
use crate::ports::{History, StoreError};
use crate::{StreamId, Timestamp, UserId};

#[async_trait]
impl History for MemoryStore {
    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let mut state = self.state()?;
        let mut left = limit;
        let mut stays = |is_old: bool| {
            let goes = is_old && left > 0;
            left -= u32::from(goes);
            !goes
        };
        state.sessions.0.retain(|kept| stays(kept.session.ended.is_some_and(|(at, _)| at < before)));
        state.attempts.retain(|attempt| stays(attempt.last_at < before));
        for boots in state.boots.values_mut() {
            boots.0.retain(|boot| boot.last_seen_at >= before);
        }
        Ok(limit - left)
    }

    async fn list_sessions(
        &self,
        user: UserId,
        stream: StreamId,
        limit: u32,
    ) -> Result<Option<Vec<Session>>, StoreError> {
        let state = self.state()?;
        if !state.streams.iter().any(|kept| kept.id == stream && kept.user_id == Some(user)) {
            return Ok(None);
        }
        let of_stream = state.sessions.0.iter().rev().filter(|kept| kept.session.stream_id == stream);
        Ok(Some(of_stream.take(limit as usize).map(|kept| kept.session.clone()).collect()))
    }

    async fn list_attempts(&self, user: UserId, limit: u32) -> Result<Vec<Attempt>, StoreError> {
        let state = self.state()?;
        let is_own = |attempt: &&Attempt| {
            let stream = state.streams.iter().find(|stream| stream.id == attempt.stream_id);
            stream.is_some_and(|stream| stream.user_id == Some(user))
        };
        let mut own: Vec<Attempt> = state.attempts.iter().filter(is_own).cloned().collect();
        own.sort_by_key(|attempt| std::cmp::Reverse(attempt.last_at));
        own.truncate(limit as usize);
        Ok(own)
    }
}
