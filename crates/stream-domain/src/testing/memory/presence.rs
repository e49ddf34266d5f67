//! Presence in memory.

use async_trait::async_trait;
use time::Duration;

use super::sessions::Kept;
use super::{MemoryStore, State};
use crate::Timestamp;
use crate::broadcasts::boots::BootSign;
use crate::broadcasts::session::EndReason;
use crate::broadcasts::{ListIndex, PublisherList, Sighting, SyncOutcome};
use crate::media_server::ServerName;
use crate::ports::{Presence, StoreError};

#[async_trait]
impl Presence for MemoryStore {
    async fn sync_publishers(
        &self,
        list: &PublisherList,
        lease: Duration,
        now: Timestamp,
    ) -> Result<SyncOutcome, StoreError> {
        let mut state = self.state()?;
        let (index, mut outcome) = (ListIndex::of(list), SyncOutcome::default());
        for kept in state.sessions.0.iter_mut().filter(|kept| kept.is_open()) {
            if kept.session.publisher.server != list.server {
                continue;
            }
            let session = kept.session.clone();
            match index.sighting(&session) {
                Sighting::Moving(known_as) => {
                    outcome.known.push(known_as.to_owned());
                    if session.is_sync_due(lease, now) {
                        kept.confirm(now, lease);
                    }
                }
                Sighting::Stalled(known_as) => {
                    outcome.known.push(known_as.to_owned());
                    if let Some((lease_until, stalled_until)) = session.stalled(list.asked_at, lease, now) {
                        kept.session.lease_until = lease_until;
                        kept.session.stalled_until = Some(stalled_until);
                    }
                }
                Sighting::Missing(known_as) => outcome.missing.push(known_as.to_owned()),
                Sighting::Gone(reason) => {
                    kept.end(now, reason);
                    outcome.ended += 1;
                }
                Sighting::NotJudged => {}
            }
        }
        Ok(outcome)
    }

    async fn heartbeat(
        &self,
        server: &ServerName,
        boot_id: Option<String>,
        lease: Duration,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        let mut state = self.state()?;
        let State { boots, sessions, .. } = &mut *state;
        let sign = match &boot_id {
            Some(boot_id) => boots.entry(server.clone()).or_default().note(boot_id, now),
            None => BootSign::Current,
        };
        let mut ended = 0;
        for kept in sessions.0.iter_mut().filter(|kept| kept.is_open()) {
            if kept.session.publisher.server != *server {
                continue;
            }
            let is_of_another =
                boot_id.is_some() && kept.session.boot_id.is_some() && kept.session.boot_id != boot_id;
            let is_due = kept.session.is_alive_at(now) && kept.session.is_renewal_due(lease, now);
            match sign {
                BootSign::Current if is_of_another => {
                    kept.end(now, EndReason::ServerRestarted);
                    ended += 1;
                }
                BootSign::Current | BootSign::Shared { .. } if !is_of_another && is_due => {
                    kept.renew(now, lease);
                }
                _ => {}
            }
        }
        Ok(ended)
    }

    async fn expire_leases(&self, now: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let mut state = self.state()?;
        for kept in state.sessions.0.iter_mut().filter(|kept| kept.is_open()) {
            (kept.session.last_seen_at, kept.session.lease_until) = kept.session.under_clock(now);
        }
        let overdue = |kept: &&mut Kept| {
            kept.is_open() && kept.session.lease_until <= now && !kept.session.is_stalled_at(now)
        };
        let mut count = 0;
        for kept in state.sessions.0.iter_mut().filter(overdue).take(limit as usize) {
            // What is to be kicked stays to be kicked.
            kept.session.ended = Some(kept.session.ending(EndReason::Lost, now));
            count += 1;
        }
        Ok(count)
    }
}
