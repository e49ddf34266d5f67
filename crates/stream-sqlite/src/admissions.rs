//! Admissions: who may go live, and how that ends.

mod admit;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Timestamp as Instant};
use stream_domain::broadcasts::admission::{PublishRequest, Terms, Verdict};
use stream_domain::broadcasts::session::EndReason;
use stream_domain::ports::{Admissions, Clues, SessionSelector, StoreError};
use stream_domain::{SessionId, StreamId, Timestamp};

use crate::error;
use crate::schema::publish_sessions as sessions;
use crate::sessions::{end, meant, of_stream};
use crate::store::SqliteStore;

#[async_trait]
impl Admissions for SqliteStore {
    async fn admit(
        &self,
        request: &PublishRequest,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        let (request, terms) = (request.clone(), *terms);
        self.write(move |connection| admit::admit(connection, &request, &terms, now)).await
    }

    async fn end(
        &self,
        which: &SessionSelector,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let which = which.clone();
        self.write(move |connection| {
            // Apart, since each has an index of its own.
            let open = meant(&which, now).filter(sessions::ended_at.is_null()).select(sessions::id);
            let open: Vec<i64> = open.load(connection).map_err(error::query)?;
            let to_kick = meant(&which, now).filter(sessions::kick_reason.is_not_null()).select(sessions::id);
            let to_kick: Vec<i64> = to_kick.load(connection).map_err(error::query)?;
            let meant: Vec<i64> = open.iter().chain(&to_kick).copied().collect();
            end(connection, &meant, reason, now)?;
            Ok(!open.is_empty())
        })
        .await
    }

    async fn withdraw(&self, session: SessionId, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |connection| {
            end(connection, &[session.0], EndReason::AnsweredTooLate, now)?;
            let withdrawn = sessions::table.find(session.0);
            let former: Option<Option<i64>> =
                withdrawn.select(sessions::supersedes).first(connection).optional().map_err(error::query)?;
            let Some(former) = former.flatten() else { return Ok(()) };
            let done = diesel::update(withdrawn).set(sessions::supersedes.eq(None::<i64>));
            done.execute(connection).map_err(error::query)?;
            // One that was taken to be cut meanwhile may be gone by now, and one that may not publish is not let in again.
            let reopen = sql_query(
                "UPDATE publish_sessions SET ended_at = NULL, end_reason = NULL, cut_because = NULL,
                     cut_tried_at = NULL
                 WHERE id = ?1 AND cut_because = 'superseded' AND cut_tried_at <= ended_at
                 AND EXISTS (SELECT 1 FROM streams WHERE streams.id = publish_sessions.stream_id
                     AND status = 'active' AND expires_at > ?2)
                 AND NOT EXISTS (SELECT 1 FROM publish_sessions AS other WHERE other.ended_at IS NULL
                     AND (other.stream_id = publish_sessions.stream_id OR (other.server = publish_sessions.server
                         AND other.server_session = publish_sessions.server_session)))",
            );
            let reopen = reopen.bind::<BigInt, _>(former).bind::<Instant, _>(now.to_naive_utc());
            reopen.execute(connection).map_err(error::query).map(drop)
        })
        .await
    }

    async fn note_attempt(&self, clues: &Clues, now: Timestamp) -> Result<Option<StreamId>, StoreError> {
        // Mostly it is a stranger's, and a look alone keeps no writer waiting.
        let wanted = clues.clone();
        let Some((stream, is_key)) =
            self.read(move |connection| admit::owner_of(connection, &wanted)).await?
        else {
            return Ok(None);
        };
        let (server, address) = (clues.server.clone(), clues.address.filter(|_| is_key));
        let refusal = if is_key { clues.as_key } else { clues.as_name };
        self.write(move |connection| admit::note(connection, (&server, address), stream, refusal, now))
            .await?;
        Ok(Some(stream))
    }
}
