//! Rows of `publish_sessions` and `publish_attempts`, and what they become.

use diesel::{Insertable, Queryable, Selectable};
use stream_domain::broadcasts::admission::{Attempt, PublishRequest, Refusal};
use stream_domain::broadcasts::session::{EndReason, PublishName};
use stream_domain::ports::StoreError;
use stream_domain::{Publisher, ServerName, Session, SessionId, Stream, StreamId, Timestamp};
use time::{Duration, PrimitiveDateTime};

use crate::schema::{publish_attempts, publish_sessions};

#[derive(Queryable, Selectable)]
#[diesel(table_name = publish_sessions)]
pub(crate) struct SessionRow {
    id: i64,
    stream_id: i32,
    #[diesel(embed)]
    publisher: PublisherRow,
    boot_id: Option<String>,
    epoch: i32,
    live_since: PrimitiveDateTime,
    started_at: PrimitiveDateTime,
    confirmed_at: Option<PrimitiveDateTime>,
    last_seen_at: PrimitiveDateTime,
    lease_until: PrimitiveDateTime,
    stalled_until: Option<PrimitiveDateTime>,
    key_expires_at: PrimitiveDateTime,
    kick_reason: Option<String>,
    ended_at: Option<PrimitiveDateTime>,
    end_reason: Option<String>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = publish_sessions)]
pub(crate) struct PublisherRow {
    pub(crate) server: String,
    #[diesel(column_name = server_session)]
    pub(crate) session: String,
    pub(crate) application: String,
    pub(crate) name: String,
    pub(crate) protocol: String,
    pub(crate) address: Option<String>,
}

impl PublisherRow {
    /// The publisher of the session with this number.
    pub(crate) fn publisher(self, id: i64) -> Result<Publisher, StoreError> {
        let server = ServerName::parse(&self.server);
        Ok(Publisher {
            server: server.map_err(|_| corrupt("publish_sessions", id, "server is no name of a server"))?,
            session: self.session,
            application: self.application,
            name: PublishName::new(self.name),
            protocol: self.protocol,
            address: self.address.and_then(|text| text.parse().ok()),
        })
    }
}

impl TryFrom<SessionRow> for Session {
    type Error = StoreError;

    fn try_from(row: SessionRow) -> Result<Self, StoreError> {
        let id = row.id;
        let unreadable = |reason| corrupt("publish_sessions", id, reason);
        let ended = match (row.ended_at, row.end_reason.as_deref().map(EndReason::parse)) {
            (None, _) => None,
            (Some(at), Some(Some(reason))) => Some((Timestamp::from_utc(at), reason)),
            (Some(_), _) => return Err(unreadable("end_reason is no reason that this service knows")),
        };
        let kick = row.kick_reason.as_deref().map(EndReason::parse);
        Ok(Self {
            id: SessionId(id),
            stream_id: StreamId(row.stream_id),
            publisher: row.publisher.publisher(id)?,
            boot_id: row.boot_id,
            epoch: row.epoch,
            live_since: Timestamp::from_utc(row.live_since),
            started_at: Timestamp::from_utc(row.started_at),
            confirmed_at: row.confirmed_at.map(Timestamp::from_utc),
            last_seen_at: Timestamp::from_utc(row.last_seen_at),
            lease_until: Timestamp::from_utc(row.lease_until),
            stalled_until: row.stalled_until.map(Timestamp::from_utc),
            key_expires_at: Timestamp::from_utc(row.key_expires_at),
            kick: kick
                .map(|reason| reason.ok_or_else(|| unreadable("cut_because is no reason")))
                .transpose()?,
            ended,
        })
    }
}

#[derive(Insertable)]
#[diesel(table_name = publish_sessions)]
// One that is not confirmed is not; the default is for earlier versions, which do not know the column.
#[diesel(treat_none_as_default_value = false)]
pub(crate) struct NewSessionRow<'a> {
    stream_id: i32,
    server: &'a str,
    server_session: &'a str,
    boot_id: Option<&'a str>,
    connection_number: Option<i64>,
    application: &'a str,
    name: &'a str,
    protocol: &'a str,
    address: Option<String>,
    epoch: i32,
    live_since: PrimitiveDateTime,
    started_at: PrimitiveDateTime,
    last_seen_at: PrimitiveDateTime,
    lease_until: PrimitiveDateTime,
    key_expires_at: PrimitiveDateTime,
    confirmed_at: Option<PrimitiveDateTime>,
    pub(crate) supersedes: Option<i64>,
}

impl<'a> NewSessionRow<'a> {
    /// The session that this request begins at `now`, in the broadcast with this number and this start.
    pub(crate) fn of(
        request: &'a PublishRequest,
        stream: &Stream,
        (epoch, live_since): (i32, Timestamp),
        lease: Duration,
        now: Timestamp,
    ) -> Self {
        let publisher = &request.publisher;
        Self {
            stream_id: stream.id.0,
            server: publisher.server.as_str(),
            server_session: &publisher.session,
            boot_id: request.boot_id.as_deref(),
            connection_number: request.connection_number,
            application: &publisher.application,
            name: publisher.name.expose(),
            protocol: &publisher.protocol,
            address: publisher.address.map(|address| address.to_string()),
            epoch,
            live_since: live_since.to_naive_utc(),
            started_at: now.to_naive_utc(),
            last_seen_at: now.to_naive_utc(),
            lease_until: now.plus(lease).to_naive_utc(),
            key_expires_at: stream.expires_at.to_naive_utc(),
            confirmed_at: request.confirmed.then(|| now.to_naive_utc()),
            supersedes: None,
        }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = publish_attempts)]
pub(crate) struct AttemptRow {
    stream_id: i32,
    server: String,
    address: String,
    refusal: String,
    first_at: PrimitiveDateTime,
    last_at: PrimitiveDateTime,
}

impl TryFrom<AttemptRow> for Attempt {
    type Error = StoreError;

    fn try_from(row: AttemptRow) -> Result<Self, StoreError> {
        let unreadable = |reason| corrupt("publish_attempts", row.stream_id.into(), reason);
        Ok(Self {
            stream_id: StreamId(row.stream_id),
            server: ServerName::parse(&row.server)
                .map_err(|_| unreadable("server is no name of a server"))?,
            // An empty text is an address that the server did not say.
            address: row.address.parse().ok(),
            refusal: Refusal::parse(&row.refusal)
                .ok_or_else(|| unreadable("refusal is no reason that this service knows"))?,
            first_at: Timestamp::from_utc(row.first_at),
            last_at: Timestamp::from_utc(row.last_at),
        })
    }
}

pub(crate) fn corrupt(table: &'static str, id: i64, reason: &'static str) -> StoreError {
    StoreError::Corrupt { table, id, reason }
}
