//! Details in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryStore;
use crate::details::Visibility;
use crate::events::EventKind;
use crate::ports::{DescribeStreamError, DetailsStore, StoreError};
use crate::{Details, Stream, StreamId, Timestamp, UserId};

#[async_trait]
impl DetailsStore for MemoryStore {
    async fn details_of(&self, stream: StreamId) -> Result<Details, StoreError> {
        Ok(self.state()?.details(stream))
    }

    async fn own_details(&self, user: UserId, stream: StreamId) -> Result<Option<Details>, StoreError> {
        let state = self.state()?;
        let is_own = |kept: &Stream| kept.id == stream && kept.user_id == Some(user);
        Ok(state.streams.iter().any(is_own).then(|| state.details(stream)))
    }

    async fn describe(
        &self,
        user: UserId,
        stream: StreamId,
        details: &Details,
        now: Timestamp,
    ) -> Result<(), DescribeStreamError> {
        let mut state = self.state()?;
        let is_own = |kept: &&Stream| kept.id == stream && kept.user_id == Some(user);
        let own = state.streams.iter().find(is_own).ok_or(DescribeStreamError::NoSuchStream)?;
        own.publishable_at(now).map_err(|_| DescribeStreamError::Ended)?;
        let own = own.clone();
        if state.details(stream) != *details {
            state.describe(stream, details.clone());
            state.add_of_stream(EventKind::StreamUpdated, &own, "");
        }
        Ok(())
    }

    async fn channel(&self, user: UserId) -> Result<Details, StoreError> {
        Ok(self.state()?.channels.get(&user).cloned().unwrap_or_default())
    }

    async fn set_channel(&self, user: UserId, details: &Details, _: Timestamp) -> Result<(), StoreError> {
        self.state()?.channels.insert(user, details.clone());
        Ok(())
    }

    async fn count_live(&self, now: Timestamp) -> Result<Vec<(String, u64)>, StoreError> {
        let state = self.state()?;
        let mut counts = BTreeMap::new();
        for stream in state.streams.iter().map(|stream| state.sessions.seen_from(stream)) {
            let Details { category: Some(category), visibility: Visibility::Public, .. } =
                state.details(stream.id)
            else {
                continue;
            };
            if stream.live_since_at(now).is_some() {
                *counts.entry(category).or_default() += 1;
            }
        }
        Ok(counts.into_iter().collect())
    }
}
