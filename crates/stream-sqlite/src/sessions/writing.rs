//! What is written of one session: that it goes on, stalls, or ends, each as the domain says.

use diesel::prelude::*;
use stream_domain::ports::StoreError;
use stream_domain::session::{CLOCK_MARGIN, EndReason};
use stream_domain::{Session, SessionId, Timestamp};
use time::{Duration, PrimitiveDateTime};

use crate::error;
use crate::schema::publish_sessions as sessions;
use crate::session_row::SessionRow;

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
        diesel::update(sessions::table.find(session.id.0)).set(sessions::cut_because.eq(None::<String>));
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
