//! The sessions: each method is one statement, so that a hook's answer costs one round trip.

mod admit;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_types::{self, Array, BigInt, Bool, Integer, Nullable, Text};
use diesel_async::RunQueryDsl;
use futures_util::FutureExt as _;
use stream_domain::admission::{Attempt, PublishRequest, Terms, Verdict};
use stream_domain::boots::SHARED_FOR;
use stream_domain::ports::{
    Absent, Clues, KICK_EXPIRES_AFTER, KICK_RETRY_AFTER, PublisherList, SETTLED_AFTER, SessionRepository,
    SessionSelector, StoreError, SyncOutcome,
};
use stream_domain::session::{CLOCK_MARGIN, EndReason, PendingKick, renew_below};
use stream_domain::{ServerName, Session, SessionId, StreamId, Timestamp, UserId};
use time::Duration;

use admit::{Decided, admit_parameters, verdict_of};

use crate::PostgresStore;
use crate::error;
use crate::schema::{publish_attempts, publish_sessions, streams};
use crate::session_row::{AttemptRow, PublisherRow, SessionRow, corrupt};
use crate::statement::{Parameter, Statement};

/// How often an admission is tried again when another one changes what it saw.
///
/// Of those that meet, one gets through each time, and as many can meet as there are connections for writes.
const ATTEMPTS: usize = 20;

/// What `claim_pending_kicks.sql` returns: a session and its publisher.
type ToCut = (BigInt, Text, Text, Text, Text, Text, Nullable<Text>, Text);

#[async_trait]
impl SessionRepository for PostgresStore {
    async fn admit(
        &self,
        request: &PublishRequest,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        let parameters = admit_parameters(request, terms, now);
        self.on(&self.writes, move |connection| {
            async move {
                for _ in 0..ATTEMPTS {
                    let statement =
                        Statement::<Decided>::new(include_str!("sessions/admit.sql"), parameters.clone());
                    let row = statement.get_result(connection).await.optional().map_err(error::query)?;
                    if let Some(verdict) = verdict_of(row)? {
                        return Ok(verdict);
                    }
                }
                Err(StoreError::unavailable("the stream's session kept changing"))
            }
            .boxed()
        })
        .await
    }

    async fn end(
        &self,
        which: &SessionSelector,
        reason: EndReason,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let (server, session, name) = match which {
            SessionSelector::Session { server, session, name } => {
                (server, Some(session.clone()), name.clone())
            }
            SessionSelector::Name { server, name } => (server, None, Some(name.clone())),
        };
        let parameters = vec![
            server.as_str().into(),
            Parameter::Text(session),
            Parameter::Text(name),
            reason.as_str().into(),
            now.into(),
            now.plus(-SETTLED_AFTER).into(),
        ];
        self.select_one(Statement::<Bool>::new(include_str!("sessions/end.sql"), parameters)).await
    }

    async fn withdraw(&self, session: SessionId, now: Timestamp) -> Result<(), StoreError> {
        let parameters = vec![Parameter::Number(Some(session.0)), now.into()];
        self.execute(Statement::new(include_str!("sessions/withdraw.sql"), parameters)).await.map(drop)
    }

    async fn sync_publishers(
        &self,
        list: &PublisherList,
        lease: Duration,
        now: Timestamp,
    ) -> Result<SyncOutcome, StoreError> {
        let (reason, which, missing_before) = match &list.absent {
            Absent::Ended(reason) => (Some(reason), "ended", Vec::new()),
            Absent::EndedIfMissingBefore { reason, missing_before } => {
                (Some(reason), "missing_before", missing_before.clone())
            }
            Absent::Kept => (None, "kept", Vec::new()),
        };
        let parameters = vec![
            list.server.as_str().into(),
            Parameter::Texts(list.sessions.clone()),
            Parameter::Texts(list.names.clone()),
            Parameter::Texts(list.stalled.clone()),
            list.asked_at.into(),
            list.settled_before.into(),
            now.into(),
            now.plus(lease).into(),
            now.plus(renew_below(lease)).into(),
            now.plus(CLOCK_MARGIN).into(),
            Parameter::Text(reason.map(|reason| reason.as_str().to_owned())),
            which.into(),
            Parameter::Texts(missing_before),
        ];
        let text = include_str!("sessions/sync_publishers.sql");
        let statement = Statement::<(Array<Text>, Array<Text>, BigInt)>::new(text, parameters);
        let (known, missing, ended): (Vec<String>, Vec<String>, i64) = self.select_one(statement).await?;
        Ok(SyncOutcome { known, missing, ended: u32::try_from(ended).unwrap_or(u32::MAX) })
    }

    async fn heartbeat(
        &self,
        server: &ServerName,
        boot_id: Option<String>,
        lease: Duration,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        let parameters = vec![
            server.as_str().into(),
            Parameter::Text(boot_id),
            now.into(),
            now.plus(lease).into(),
            now.plus(renew_below(lease)).into(),
            now.plus(CLOCK_MARGIN).into(),
            now.plus(-SHARED_FOR).into(),
        ];
        let statement = Statement::<(BigInt, Bool)>::new(include_str!("sessions/heartbeat.sql"), parameters);
        let (ended, is_news): (i64, bool) = self.select_one(statement).await?;
        if is_news {
            tracing::warn!(%server, "two media servers publish under one name; give each a name of its own");
        }
        Ok(u32::try_from(ended).unwrap_or(u32::MAX))
    }

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
                    Statement::<ToCut>::new(include_str!("sessions/claim_pending_kicks.sql"), parameters);
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
        let text = " UPDATE publish_sessions SET
                ended_at = COALESCE(ended_at, GREATEST(started_at, LEAST($2, lease_until))),
                end_reason = COALESCE(end_reason, cut_because, CASE
                    WHEN GREATEST(started_at, LEAST($2, lease_until)) >= key_expires_at THEN 'expired'
                    WHEN lease_until <= $2 THEN 'lost' ELSE 'left' END),
                cut_because = NULL
            WHERE id = $1 AND (ended_at IS NULL OR cut_because IS NOT NULL)";
        self.execute(Statement::new(text, parameters)).await.map(drop)
    }

    async fn expire_leases(&self, now: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let parameters =
            vec![now.into(), Parameter::Number(Some(limit.into())), now.plus(CLOCK_MARGIN).into()];
        self.execute(Statement::new(include_str!("sessions/expire_leases.sql"), parameters)).await
    }

    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        let parameters = vec![before.into(), Parameter::Number(Some(limit.into()))];
        let text = ", sessions AS (
                DELETE FROM publish_sessions WHERE id IN (
                    SELECT id FROM publish_sessions WHERE ended_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED)
                RETURNING 1),
            attempts AS (
                DELETE FROM publish_attempts WHERE ctid IN (
                    SELECT ctid FROM publish_attempts WHERE last_at < $1
                    LIMIT $2 - (SELECT count(*) FROM sessions) FOR UPDATE SKIP LOCKED) RETURNING 1),
            boots AS (
                DELETE FROM media_server_boots WHERE ctid IN (
                    SELECT ctid FROM media_server_boots WHERE last_seen_at < $1 FOR UPDATE SKIP LOCKED))
            SELECT (SELECT count(*) FROM sessions) + (SELECT count(*) FROM attempts)";
        let gone: i64 = self.select_one(Statement::<BigInt>::new(text, parameters)).await?;
        Ok(u32::try_from(gone).unwrap_or(u32::MAX))
    }

    async fn list_sessions(
        &self,
        user: UserId,
        stream: StreamId,
        limit: u32,
    ) -> Result<Option<Vec<Session>>, StoreError> {
        self.on(&self.reads, move |connection| {
            async move {
                // One statement, so that both are of one moment; a stream without sessions has a row without one.
                let rows: Vec<Option<SessionRow>> = streams::table
                    .left_join(publish_sessions::table.on(publish_sessions::stream_id.eq(streams::id)))
                    .filter(streams::id.eq(stream.0))
                    .filter(streams::user_id.eq(user.get()))
                    .order(publish_sessions::id.desc())
                    .limit(limit.into())
                    .select(Option::<SessionRow>::as_select())
                    .load(connection)
                    .await
                    .map_err(error::query)?;
                if rows.is_empty() {
                    return Ok(None);
                }
                rows.into_iter().flatten().map(Session::try_from).collect::<Result<_, _>>().map(Some)
            }
            .boxed()
        })
        .await
    }

    async fn list_attempts(&self, user: UserId, limit: u32) -> Result<Vec<Attempt>, StoreError> {
        self.on(&self.reads, move |connection| {
            async move {
                let own = streams::table.filter(streams::user_id.eq(user.get())).select(streams::id);
                let rows: Vec<AttemptRow> = publish_attempts::table
                    .filter(publish_attempts::stream_id.eq_any(own))
                    .order(publish_attempts::last_at.desc())
                    .limit(limit.into())
                    .select(AttemptRow::as_select())
                    .load(connection)
                    .await
                    .map_err(error::query)?;
                rows.into_iter().map(Attempt::try_from).collect()
            }
            .boxed()
        })
        .await
    }

    async fn note_attempt(&self, clues: &Clues, now: Timestamp) -> Result<Option<StreamId>, StoreError> {
        let parameters = vec![
            Parameter::Texts(clues.keys.iter().map(|key| key.expose().to_owned()).collect()),
            clues.as_key.as_str().into(),
            Parameter::Text(clues.playback_id.as_ref().map(ToString::to_string)),
            clues.as_name.as_str().into(),
            clues.server.as_str().into(),
            Parameter::Text(clues.address.map(|address| address.to_string())),
            now.into(),
        ];
        self.on(&self.writes, move |connection| {
            async move {
                let statement =
                    Statement::<Integer>::new(include_str!("sessions/note_attempt.sql"), parameters);
                let id: Option<i32> =
                    statement.get_result(connection).await.optional().map_err(error::query)?;
                Ok(id.map(StreamId))
            }
            .boxed()
        })
        .await
    }
}

impl PostgresStore {
    async fn select_one<Row, Value>(&self, statement: Statement<Row>) -> Result<Value, StoreError>
    where
        Row: Send + 'static,
        Value: Send + 'static,
        Statement<Row>: Send,
        Value: diesel::deserialize::FromSqlRow<Row, diesel::pg::Pg>,
        Row: diesel::query_dsl::CompatibleType<Value, diesel::pg::Pg, SqlType = Row>,
        diesel::pg::Pg: diesel::expression::QueryMetadata<Row>,
    {
        self.on(&self.writes, move |connection| {
            async move { statement.get_result(connection).await.map_err(error::query) }.boxed()
        })
        .await
    }

    async fn execute(&self, statement: Statement<sql_types::Untyped>) -> Result<u32, StoreError> {
        self.on(&self.writes, move |connection| {
            async move {
                let rows = statement.execute(connection).await.map_err(error::query)?;
                Ok(u32::try_from(rows).unwrap_or(u32::MAX))
            }
            .boxed()
        })
        .await
    }
}
