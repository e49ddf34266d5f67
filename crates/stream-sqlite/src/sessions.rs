//! The sessions: each method is one transaction, and one hop to a thread that may block.

use async_trait::async_trait;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Integer, Text, Timestamp as Instant};
use diesel::sqlite::Sqlite;
use stream_domain::admission::{
    Admitted, Attempt, Decision, Facts, Phase, Proof, PublishRequest, Refusal, Terms, Verdict, decide,
};
use stream_domain::ports::{Answered, CUT_PAUSE, EndOf, RESTART_MARGIN, Roll, SessionRepository, StoreError};
use stream_domain::session::{Cut, EndReason};
use stream_domain::{Publisher, ServerName, Session, SessionId, Stream, StreamId, Timestamp, UserId};
use time::Duration;

use crate::SqliteStore;
use crate::error;
use crate::row::StreamRow;
use crate::schema::{publish_attempts, publish_sessions as sessions, streams};
use crate::session_row::{AttemptRow, NewSessionRow, PublisherRow, SessionRow, corrupt};

#[async_trait]
impl SessionRepository for SqliteStore {
    async fn admit(
        &self,
        request: &PublishRequest,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Verdict, StoreError> {
        let (request, terms) = (request.clone(), *terms);
        self.write(move |connection| admit(connection, &request, &terms, now)).await
    }

    async fn end(&self, which: &EndOf, reason: EndReason, now: Timestamp) -> Result<bool, StoreError> {
        let which = which.clone();
        self.write(move |connection| {
            let mut meant = sessions::table
                .filter(sessions::ended_at.is_null().or(sessions::cut_because.is_not_null()))
                .select((sessions::id, sessions::ended_at.is_null()))
                .into_boxed();
            meant = match which {
                EndOf::Session(server, session) => meant
                    .filter(sessions::server.eq(server.as_str().to_owned()))
                    .filter(sessions::server_session.eq(session)),
                EndOf::Name(server, name) => meant
                    .filter(sessions::server.eq(server.as_str().to_owned()))
                    .filter(sessions::name.eq(name)),
            };
            let meant: Vec<(i64, bool)> = meant.load(connection).map_err(error::query)?;
            for (id, _) in &meant {
                end(connection, *id, now, reason.as_str())?;
            }
            Ok(meant.iter().any(|(_, was_open)| *was_open))
        })
        .await
    }

    async fn call_roll(&self, roll: &Roll, lease: Duration, now: Timestamp) -> Result<Answered, StoreError> {
        let roll = roll.clone();
        self.write(move |connection| {
            let open: Vec<SessionRow> = open_of(&roll.server).load(connection).map_err(error::query)?;
            let mut answered = Answered::default();
            for row in open {
                let session = Session::try_from(row)?;
                let name = session.publisher.name.expose();
                if roll.sessions.contains(&session.publisher.session) {
                    renew_if_due(connection, &session, lease, now)?;
                    answered.known.push(session.publisher.session);
                } else if roll.names.iter().any(|listed| listed == name) {
                    renew_if_due(connection, &session, lease, now)?;
                    answered.known.push(name.to_owned());
                } else if session.started_at < roll.settled_before && session.last_seen_at < roll.asked_at {
                    end(connection, session.id.0, now, EndReason::Left.as_str())?;
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
            let open: Vec<SessionRow> = open_of(&server).load(connection).map_err(error::query)?;
            let runs = sessions::table.filter(sessions::server.eq(server.as_str()));
            let runs: Vec<(i64, Option<String>)> = runs
                .filter(sessions::ended_at.is_null())
                .select((sessions::id, sessions::run))
                .load(connection)
                .map_err(error::query)?;
            let mut ended = 0;
            for row in open {
                let session = Session::try_from(row)?;
                let own = runs.iter().find(|(id, _)| *id == session.id.0).and_then(|(_, run)| run.as_ref());
                if run.as_ref().zip(own).is_some_and(|(run, own)| run != own) {
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
fn open_of(server: &ServerName) -> SessionRows<'static> {
    let open = sessions::table.filter(sessions::ended_at.is_null());
    open.filter(sessions::server.eq(server.as_str().to_owned())).select(SessionRow::as_select()).into_boxed()
}

/// A stream's sessions, newest first.
fn of_stream(stream: StreamId) -> SessionRows<'static> {
    let all = sessions::table.filter(sessions::stream_id.eq(stream.0)).order(sessions::id.desc());
    all.select(SessionRow::as_select()).into_boxed()
}

/// Decides and carries it out; the transaction is the only writer, so what was read stays true.
fn admit(
    connection: &mut SqliteConnection,
    request: &PublishRequest,
    terms: &Terms,
    now: Timestamp,
) -> Result<Verdict, StoreError> {
    let stream = named(connection, &request.proof)?;
    if request.phase == Phase::Asks {
        end_what_is_over(connection, request, stream.as_ref().map(|stream| stream.id), now)?;
    }
    let Some(stream) = stream else {
        return Ok(Verdict::Refused(Refusal::UnknownKey));
    };
    let read = |row: Option<SessionRow>| row.map(Session::try_from).transpose();
    let publisher = &request.publisher;
    let previous = read(of_stream(stream.id).first(connection).optional().map_err(error::query)?)?;
    let current = of_stream(stream.id).filter(sessions::ended_at.is_null());
    let current = read(current.first(connection).optional().map_err(error::query)?)?;
    let own = of_stream(stream.id)
        .filter(sessions::server.eq(publisher.server.as_str().to_owned()))
        .filter(sessions::server_session.eq(publisher.session.clone()));
    let own = read(own.first(connection).optional().map_err(error::query)?)?;
    let facts = Facts {
        stream: Some(&stream),
        current: current.as_ref(),
        own: own.as_ref(),
        previous: previous.as_ref(),
    };
    match decide(&facts, request, terms, now) {
        Decision::Renew(session) => {
            if let Some(own) = &own {
                renew(connection, own, terms.lease, now)?;
            }
            let playback_id = stream.playback_id;
            Ok(Verdict::Admitted(Admitted {
                session,
                is_new: false,
                playback_id,
                rename: false,
                superseded: None,
            }))
        }
        Decision::Start { epoch, live_since } => {
            let superseded = current.map(|current| give_way(connection, current, now)).transpose()?.flatten();
            let row = NewSessionRow::of(request, &stream, (epoch, live_since), terms.lease, now);
            let inserted = diesel::insert_into(sessions::table).values(row).returning(sessions::id);
            let id: i64 = inserted.get_result(connection).map_err(error::query)?;
            let playback_id = stream.playback_id;
            Ok(Verdict::Admitted(Admitted {
                session: SessionId(id),
                is_new: true,
                playback_id,
                rename: false,
                superseded,
            }))
        }
        Decision::Refuse(refusal) => {
            if request.phase == Phase::Asks {
                note(connection, request, stream.id, refusal, now)?;
            }
            Ok(Verdict::Refused(refusal))
        }
    }
}

fn named(connection: &mut SqliteConnection, proof: &Proof) -> Result<Option<Stream>, StoreError> {
    let all = streams::table.select(StreamRow::as_select()).into_boxed();
    let named = match proof {
        Proof::Key(key) | Proof::KeyOf(_, key) => all.filter(streams::stream_key.eq(key.expose().to_owned())),
        Proof::Name(id) => all.filter(streams::playback_id.eq(id.as_str().to_owned())),
    };
    let row: Option<StreamRow> = named.first(connection).optional().map_err(error::query)?;
    row.map(Stream::try_from).transpose()
}

/// Ends what a request that asks shows to be over: all else that its connection published, and an earlier run.
fn end_what_is_over(
    connection: &mut SqliteConnection,
    request: &PublishRequest,
    stream: Option<StreamId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let publisher = &request.publisher;
    let republished = sessions::table
        .filter(sessions::server.eq(publisher.server.as_str()))
        .filter(sessions::server_session.eq(&publisher.session))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::stream_id.ne(stream.map_or(0, |stream| stream.0)))
        .select(sessions::id);
    let republished: Vec<i64> = republished.load(connection).map_err(error::query)?;
    for id in republished {
        end(connection, id, now, EndReason::Republished.as_str())?;
    }
    let Some(ordinal) = request.ordinal else {
        return Ok(());
    };
    let margin = if ordinal == 1 { Timestamp::MAX } else { now.plus(-RESTART_MARGIN) };
    let restarted = sessions::table
        .filter(sessions::server.eq(publisher.server.as_str()))
        .filter(sessions::server_session.ne(&publisher.session))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::ordinal.gt(ordinal))
        .filter(sessions::started_at.lt(margin.to_naive_utc()))
        .select(sessions::id);
    let restarted: Vec<i64> = restarted.load(connection).map_err(error::query)?;
    for id in restarted {
        end(connection, id, now, EndReason::ServerRestarted.as_str())?;
    }
    Ok(())
}

/// Ends the session that is in the way; if it was alive, its publisher is to be cut.
fn give_way(
    connection: &mut SqliteConnection,
    current: Session,
    now: Timestamp,
) -> Result<Option<(SessionId, Publisher)>, StoreError> {
    if !current.is_alive_at(now) {
        end(connection, current.id.0, current.lease_until, EndReason::Lost.as_str())?;
        return Ok(None);
    }
    let supersede = sql_query(
        "UPDATE publish_sessions SET ended_at = ?1, end_reason = 'superseded', cut_because = 'superseded',
             cut_tried_at = ?1
         WHERE id = ?2",
    );
    let supersede = supersede.bind::<Instant, _>(now.to_naive_utc()).bind::<BigInt, _>(current.id.0);
    supersede.execute(connection).map_err(error::query)?;
    Ok(Some((current.id, current.publisher)))
}

/// Ends a session, for the reason that it was to be cut for if there is one, and takes it off those to be cut.
fn end(connection: &mut SqliteConnection, id: i64, at: Timestamp, reason: &str) -> Result<(), StoreError> {
    let end = sql_query(
        "UPDATE publish_sessions SET ended_at = COALESCE(ended_at, ?1),
             end_reason = COALESCE(end_reason, cut_because, ?2), cut_because = NULL
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

/// Writes an attempt down; once a second is often enough for an encoder that tries again and again.
fn note(
    connection: &mut SqliteConnection,
    request: &PublishRequest,
    stream: StreamId,
    refusal: Refusal,
    now: Timestamp,
) -> Result<(), StoreError> {
    let publisher = &request.publisher;
    let note = sql_query(
        "INSERT INTO publish_attempts (stream_id, server, address, refusal, first_at, last_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5)
         ON CONFLICT (stream_id, refusal, server, address) DO UPDATE SET last_at = excluded.last_at
         WHERE publish_attempts.last_at <= ?6",
    );
    let address = publisher.address.map(|address| address.to_string()).unwrap_or_default();
    let note = note.bind::<Integer, _>(stream.0);
    let note = note.bind::<Text, _>(publisher.server.as_str()).bind::<Text, _>(address);
    let note = note.bind::<Text, _>(refusal.as_str()).bind::<Instant, _>(now.to_naive_utc());
    let note = note.bind::<Instant, _>(now.plus(-Duration::SECOND).to_naive_utc());
    note.execute(connection).map_err(error::query).map(drop)
}

/// The publishers of a server that are to be cut and were not tried a moment ago.
fn due(
    connection: &mut SqliteConnection,
    server: &ServerName,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(i64, PublisherRow, Option<String>)>, StoreError> {
    let is_marked = sessions::cut_because.is_not_null();
    let has_expired = sessions::ended_at.is_null().and(sessions::key_expires_at.le(now.to_naive_utc()));
    let tried_before = now.plus(-CUT_PAUSE).to_naive_utc();
    let may_try = sessions::cut_tried_at.is_null().or(sessions::cut_tried_at.le(tried_before));
    sessions::table
        .filter(sessions::server.eq(server.as_str()))
        .filter(is_marked.or(has_expired))
        .filter(may_try)
        .limit(limit.into())
        .select((sessions::id, PublisherRow::as_select(), sessions::cut_because))
        .load(connection)
        .map_err(error::query)
}

fn count(changed: QueryResult<usize>) -> Result<u32, StoreError> {
    Ok(u32::try_from(changed.map_err(error::query)?).unwrap_or(u32::MAX))
}
