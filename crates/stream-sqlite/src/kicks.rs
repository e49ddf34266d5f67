//! Kicks: the publishers that their media servers have to end.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Timestamp as Instant};
use stream_domain::broadcasts::session::{EndReason, PendingKick};
use stream_domain::ports::{Kicks, StoreError};
use stream_domain::{ServerName, SessionId, Timestamp};

use crate::error;
use crate::session_row::corrupt;
use crate::sessions::{due, end};
use crate::store::SqliteStore;

#[async_trait]
impl Kicks for SqliteStore {
    async fn claim_pending_kicks(
        &self,
        server: &ServerName,
        superseded_before: Timestamp,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<PendingKick>, StoreError> {
        // Mostly there is nothing to kick, and a read alone blocks no writer.
        let (looked, wanted) = (server.clone(), server.clone());
        if self.read(move |connection| due(connection, &looked, superseded_before, now, 1)).await?.is_empty()
        {
            return Ok(Vec::new());
        }
        self.write(move |connection| {
            let mut cuts = Vec::new();
            for (id, publisher, why) in due(connection, &wanted, superseded_before, now, limit)? {
                let take = sql_query(
                    "UPDATE publish_sessions SET cut_tried_at = ?1, cut_because = COALESCE(cut_because, 'expired')
                     WHERE id = ?2",
                );
                let take = take.bind::<Instant, _>(now.to_naive_utc()).bind::<BigInt, _>(id);
                take.execute(connection).map_err(error::query)?;
                let why = why.map_or(Some(EndReason::Expired), |why| EndReason::parse(&why));
                let why = why.ok_or_else(|| corrupt("publish_sessions", id, "cut_because is no reason"))?;
                cuts.push(PendingKick { session: SessionId(id), publisher: publisher.publisher(id)?, why });
            }
            Ok(cuts)
        })
        .await
    }

    async fn mark_kicked(&self, session: SessionId, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |connection| end(connection, &[session.0], EndReason::Left, now)).await
    }
}
