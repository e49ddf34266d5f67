//! The sessions: each method is one transaction, and one hop to a thread that may block.

mod admit;
mod boots;
mod writing;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Timestamp as Instant};
use diesel::sqlite::Sqlite;
use stream_domain::admission::{Attempt, PublishRequest, Terms, Verdict};
use stream_domain::boots::BootSign;
use stream_domain::ports::{
    Clues, KICK_EXPIRES_AFTER, KICK_RETRY_AFTER, ListIndex, PublisherList, SETTLED_AFTER, SessionRepository,
    SessionSelector, Sighting, StoreError, SyncOutcome,
};
use stream_domain::session::{EndReason, PendingKick};
use stream_domain::{ServerName, Session, SessionId, StreamId, Timestamp, UserId};
use time::Duration;

use crate::SqliteStore;
use crate::error;
use crate::schema::{publish_attempts, publish_sessions as sessions, streams};
use crate::session_row::{AttemptRow, PublisherRow, SessionRow, corrupt};
use writing::{confirm, end, put_under_clock, renew, stall, write_end, write_ending};

#[async_trait]
impl SessionRepository for SqliteStore {
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
            let to_cut = meant(&which, now).filter(sessions::cut_because.is_not_null()).select(sessions::id);
            let to_cut: Vec<i64> = to_cut.load(connection).map_err(error::query)?;
            let meant: Vec<i64> = open.iter().chain(&to_cut).copied().collect();
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

    async fn claim_pending_kicks(
        &self,
        server: &ServerName,
        superseded_before: Timestamp,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<PendingKick>, StoreError> {
        // Mostly nobody is to be cut, and a look alone keeps no writer waiting.
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

    async fn forget(&self, before: Timestamp, limit: u32) -> Result<u32, StoreError> {
        self.write(move |connection| {
            let before = before.to_naive_utc();
            let sessions = sql_query(
                "DELETE FROM publish_sessions WHERE id IN (
                     SELECT id FROM publish_sessions WHERE ended_at < ?1 LIMIT ?2)",
            );
            let sessions = sessions.bind::<Instant, _>(before).bind::<BigInt, _>(i64::from(limit));
            let sessions = count(sessions.execute(connection))?;
            let attempts = sql_query(
                "DELETE FROM publish_attempts WHERE rowid IN (
                     SELECT rowid FROM publish_attempts WHERE last_at < ?1 LIMIT ?2)",
            );
            let left = i64::from(limit.saturating_sub(sessions));
            let attempts = attempts.bind::<Instant, _>(before).bind::<BigInt, _>(left);
            let attempts = count(attempts.execute(connection))?;
            let boots = sql_query("DELETE FROM media_server_boots WHERE last_seen_at < ?1");
            boots.bind::<Instant, _>(before).execute(connection).map_err(error::query)?;
            Ok(sessions + attempts)
        })
        .await
    }

    async fn list_sessions(
        &self,
        user: UserId,
        stream: StreamId,
        limit: u32,
    ) -> Result<Option<Vec<Session>>, StoreError> {
        self.read(move |connection| {
            // One statement, so that both are of one moment; a stream without sessions has a row without one.
            let rows: Vec<Option<SessionRow>> = streams::table
                .left_join(sessions::table.on(sessions::stream_id.eq(streams::id)))
                .filter(streams::id.eq(stream.0))
                .filter(streams::user_id.eq(user.get()))
                .order(sessions::id.desc())
                .limit(limit.into())
                .select(Option::<SessionRow>::as_select())
                .load(connection)
                .map_err(error::query)?;
            if rows.is_empty() {
                return Ok(None);
            }
            rows.into_iter().flatten().map(Session::try_from).collect::<Result<_, _>>().map(Some)
        })
        .await
    }

    async fn list_attempts(&self, user: UserId, limit: u32) -> Result<Vec<Attempt>, StoreError> {
        self.read(move |connection| {
            let own = streams::table.filter(streams::user_id.eq(user.get())).select(streams::id);
            let rows: Vec<AttemptRow> = publish_attempts::table
                .filter(publish_attempts::stream_id.eq_any(own))
                .order(publish_attempts::last_at.desc())
                .limit(limit.into())
                .select(AttemptRow::as_select())
                .load(connection)
                .map_err(error::query)?;
            rows.into_iter().map(Attempt::try_from).collect()
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

type SessionRows<'a> = sessions::BoxedQuery<
    'a,
    Sqlite,
    diesel::helper_types::SqlTypeOf<diesel::helper_types::AsSelect<SessionRow, Sqlite>>,
>;

/// A server's open sessions.
fn open_of(server: &ServerName) -> sessions::BoxedQuery<'static, Sqlite> {
    let open = sessions::table.filter(sessions::ended_at.is_null());
    open.filter(sessions::server.eq(server.as_str().to_owned())).into_boxed()
}

/// A stream's sessions, newest first.
fn of_stream(stream: StreamId) -> SessionRows<'static> {
    let all = sessions::table.filter(sessions::stream_id.eq(stream.0)).order(sessions::id.desc());
    all.select(SessionRow::as_select()).into_boxed()
}

/// The sessions that an end may mean, open or not.
fn meant(which: &SessionSelector, now: Timestamp) -> sessions::BoxedQuery<'static, Sqlite> {
    let all = sessions::table.into_boxed();
    match which {
        SessionSelector::Session { server, session, name } => {
            let of_session = all
                .filter(sessions::server.eq(server.as_str().to_owned()))
                .filter(sessions::server_session.eq(session.clone()));
            match name {
                Some(name) => of_session.filter(sessions::name.eq(name.clone())),
                None => of_session,
            }
        }
        SessionSelector::Name { server, name } => all
            .filter(sessions::server.eq(server.as_str().to_owned()))
            .filter(sessions::name.eq(name.clone()))
            .filter(sessions::started_at.lt(now.plus(-SETTLED_AFTER).to_naive_utc())),
    }
}

/// The publishers of a server that are to be cut and were not tried a moment ago.
fn due(
    connection: &mut SqliteConnection,
    server: &ServerName,
    superseded_before: Timestamp,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(i64, PublisherRow, Option<String>)>, StoreError> {
    let tried_before = now.plus(-KICK_RETRY_AFTER).to_naive_utc();
    let of_server = || {
        let may_try = sessions::cut_tried_at.is_null().or(sessions::cut_tried_at.le(tried_before));
        let of_server = sessions::table.filter(sessions::server.eq(server.as_str()));
        of_server.filter(may_try).limit(limit.into()).select((
            sessions::id,
            PublisherRow::as_select(),
            sessions::cut_because,
        ))
    };
    // Apart, since each has an index of its own.
    let let_be = now.plus(-KICK_EXPIRES_AFTER).to_naive_utc();
    let is_fresh = sessions::ended_at.is_null().or(sessions::ended_at.gt(let_be));
    let gave_way = sessions::cut_because.ne(EndReason::Superseded.as_str());
    let gave_way = gave_way.or(sessions::ended_at.le(superseded_before.to_naive_utc()));
    let marked = of_server().filter(sessions::cut_because.is_not_null()).filter(is_fresh).filter(gave_way);
    let mut due: Vec<(i64, PublisherRow, Option<String>)> = marked.load(connection).map_err(error::query)?;
    let expired = of_server()
        .filter(sessions::cut_because.is_null())
        .filter(sessions::ended_at.is_null())
        .filter(sessions::key_expires_at.le(now.to_naive_utc()));
    due.extend(expired.load(connection).map_err(error::query)?);
    due.truncate(limit as usize);
    Ok(due)
}

fn count(changed: QueryResult<usize>) -> Result<u32, StoreError> {
    Ok(u32::try_from(changed.map_err(error::query)?).unwrap_or(u32::MAX))
}
