//! Kicks: the publishers that their media servers have to end.

use async_trait::async_trait;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::RunQueryDsl;
use futures_util::FutureExt as _;
use stream_domain::broadcasts::session::{EndReason, PendingKick};
use stream_domain::ports::{KICK_EXPIRES_AFTER, KICK_RETRY_AFTER, Kicks, StoreError};
use stream_domain::{ServerName, SessionId, Timestamp};

use crate::error;
use crate::session_row::{PublisherRow, corrupt};
use crate::statement::{Parameter, Statement};
use crate::store::PostgresStore;

/// What `claim_pending_kicks.sql` returns: a session and its publisher.
type KickRow = (BigInt, Text, Text, Text, Text, Text, Nullable<Text>, Text);

#[async_trait]
impl Kicks for PostgresStore {
    async fn claim_pending_kicks(
        &self,
        server: &ServerName,
        superseded_before: Timestamp,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<PendingKick>, StoreError> {
        let parameters = vec![
            server.as_str().into(),
            now.into(),
            now.plus(-KICK_RETRY_AFTER).into(),
            Parameter::Number(Some(limit.into())),
            now.plus(-KICK_EXPIRES_AFTER).into(),
            superseded_before.into(),
        ];
        self.on(&self.writes, move |connection| {
            async move {
                let statement =
                    Statement::<KickRow>::new(include_str!("kicks/claim_pending_kicks.sql"), parameters);
                let rows: Vec<(i64, String, String, String, String, String, Option<String>, String)> =
                    statement.load(connection).await.map_err(error::query)?;
                let cut = |(id, server, session, application, name, protocol, address, why): (
                    _,
                    _,
                    _,
                    _,
                    _,
                    _,
                    _,
                    String,
                )| {
                    let row = PublisherRow { server, session, application, name, protocol, address };
                    let why = EndReason::parse(&why)
                        .ok_or_else(|| corrupt("publish_sessions", id, "cut_because is no reason"))?;
                    Ok(PendingKick { session: SessionId(id), publisher: row.publisher(id)?, why })
                };
                rows.into_iter().map(cut).collect()
            }
            .boxed()
        })
        .await
    }

    async fn mark_kicked(&self, session: SessionId, now: Timestamp) -> Result<(), StoreError> {
        let parameters = vec![Parameter::Number(Some(session.0)), now.into()];
        // The domain's `Session::ending`.
        let text = "UPDATE publish_sessions SET
                ended_at = COALESCE(ended_at, GREATEST(started_at, LEAST($2, lease_until))),
                end_reason = COALESCE(end_reason, cut_because, CASE
                    WHEN GREATEST(started_at, LEAST($2, lease_until)) >= key_expires_at THEN 'expired'
                    WHEN lease_until <= $2 THEN 'lost' ELSE 'left' END),
                cut_because = NULL
            WHERE id = $1 AND (ended_at IS NULL OR cut_because IS NOT NULL)";
        self.execute(Statement::new(text, parameters)).await.map(drop)
    }
}
