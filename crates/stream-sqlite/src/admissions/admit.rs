//! Admissions: the facts are read, the domain decides, and what it decided is written, in one transaction.

use std::net::IpAddr;

use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Integer, Text, Timestamp as Instant};
use stream_domain::broadcasts::admission::{
    Admitted, Decision, Facts, Proof, PublishRequest, Refusal, Terms, Trigger, Verdict, decide, gave_way_at,
};
use stream_domain::broadcasts::session::EndReason;
use stream_domain::ports::{Clues, RESTART_MARGIN, StoreError};
use stream_domain::{Publisher, ServerName, Session, SessionId, Stream, StreamId, StreamKey, Timestamp};
use time::{Duration, PrimitiveDateTime};

use super::of_stream;
use crate::error;
use crate::row::{StreamRow, streams};
use crate::schema::{publish_attempts, publish_sessions as sessions};
use crate::session_row::{NewSessionRow, SessionRow};
use crate::sessions::{confirm, end, renew};

/// Decides and carries it out; the transaction is the only writer, so what was read stays true.
pub(super) fn admit(
    connection: &mut SqliteConnection,
    request: &PublishRequest,
    terms: &Terms,
    now: Timestamp,
) -> Result<Verdict, StoreError> {
    let stream = named(connection, &request.proof)?;
    if request.trigger == Trigger::PublishRequest {
        end_republished(connection, &request.publisher, stream.as_ref().map(|stream| stream.id), now)?;
    }
    let Some(stream) = stream else {
        return Ok(Verdict::Refused(Refusal::UnknownKey));
    };
    let read = |row: Option<SessionRow>| row.map(Session::try_from).transpose();
    let publisher = &request.publisher;
    let too_late = sessions::end_reason.eq(EndReason::AnsweredTooLate.as_str());
    let previous = of_stream(stream.id).filter(sessions::end_reason.is_null().or(diesel::dsl::not(too_late)));
    let previous = read(previous.first(connection).optional().map_err(error::query)?)?;
    let current = of_stream(stream.id).filter(sessions::ended_at.is_null());
    let current = read(current.first(connection).optional().map_err(error::query)?)?;
    let mut own = of_stream(stream.id).filter(sessions::server.eq(publisher.server.as_str().to_owned()));
    if !publisher.session.is_empty() {
        own = own.filter(sessions::server_session.eq(publisher.session.clone()));
    }
    let own = read(own.first(connection).optional().map_err(error::query)?)?;
    let facts = Facts {
        stream: Some(&stream),
        current: current.as_ref(),
        own: own.as_ref(),
        previous: previous.as_ref(),
        gave_way_at: when_both_gave_way(connection, stream.id, current.as_ref())?,
        refused_at: refused_at(connection, stream.id, publisher)?,
    };
    match decide(&facts, request, terms, now) {
        Decision::Renew(session) => {
            match &own {
                Some(own) if request.confirmed => confirm(connection, own, terms.lease, now)?,
                Some(own) => renew(connection, own, terms.lease, now)?,
                None => {}
            }
            let playback_id = stream.playback_id;
            Ok(Verdict::Admitted(Admitted {
                session,
                stream_id: stream.id,
                is_new: false,
                playback_id,
                rename: false,
                superseded: None,
            }))
        }
        Decision::Start { epoch, live_since } => {
            let request = request.completed_from(own.as_ref());
            end_republished(connection, &request.publisher, Some(stream.id), now)?;
            if request.trigger == Trigger::PublishRequest {
                end_earlier_run(connection, &request, now)?;
            }
            // What was in the way may have been of an earlier run.
            let current = of_stream(stream.id).filter(sessions::ended_at.is_null());
            let current = read(current.first(connection).optional().map_err(error::query)?)?;
            let newcomer = &request.publisher;
            let superseded =
                current.map(|current| give_way(connection, current, newcomer, now)).transpose()?.flatten();
            let mut row = NewSessionRow::of(&request, &stream, (epoch, live_since), terms.lease, now);
            row.supersedes = superseded.as_ref().map(|(session, _)| session.0);
            let inserted = diesel::insert_into(sessions::table).values(row).returning(sessions::id);
            let id: i64 = inserted.get_result(connection).map_err(error::query)?;
            let playback_id = stream.playback_id;
            Ok(Verdict::Admitted(Admitted {
                session: SessionId(id),
                stream_id: stream.id,
                is_new: true,
                playback_id,
                rename: false,
                superseded,
            }))
        }
        Decision::Refuse(refusal) => {
            if request.trigger == Trigger::PublishRequest {
                note(connection, (&publisher.server, publisher.address), stream.id, refusal, now)?;
            }
            Ok(Verdict::Refused(refusal))
        }
    }
}

/// When the first of the two sessions before the open one gave way, if both did.
fn when_both_gave_way(
    connection: &mut SqliteConnection,
    stream: StreamId,
    current: Option<&Session>,
) -> Result<Option<Timestamp>, StoreError> {
    let Some(current) = current else { return Ok(None) };
    let before = of_stream(stream).filter(sessions::id.lt(current.id.0)).limit(2);
    let before: Vec<SessionRow> = before.load(connection).map_err(error::query)?;
    let before: Vec<Session> = before.into_iter().map(Session::try_from).collect::<Result<_, _>>()?;
    let [last, first] = &before[..] else { return Ok(None) };
    Ok(gave_way_at([last, first]))
}

/// When a publisher of this server and address was last refused since another was live.
fn refused_at(
    connection: &mut SqliteConnection,
    stream: StreamId,
    publisher: &Publisher,
) -> Result<Option<Timestamp>, StoreError> {
    let address = publisher.address.map(|address| address.to_string()).unwrap_or_default();
    let key = (stream.0, Refusal::AlreadyLive.as_str(), publisher.server.as_str(), address);
    let last_at = publish_attempts::table.find(key).select(publish_attempts::last_at);
    let last_at: Option<PrimitiveDateTime> = last_at.first(connection).optional().map_err(error::query)?;
    Ok(last_at.map(Timestamp::from_utc))
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

/// Ends all else that the connection of one that asks has published.
fn end_republished(
    connection: &mut SqliteConnection,
    publisher: &Publisher,
    stream: Option<StreamId>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let others = sessions::table
        .filter(sessions::server.eq(publisher.server.as_str()))
        .filter(sessions::server_session.eq(&publisher.session))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::stream_id.ne(stream.map_or(0, |stream| stream.0)))
        .select(sessions::id);
    let others: Vec<i64> = others.load(connection).map_err(error::query)?;
    end(connection, &others, EndReason::Republished, now)
}

/// Ends what a start shows to be over: an earlier run of the server, and what is still to be cut of it by this id.
fn end_earlier_run(
    connection: &mut SqliteConnection,
    request: &PublishRequest,
    now: Timestamp,
) -> Result<(), StoreError> {
    let publisher = &request.publisher;
    let to_kick = sessions::table
        .filter(sessions::server.eq(publisher.server.as_str()))
        .filter(sessions::server_session.eq(&publisher.session))
        .filter(sessions::kick_reason.is_not_null())
        .filter(sessions::ended_at.is_not_null());
    let cleared = diesel::update(to_kick).set(sessions::kick_reason.eq(None::<String>));
    cleared.execute(connection).map_err(error::query)?;
    let Some(number) = request.connection_number else {
        return Ok(());
    };
    let silent_since = if number == 1 { Timestamp::MAX } else { now.plus(-RESTART_MARGIN) };
    let earlier = sessions::table
        .filter(sessions::server.eq(publisher.server.as_str()))
        .filter(sessions::server_session.ne(&publisher.session))
        .filter(sessions::ended_at.is_null())
        .filter(sessions::connection_number.gt(number))
        .filter(sessions::last_seen_at.lt(silent_since.to_naive_utc()))
        .select(sessions::id);
    let earlier: Vec<i64> = earlier.load(connection).map_err(error::query)?;
    end(connection, &earlier, EndReason::ServerRestarted, now)
}

/// Ends the session that is in the way; if its publisher is there still, it is to be cut.
fn give_way(
    connection: &mut SqliteConnection,
    current: Session,
    newcomer: &Publisher,
    now: Timestamp,
) -> Result<Option<(SessionId, Publisher)>, StoreError> {
    if !current.must_be_kicked_for(newcomer, now) {
        end(connection, &[current.id.0], EndReason::Lost, now)?;
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

/// The first stream that the clues name, and whether they do by its key.
pub(super) fn owner_of(
    connection: &mut SqliteConnection,
    clues: &Clues,
) -> Result<Option<(StreamId, bool)>, StoreError> {
    let texts: Vec<&str> = clues.keys.iter().map(StreamKey::expose).collect();
    let by_key = streams::table.filter(streams::stream_key.eq_any(&texts));
    let by_key: Vec<(i32, String)> =
        by_key.select((streams::id, streams::stream_key)).load(connection).map_err(error::query)?;
    let place = |key: &str| texts.iter().position(|text| *text == key);
    if let Some((id, _)) = by_key.into_iter().min_by_key(|(_, key)| place(key)) {
        return Ok(Some((StreamId(id), true)));
    }
    let Some(playback_id) = &clues.playback_id else {
        return Ok(None);
    };
    let by_name = streams::table.filter(streams::playback_id.eq(playback_id.as_str())).select(streams::id);
    let by_name: Option<i32> = by_name.first(connection).optional().map_err(error::query)?;
    Ok(by_name.map(|id| (StreamId(id), false)))
}

/// Writes an attempt down; once a second is often enough for an encoder that tries again and again.
pub(super) fn note(
    connection: &mut SqliteConnection,
    (server, address): (&ServerName, Option<IpAddr>),
    stream: StreamId,
    refusal: Refusal,
    now: Timestamp,
) -> Result<(), StoreError> {
    let note = sql_query(
        "INSERT INTO publish_attempts (stream_id, server, address, refusal, first_at, last_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5)
         ON CONFLICT (stream_id, refusal, server, address) DO UPDATE SET last_at = excluded.last_at
         WHERE publish_attempts.last_at <= ?6",
    );
    let address = address.map(|address| address.to_string()).unwrap_or_default();
    let note = note.bind::<Integer, _>(stream.0);
    let note = note.bind::<Text, _>(server.as_str()).bind::<Text, _>(address);
    let note = note.bind::<Text, _>(refusal.as_str()).bind::<Instant, _>(now.to_naive_utc());
    let note = note.bind::<Instant, _>(now.plus(-Duration::SECOND).to_naive_utc());
    note.execute(connection).map_err(error::query).map(drop)
}
