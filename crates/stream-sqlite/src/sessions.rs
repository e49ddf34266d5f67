//! What the ports of sessions share.

pub(crate) mod writing;

use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use stream_domain::ports::{
    KICK_EXPIRES_AFTER, KICK_RETRY_AFTER, SETTLED_AFTER, SessionSelector, StoreError,
};
use stream_domain::session::EndReason;
use stream_domain::{ServerName, StreamId, Timestamp};

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

pub(crate) fn count(changed: QueryResult<usize>) -> Result<u32, StoreError> {
    Ok(u32::try_from(changed.map_err(error::query)?).unwrap_or(u32::MAX))
}
