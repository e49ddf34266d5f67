//! What the ports of sessions share: which rows are meant, and what is written of one session, each as the domain says.

use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use stream_domain::broadcasts::session::{CLOCK_MARGIN, EndReason};
use stream_domain::ports::{
    KICK_EXPIRES_AFTER, KICK_RETRY_AFTER, SETTLED_AFTER, SessionSelector, StoreError,
};
use stream_domain::{ServerName, Session, SessionId, StreamId, Timestamp};
use time::{Duration, PrimitiveDateTime};

use crate::error;
use crate::schema::publish_sessions as sessions;
use crate::session_row::{PublisherRow, SessionRow};

pub(crate) type SessionRows<'a> = sessions::BoxedQuery<
    'a,
    Sqlite,
    diesel::helper_types::SqlTypeOf<diesel::helper_types::AsSelect<SessionRow, Sqlite>>,
>;

/// A server's open sessions.
pub(crate) fn open_of(server: &ServerName) -> sessions::BoxedQuery<'static, Sqlite> {
    let open = sessions::table.filter(sessions::ended_at.is_null());
    open.filter(sessions::server.eq(server.as_str().to_owned())).into_boxed()
}

/// A stream's sessions, newest first.
pub(crate) fn of_stream(stream: StreamId) -> SessionRows<'static> {
    let all = sessions::table.filter(sessions::stream_id.eq(stream.0)).order(sessions::id.desc());
    all.select(SessionRow::as_select()).into_boxed()
}

/// The sessions that an end may mean, open or not.
pub(crate) fn meant(which: &SessionSelector, now: Timestamp) -> sessions::BoxedQuery<'static, Sqlite> {
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
pub(crate) fn due(
    connection: &mut SqliteConnection,
    server: &ServerName,
    superseded_before: Timestamp,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(i64, PublisherRow, Option<String>)>, StoreError> {
    let tried_before = now.plus(-KICK_RETRY_AFTER).to_naive_utc();
    let of_server = || {
        let may_try = sessions::kicked_at.is_null().or(sessions::kicked_at.le(tried_before));
        let of_server = sessions::table.filter(sessions::server.eq(server.as_str()));
        of_server.filter(may_try).limit(limit.into()).select((
            sessions::id,
            PublisherRow::as_select(),
            sessions::kick_reason,
        ))
    };
    // Apart, since each has an index of its own.
    let expired_before = now.plus(-KICK_EXPIRES_AFTER).to_naive_utc();
    let is_fresh = sessions::ended_at.is_null().or(sessions::ended_at.gt(expired_before));
    let gave_way = sessions::kick_reason.ne(EndReason::Superseded.as_str());
    let gave_way = gave_way.or(sessions::ended_at.le(superseded_before.to_naive_utc()));
    let marked = of_server().filter(sessions::kick_reason.is_not_null()).filter(is_fresh).filter(gave_way);
    let mut due: Vec<(i64, PublisherRow, Option<String>)> = marked.load(connection).map_err(error::query)?;
    let expired = of_server()
        .filter(sessions::kick_reason.is_null())
        .filter(sessions::ended_at.is_null())
        .filter(sessions::key_expires_at.le(now.to_naive_utc()));
    due.extend(expired.load(connection).map_err(error::query)?);
    due.truncate(limit as usize);
    Ok(due)
}

pub(crate) fn count(changed: QueryResult<usize>) -> Result<u32, StoreError> {
    Ok(u32::try_from(changed.map_err(error::query)?).unwrap_or(u32::MAX))
}

/// Ends these sessions as the domain says, and takes them off those to be cut.
pub(crate) fn end(
    connection: &mut SqliteConnection,
    ids: &[i64],
    said: EndReason,
    now: Timestamp,
) -> Result<(), StoreError> {
    for id in ids {
        let row = sessions::table.find(id).select(SessionRow::as_select());
        let row: Option<SessionRow> = row.first(connection).optional().map_err(error::query)?;
        if let Some(row) = row {
            write_end(connection, &Session::try_from(row)?, said, now)?;
        }
    }
    Ok(())
}

/// Writes down how a session ends that may have ended before, and takes it off those to be cut.
pub(crate) fn write_end(
    connection: &mut SqliteConnection,
    session: &Session,
    said: EndReason,
    now: Timestamp,
) -> Result<(), StoreError> {
    if session.ended.is_none() {
        write_ending(connection, session.id, session.ending(said, now))?;
    }
    let gone =
        diesel::update(sessions::table.find(session.id.0)).set(sessions::kick_reason.eq(None::<String>));
    gone.execute(connection).map_err(error::query).map(drop)
}

pub(crate) fn write_ending(
    connection: &mut SqliteConnection,
    session: SessionId,
    (at, reason): (Timestamp, EndReason),
) -> Result<(), StoreError> {
    let ended = diesel::update(sessions::table.find(session.0))
        .set((sessions::ended_at.eq(at.to_naive_utc()), sessions::end_reason.eq(reason.as_str())));
    ended.execute(connection).map_err(error::query).map(drop)
}

pub(crate) fn renew(
    connection: &mut SqliteConnection,
    session: &Session,
    lease: Duration,
    now: Timestamp,
) -> Result<(), StoreError> {
    let (last_seen_at, lease_until) = session.renewed(lease, now);
    write_times(connection, session.id, last_seen_at, lease_until)
}

pub(crate) fn write_times(
    connection: &mut SqliteConnection,
    session: SessionId,
    last_seen_at: Timestamp,
    lease_until: Timestamp,
) -> Result<(), StoreError> {
    let renewed = diesel::update(sessions::table.find(session.0)).set((
        sessions::last_seen_at.eq(last_seen_at.to_naive_utc()),
        sessions::lease_until.eq(lease_until.to_naive_utc()),
    ));
    renewed.execute(connection).map_err(error::query).map(drop)
}

/// The renewal of those that are seen to move.
pub(crate) fn confirm(
    connection: &mut SqliteConnection,
    session: &Session,
    lease: Duration,
    now: Timestamp,
) -> Result<(), StoreError> {
    renew(connection, session, lease, now)?;
    let confirmed_at = session.confirmed_at.unwrap_or(now).to_naive_utc();
    let confirmed = diesel::update(sessions::table.find(session.id.0)).set((
        sessions::confirmed_at.eq(confirmed_at),
        sessions::stalled_until.eq(None::<PrimitiveDateTime>),
    ));
    confirmed.execute(connection).map_err(error::query).map(drop)
}

pub(crate) fn stall(
    connection: &mut SqliteConnection,
    session: SessionId,
    (lease_until, stalled_until): (Timestamp, Timestamp),
) -> Result<(), StoreError> {
    let stalled = diesel::update(sessions::table.find(session.0)).set((
        sessions::lease_until.eq(lease_until.to_naive_utc()),
        sessions::stalled_until.eq(stalled_until.to_naive_utc()),
    ));
    stalled.execute(connection).map_err(error::query).map(drop)
}

/// Bounds the leases that a clock which was set back since would leave running for as long.
pub(crate) fn put_under_clock(connection: &mut SqliteConnection, now: Timestamp) -> Result<(), StoreError> {
    let ahead: Vec<SessionRow> = sessions::table
        .filter(sessions::ended_at.is_null())
        .filter(sessions::last_seen_at.gt(now.plus(CLOCK_MARGIN).to_naive_utc()))
        .filter(sessions::lease_until.gt(now.to_naive_utc()))
        .select(SessionRow::as_select())
        .load(connection)
        .map_err(error::query)?;
    for row in ahead {
        let session = Session::try_from(row)?;
        let (last_seen_at, lease_until) = session.under_clock(now);
        write_times(connection, session.id, last_seen_at, lease_until)?;
    }
    Ok(())
}
