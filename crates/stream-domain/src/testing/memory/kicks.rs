//! Kicks in memory.

use async_trait::async_trait;

use super::MemoryStore;
use super::sessions::Kept;
use crate::Timestamp;
use crate::broadcasts::session::{EndReason, PendingKick, SessionId};
use crate::media_server::ServerName;
use crate::ports::{KICK_EXPIRES_AFTER, KICK_RETRY_AFTER, Kicks, StoreError};

#[async_trait]
impl Kicks for MemoryStore {
    async fn claim_pending_kicks(
        &self,
        server: &ServerName,
        superseded_before: Timestamp,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<PendingKick>, StoreError> {
        let mut state = self.state()?;
        let mut cuts = Vec::new();
        let of_server = |kept: &&mut Kept| kept.session.publisher.server == *server;
        for kept in state.sessions.0.iter_mut().filter(of_server) {
            let is_overdue = now >= kept.session.key_expires_at;
            if kept.is_open() && kept.session.kick.is_none() && is_overdue {
                kept.session.kick = Some(EndReason::Expired);
            }
            let is_stale = kept.session.ended.is_some_and(|(at, _)| at <= now.plus(-KICK_EXPIRES_AFTER));
            let may_try =
                !is_stale && kept.cut_tried_at.is_none_or(|tried| tried <= now.plus(-KICK_RETRY_AFTER));
            let gives_way = kept.session.kick == Some(EndReason::Superseded)
                && kept.session.ended.is_some_and(|(at, _)| at > superseded_before);
            if let Some(why) = kept.session.kick
                && may_try
                && !gives_way
                && cuts.len() < limit as usize
            {
                kept.cut_tried_at = Some(now);
                let (session, publisher) = (kept.session.id, kept.session.publisher.clone());
                cuts.push(PendingKick { session, publisher, why });
            }
        }
        Ok(cuts)
    }

    async fn mark_kicked(&self, session: SessionId, now: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state()?;
        let cut = state.sessions.0.iter_mut().filter(|kept| kept.session.id == session);
        cut.for_each(|kept| kept.end(now, EndReason::Left));
        Ok(())
    }
}
