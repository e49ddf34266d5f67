//! What operators see and do, in memory.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::MemoryStore;
use crate::broadcasts::session::{EndReason, Session, SessionId};
use crate::ports::{Operations, ServerActivity, SessionFilter, StoreError};
use crate::{ServerName, Stream, StreamId, Timestamp};

#[async_trait]
impl Operations for MemoryStore {
    async fn find_stream(&self, id: StreamId) -> Result<Option<Stream>, StoreError> {
        let state = self.state()?;
        let found = state.streams.iter().find(|stream| stream.id == id);
        Ok(found.map(|stream| state.sessions.seen_from(stream)))
    }

    async fn list_sessions_of_all(
        &self,
        filter: &SessionFilter,
        limit: u32,
    ) -> Result<Vec<Session>, StoreError> {
        let state = self.state()?;
        let is_meant = |session: &&Session| {
            filter.server.as_ref().is_none_or(|server| session.publisher.server == *server)
                && filter.session.is_none_or(|id| session.id == id)
                && filter.streams.as_ref().is_none_or(|streams| streams.contains(&session.stream_id))
                && !(filter.is_open && session.ended.is_some())
        };
        let newest_first = state.sessions.0.iter().rev().map(|kept| &kept.session);
        Ok(newest_first.filter(is_meant).take(limit as usize).cloned().collect())
    }

    async fn order_kick(&self, session: SessionId) -> Result<Option<Session>, StoreError> {
        let mut state = self.state()?;
        let open = state.sessions.0.iter_mut().find(|kept| kept.session.id == session && kept.is_open());
        Ok(open.map(|kept| {
            kept.session.kick.get_or_insert(EndReason::Kicked);
            kept.session.clone()
        }))
    }

    async fn stop_stream(&self, id: StreamId, now: Timestamp) -> Result<Option<Stream>, StoreError> {
        let mut state = self.state()?;
        let meant = state.streams.iter().find(|stream| stream.id == id);
        let stopped = meant.and_then(|stream| stream.clone().stop(now).ok());
        stopped.iter().for_each(|stopped| state.put(stopped));
        Ok(stopped.map(|stopped| state.sessions.seen_from(&stopped)))
    }

    async fn list_server_activity(&self) -> Result<Vec<ServerActivity>, StoreError> {
        let state = self.state()?;
        let mut servers: BTreeMap<ServerName, ServerActivity> = BTreeMap::new();
        let mut of = |server: &ServerName, note: &dyn Fn(&mut ServerActivity)| {
            note(servers.entry(server.clone()).or_insert_with(|| ServerActivity {
                server: server.clone(),
                open_sessions: 0,
                last_session_at: None,
                last_refusal_at: None,
                last_heartbeat_at: None,
            }));
        };
        for kept in &state.sessions.0 {
            of(&kept.session.publisher.server, &|known| {
                known.open_sessions += u32::from(kept.is_open());
                known.last_session_at = known.last_session_at.max(Some(kept.session.started_at));
            });
        }
        for attempt in &state.attempts {
            of(&attempt.server, &|known| {
                known.last_refusal_at = known.last_refusal_at.max(Some(attempt.last_at));
            });
        }
        for (server, boots) in &state.boots {
            let last = boots.0.iter().map(|boot| boot.last_seen_at).max();
            of(server, &|known| known.last_heartbeat_at = known.last_heartbeat_at.max(last));
        }
        Ok(servers.into_values().collect())
    }
}
