//! Statistics in memory.

use std::collections::HashMap;

use async_trait::async_trait;

use super::MemoryStore;
use crate::ports::{Counts, EndedSession, Statistics, StoreError, StoreUsage};
use crate::{ServerName, Stream, Timestamp};

#[async_trait]
impl Statistics for MemoryStore {
    async fn count(&self, now: Timestamp) -> Result<Counts, StoreError> {
        let state = self.state()?;
        let seen: Vec<Stream> = state.streams.iter().map(|stream| state.sessions.seen_from(stream)).collect();
        let mut open: HashMap<ServerName, u64> = HashMap::new();
        for kept in state.sessions.0.iter().filter(|kept| kept.is_open()) {
            *open.entry(kept.session.publisher.server.clone()).or_default() += 1;
        }
        Ok(Counts {
            active: seen.iter().filter(|stream| stream.publishable_at(now).is_ok()).count() as u64,
            live: seen.iter().filter(|stream| stream.live_since_at(now).is_some()).count() as u64,
            open_sessions: open.into_iter().collect(),
            missing_objects: 0,
        })
    }

    async fn list_ended(&self, after: Timestamp) -> Result<Vec<EndedSession>, StoreError> {
        let state = self.state()?;
        let ended = state.sessions.0.iter().filter_map(|kept| {
            let (at, reason) = kept.session.ended?;
            (at > after).then_some(EndedSession { session: kept.session.id, at, reason })
        });
        Ok(ended.collect())
    }

    fn usage(&self) -> StoreUsage {
        StoreUsage::default()
    }
}
