//! The sessions: each method is one transaction, and one hop to a thread that may block.

mod admit;

use std::collections::HashSet;

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Text, Timestamp as Instant};
use diesel::sqlite::Sqlite;
use stream_domain::admission::{Attempt, PublishRequest, Terms, Verdict};
use stream_domain::ports::{
    Answered, CUT_PAUSE, CUT_WITHIN, EndOf, Roll, SETTLED_AFTER, SessionRepository, StoreError,
};
use stream_domain::session::{Cut, EndReason};
use stream_domain::{ServerName, Session, SessionId, StreamId, Timestamp, UserId};
use time::Duration;

use crate::SqliteStore;
use crate::error;
use crate::schema::{publish_attempts, publish_sessions as sessions, streams};
use crate::session_row::{AttemptRow, PublisherRow, SessionRow, corrupt};

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

    async fn end(&self, which: &EndOf, reason: EndReason, now: Timestamp) -> Result<bool, StoreError> {
        let which = which.clone();
        self.write(move |connection| {
            // Apart, since each has an index of its own.
            let open = meant(&which, now).filter(sessions::ended_at.is_null()).select(sessions::id);
            let open: Vec<i64> = open.load(connection).map_err(error::query)?;
            let to_cut = meant(&which, now).filter(sessions::cut_because.is_not_null()).select(sessions::id);
            let to_cut: Vec<i64> = to_cut.load(connection).map_err(error::query)?;
            for id in open.iter().chain(&to_cut) {
                end(connection, *id, now, reason.as_str())?;
            }
            Ok(!open.is_empty())
        })
        .await
    }

    async fn call_roll(&self, roll: &Roll, lease: Duration, now: Timestamp) -> Result<Answered, StoreError> {
        let roll = roll.clone();
        self.write(move |connection| {
            let open = open_of(&roll.server).select(SessionRow::as_select());
            let open: Vec<SessionRow> = open.load(connection).map_err(error::query)?;
            let listed: HashSet<&str> = roll.sessions.iter().map(String::as_str).collect();
            let names: HashSet<&str> = roll.names.iter().map(String::as_str).collect();
            let mut answered = Answered::default();
            for row in open {
                let session = Session::try_from(row)?;
                let name = session.publisher.name.expose();
                if listed.contains(session.publisher.session.as_str()) {
                    renew_if_due(connection, &session, lease, now)?;
                    answered.known.push(session.publisher.session);
                } else if names.contains(name) {
                    renew_if_due(connection, &session, lease, now)?;
                    answered.known.push(name.to_owned());
                } else if session.started_at < roll.settled_before && session.last_seen_at < roll.asked_at {
                    end(connection, session.id.0, now, roll.absent.as_str())?;
                    answered.ended += 1;
                }
            }
            Ok(answered)
        })
        .await
    }

    async fn keep_alive(
        &self,
        server: &ServerName,
        run: Option<String>,
        lease: Duration,
        now: Timestamp,
    ) -> Result<u32, StoreError> {
        let server = server.clone();
        self.write(move |connection| {
            let open = open_of(&server).select((SessionRow::as_select(), sessions::run));
            let open: Vec<(SessionRow, Option<String>)> = open.load(connection).map_err(error::query)?;
            let mut ended = 0;
            for (row, own) in open {
                let session = Session::try_from(row)?;
                if run.as_ref().zip(own.as_ref()).is_some_and(|(run, own)| run != own) {
                    end(connection, session.id.0, now, EndReason::ServerRestarted.as_str())?;
                    ended += 1;
                } else if session.is_alive_at(now) {
                    renew_if_due(connection, &session, lease, now)?;
                }
            }
            Ok(ended)
        })
        .await
    }

    async fn take_cuts(
        &self,
        server: &ServerName,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Cut>, StoreError> {
        // Mostly nobody is to be cut, and a look alone keeps no writer waiting.
        let (looked, wanted) = (server.clone(), server.clone());
        if self.read(move |connection| due(connection, &looked, now, 1)).await?.is_empty() {
            return Ok(Vec::new());
        }
        self.write(move |connection| {
            let mut cuts = Vec::new();
            for (id, publisher, why) in due(connection, &wanted, now, limit)? {
                let take = sql_query(
                    "UPDATE publish_sessions SET cut_tried_at = ?1, cut_because = COALESCE(cut_because, 'expired')
                     WHERE id = ?2",
                );
                let take = take.bind::<Instant, _>(now.to_naive_utc()).bind::<BigInt, _>(id);
                take.execute(connection).map_err(error::query)?;
                let why = why.map_or(Some(EndReason::Expired), |why| EndReason::parse(&why));
                let why = why.ok_or_else(|| corrupt("publish_sessions", id, "cut_because is no reason"))?;
                cuts.push(Cut { session: SessionId(id), publisher: publisher.publisher(id)?, why });
            }
            Ok(cuts)
        })
        .await
    }

    async fn confirm_cut(&self, session: SessionId, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |connection| end(connection, session.0, now, EndReason::Left.as_str())).await
    }

    async fn end_overdue(&self, now: Timestamp, limit: u32) -> Result<u32, StoreError> {
        self.write(move |connection| {
            // What is to be cut stays to be cut.
            let overdue = sql_query(
                "UPDATE publish_sessions SET ended_at = lease_until, end_reason = COALESCE(cut_because, 'lost')
                 WHERE id IN (SELECT id FROM publish_sessions WHERE ended_at IS NULL AND lease_until <= ?1 LIMIT ?2)",
            );
            let overdue = overdue.bind::<Instant, _>(now.to_naive_utc()).bind::<BigInt, _>(i64::from(limit));
            count(overdue.execute(connection))
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
            Ok(sessions + count(attempts.execute(connection))?)
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
            let own = streams::table.filter(streams::id.eq(stream.0)).filter(streams::user_id.eq(user.get()));
            let own: i64 = own.count().get_result(connection).map_err(error::query)?;
            if own == 0 {
                return Ok(None);
            }
            let rows: Vec<SessionRow> =
                of_stream(stream).limit(limit.into()).load(connection).map_err(error::query)?;
            rows.into_iter().map(Session::try_from).collect::<Result<_, _>>().map(Some)
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
fn meant(which: &EndOf, now: Timestamp) -> sessions::BoxedQuery<'static, Sqlite> {
    let all = sessions::table.into_boxed();
    match which {
        EndOf::Session { server, session, name } => {
            let of_session = all
                .filter(sessions::server.eq(server.as_str().to_owned()))
                .filter(sessions::server_session.eq(session.clone()));
            match name {
                Some(name) => of_session.filter(sessions::name.eq(name.clone())),
                None => of_session,
            }
        }
        EndOf::Name { server, name } => all
            .filter(sessions::server.eq(server.as_str().to_owned()))
            .filter(sessions::name.eq(name.clone()))
            .filter(sessions::started_at.lt(now.plus(-SETTLED_AFTER).to_naive_utc())),
    }
}

/// Ends a session, for the reason that it was to be cut for if there is one, and takes it off those to be cut.
fn end(connection: &mut SqliteConnection, id: i64, at: Timestamp, reason: &str) -> Result<(), StoreError> {
    let end = sql_query(
        "UPDATE publish_sessions SET ended_at = COALESCE(ended_at, ?1),
             end_reason = COALESCE(end_reason, cut_because, CASE WHEN key_expires_at <= ?1 THEN 'expired' ELSE ?2 END),
             cut_because = NULL
         WHERE id = ?3",
    );
    let end = end.bind::<Instant, _>(at.to_naive_utc()).bind::<Text, _>(reason).bind::<BigInt, _>(id);
    end.execute(connection).map_err(error::query).map(drop)
}

/// Leases with more than two thirds to run are left alone, so that a list that comes often costs few writes.
fn renew_if_due(
    connection: &mut SqliteConnection,
    session: &Session,
    lease: Duration,
    now: Timestamp,
) -> Result<(), StoreError> {
    if session.lease_until < now.plus(lease * 2 / 3) {
        renew(connection, session, lease, now)
    } else {
        Ok(())
    }
}

fn renew(
    connection: &mut SqliteConnection,
    session: &Session,
    lease: Duration,
    now: Timestamp,
) -> Result<(), StoreError> {
    let renewed = diesel::update(sessions::table.find(session.id.0)).set((
        sessions::last_seen_at.eq(session.last_seen_at.max(now).to_naive_utc()),
        sessions::lease_until.eq(session.lease_until.max(now.plus(lease)).to_naive_utc()),
    ));
    renewed.execute(connection).map_err(error::query).map(drop)
}

/// The publishers of a server that are to be cut and were not tried a moment ago.
fn due(
    connection: &mut SqliteConnection,
    server: &ServerName,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(i64, PublisherRow, Option<String>)>, StoreError> {
    let tried_before = now.plus(-CUT_PAUSE).to_naive_utc();
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
    let let_be = now.plus(-CUT_WITHIN).to_naive_utc();
    let is_fresh = sessions::ended_at.is_null().or(sessions::ended_at.gt(let_be));
    let marked = of_server().filter(sessions::cut_because.is_not_null()).filter(is_fresh);
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
