//! Presence: open sessions, kept in step with what media servers say.

mod boots;

use async_trait::async_trait;
use diesel::prelude::*;
use stream_domain::broadcasts::boots::BootSign;
use stream_domain::broadcasts::session::EndReason;
use stream_domain::broadcasts::{ListIndex, PublisherList, Sighting, SyncOutcome};
use stream_domain::ports::{Presence, StoreError};
use stream_domain::{ServerName, Session, Timestamp};
use time::Duration;

use crate::error;
use crate::schema::publish_sessions as sessions;
use crate::session_row::SessionRow;
use crate::sessions::{confirm, open_of, put_under_clock, renew, stall, write_end, write_ending};
use crate::store::SqliteStore;

#[async_trait]
impl Presence for SqliteStore {
    async fn sync_publishers(
        &self,
        list: &PublisherList,
        lease: Duration,
        now: Timestamp,
    ) -> Result<SyncOutcome, StoreError> {
        let list = list.clone();
        self.write(move |connection| {
            let open = open_of(&list.server).select(SessionRow::as_select());
            let open: Vec<SessionRow> = open.load(connection).map_err(error::query)?;
            let (index, mut outcome) = (ListIndex::of(&list), SyncOutcome::default());
            for row in open {
                let session = Session::try_from(row)?;
                match index.sighting(&session) {
                    Sighting::Moving(known_as) => {
                        outcome.known.push(known_as.to_owned());
                        if session.is_sync_due(lease, now) {
                            confirm(connection, &session, lease, now)?;
                        }
                    }
                    Sighting::Stalled(known_as) => {
                        outcome.known.push(known_as.to_owned());
                        if let Some(until) = session.stalled(list.asked_at, lease, now) {
                            stall(connection, session.id, until)?;
                        }
                    }
                    Sighting::Missing(known_as) => outcome.missing.push(known_as.to_owned()),
                    Sighting::Gone(reason) => {
                        write_end(connection, &session, reason, now)?;
                        outcome.ended += 1;
                    }
                    Sighting::NotJudged => {}
                }
            }
            Ok(outcome)
        })
        .await
    }

    async fn heartbeat(
        &self,
        server: &ServerName,
        boot_id: Option<String>,
        lease: Duration,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        let server = server.clone();
        self.write(move |connection| {
            let sign = match &boot_id {
                Some(boot_id) => boots::note(connection, &server, boot_id, now)?,
                None => BootSign::Current,
            };
            if sign == BootSign::Late {
                return Ok(0);
            }
            let open = open_of(&server).select(SessionRow::as_select());
            let open: Vec<SessionRow> = open.load(connection).map_err(error::query)?;
            let mut ended = 0;
            for row in open {
                let session = Session::try_from(row)?;
                if boot_id.as_ref().zip(session.boot_id.as_ref()).is_some_and(|(boot_id, own)| boot_id != own)
                {
                    if sign == BootSign::Current {
                        write_end(connection, &session, EndReason::ServerRestarted, now)?;
                        ended += 1;
                    }
                } else if session.is_alive_at(now) && session.is_renewal_due(lease, now) {
                    renew(connection, &session, lease, now)?;
                }
            }
            Ok(ended)
        })
        .await
    }

    async fn expire_leases(&self, now: Timestamp, limit: u32) -> Result<u32, StoreError> {
        self.write(move |connection| {
            put_under_clock(connection, now)?;
            let at = now.to_naive_utc();
            let overdue: Vec<SessionRow> = sessions::table
                .filter(sessions::ended_at.is_null())
                .filter(sessions::lease_until.le(at))
                .filter(sessions::stalled_until.is_null().or(sessions::stalled_until.le(at)))
                .limit(limit.into())
                .select(SessionRow::as_select())
                .load(connection)
                .map_err(error::query)?;
            let ended = u32::try_from(overdue.len()).unwrap_or(u32::MAX);
            for row in overdue {
                // What is to be cut stays to be cut.
                let session = Session::try_from(row)?;
                write_ending(connection, session.id, session.ending(EndReason::Lost, now))?;
            }
            Ok(ended)
        })
        .await
    }
}
