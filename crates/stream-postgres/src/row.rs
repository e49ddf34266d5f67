//! The table `streams` as Diesel sees it, a row of it, and how that becomes a [`Stream`]: the only file that lists its columns.

use diesel::data_types::PgTimestamp;
use diesel::{Queryable, Selectable, table};
use stream_domain::details::StoredDetails;
use stream_domain::lifecycle::LIFETIME;
use stream_domain::ports::StoreError;
use stream_domain::stream::OnAir;
use stream_domain::{
    ListRow, NewStream, PageRequest, PlaybackId, Position, Stream, StreamId, StreamKey, StreamPage,
    StreamStatus, Timestamp, UserId,
};

use crate::schema::{ListedDetails, OnAirTimes, publish_attempts, publish_sessions, schedules};
use crate::statement::{Parameter, Returning};

table! {
    streams (id) {
        id -> Integer,
        user_id -> Nullable<Integer>,
        stream_key -> Text,
        status -> Nullable<Text>,
        created_at -> Nullable<Timestamp>,
        updated_at -> Nullable<Timestamp>,
        expires_at -> Nullable<Timestamp>,
        playback_id -> Nullable<Text>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(streams, publish_sessions);
diesel::allow_tables_to_appear_in_same_query!(streams, publish_attempts);
diesel::allow_tables_to_appear_in_same_query!(streams, schedules);

/// A row of `streams`, with what its open session says: the columns that are read.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = streams)]
pub(crate) struct StreamRow {
    id: i32,
    user_id: Option<i32>,
    stream_key: String,
    status: Option<String>,
    created_at: Option<PgTimestamp>,
    updated_at: Option<PgTimestamp>,
    expires_at: Option<PgTimestamp>,
    playback_id: Option<String>,
    #[diesel(select_expression = OnAirTimes)]
    on_air: Option<Vec<PgTimestamp>>,
}

/// PostgreSQL counts its microseconds from 2000-01-01.
const EPOCH_MICROS: i64 = 946_684_800_000_000;

/// A stored time; `None` for one that no calendar of ours has, such as `infinity`.
fn timestamp(stored: PgTimestamp) -> Option<Timestamp> {
    stored.0.checked_add(EPOCH_MICROS).and_then(Timestamp::from_unix_micros)
}

/// A stored time; one out of range is at its end of the calendar.
pub(crate) fn clamped(stored: PgTimestamp) -> Timestamp {
    let end = if stored.0 > 0 { Timestamp::MAX } else { Timestamp::MIN };
    timestamp(stored).unwrap_or(end)
}

/// A place's time as lists are ordered by it.
pub(crate) fn stored(position: Position) -> PgTimestamp {
    if position.created_at == Timestamp::MIN {
        // A missing time is ordered as `-infinity`.
        return PgTimestamp(i64::MIN);
    }
    PgTimestamp(position.created_at.unix_micros() - EPOCH_MICROS)
}

impl StreamRow {
    /// The key, as it is stored.
    pub(crate) fn key(&self) -> &str {
        &self.stream_key
    }

    /// The playback id, as it is stored.
    pub(crate) fn playback_id(&self) -> Option<&str> {
        self.playback_id.as_deref()
    }

    /// The row's place in lists; a missing time comes last, and one out of range at its end of the calendar.
    fn position(&self) -> Position {
        let created_at = self.created_at.map_or(Timestamp::MIN, clamped);
        Position { created_at, id: StreamId(self.id) }
    }
}

impl TryFrom<StreamRow> for Stream {
    type Error = StoreError;

    fn try_from(row: StreamRow) -> Result<Self, StoreError> {
        let id = row.id;
        let corrupt = |reason| StoreError::Corrupt { table: "streams", id: id.into(), reason };
        let user_id = row.user_id.map(|number| UserId::new(number.into())).transpose();
        let read = |stored: Option<PgTimestamp>| match stored.map(timestamp) {
            None => Ok(None),
            Some(Some(instant)) => Ok(Some(instant)),
            Some(None) => Err(corrupt("a time is outside the years 0 to 9999")),
        };
        // The earlier service's columns are nullable; a missing time follows from the others.
        let expires_at = read(row.expires_at)?;
        let created_at = read(row.created_at)?.or(expires_at.map(|at| at.plus(-LIFETIME)));
        let on_air = match row.on_air.as_deref() {
            Some([since, lease_until]) => timestamp(*since)
                .zip(timestamp(*lease_until))
                .map(|(since, lease_until)| OnAir { since, lease_until }),
            _ => None,
        };
        let playback_id = row.playback_id.as_deref().map(PlaybackId::parse).transpose();
        let created_at = created_at.ok_or_else(|| corrupt("created_at and expires_at are both missing"))?;
        Ok(Self {
            id: StreamId(id),
            user_id: user_id.map_err(|_| corrupt("user_id is not above zero"))?,
            key: StreamKey::parse(&row.stream_key).map_err(|_| corrupt("stream_key is no stream key"))?,
            status: row
                .status
                .as_deref()
                .and_then(StreamStatus::parse)
                .ok_or_else(|| corrupt("status is none of active, stopped, expired"))?,
            created_at,
            updated_at: read(row.updated_at)?.unwrap_or(created_at),
            expires_at: expires_at.unwrap_or_else(|| created_at.plus(LIFETIME)),
            playback_id: playback_id
                .map_err(|_| corrupt("playback_id is no playback id"))?
                .unwrap_or_else(|| PlaybackId::for_legacy_stream(StreamId(id))),
            on_air,
        })
    }
}

/// A row of a list: a stream, with what its owner says of it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = streams)]
pub(crate) struct ListedRow {
    #[diesel(embed)]
    stream: StreamRow,
    #[diesel(select_expression = ListedDetails)]
    details: Option<String>,
}

/// The page that these rows make; one that cannot be read is logged, and left out.
pub(crate) fn page_of_listed(page: &PageRequest, rows: Vec<ListedRow>) -> StreamPage {
    let read = |ListedRow { stream, details }: ListedRow| {
        let position = stream.position();
        let stream =
            Stream::try_from(stream).inspect_err(|error| tracing::error!(%error, "left out of a list"));
        let details = details.map(|said| StoredDetails::read_list_row(&said).into());
        ListRow { position, stream: stream.ok(), details }
    };
    page.page_of(rows.into_iter().map(read).collect())
}

/// Inserts a stream of user $1 with key $2, from $3 to $4, with the playback id $5, unless the user is blocked, has $6
/// since $7, or stopped one after $8.
const START: &str =
    "INSERT INTO streams (user_id, stream_key, status, created_at, updated_at, expires_at, playback_id)
    SELECT $1, $2, 'active', $3, $3, $4, $5
    WHERE NOT EXISTS (SELECT FROM stream_blocked_users WHERE user_id = $1)
        AND ($6 = 0 OR $6 > (SELECT count(*) FROM streams WHERE user_id = $1 AND created_at > $7))
        AND NOT EXISTS (SELECT FROM streams WHERE user_id = $1 AND status = 'stopped' AND updated_at > $8)
    ON CONFLICT (user_id) WHERE status = 'active' DO NOTHING";

/// Writes a new row, and returns none where its user has an active stream or is blocked, or the pace forbids it.
pub(crate) fn start(new: &NewStream) -> Returning<StreamRow> {
    let NewStream { user_id, pace, created_at: now, expires_at, .. } = *new;
    let parameters = vec![
        Parameter::Integer(user_id.get()),
        new.key.expose().into(),
        now.into(),
        expires_at.into(),
        new.playback_id.as_str().into(),
        Parameter::Number(Some(pace.per_minute.map_or(0, |keys| i64::from(keys.get())))),
        pace.counted_since(now).into(),
        pace.cooling_since(now).into(),
    ];
    Returning::new(START, parameters)
}

/// Stops the active stream of user $1 at $2.
///
/// Diesel would build it too, but prepares each of its `UPDATE`s again, which costs two more round trips.
const STOP: &str = "UPDATE streams SET status = 'stopped', updated_at = $2
    WHERE user_id = $1 AND status = 'active' AND expires_at > $2";

/// Stops the user's active, unexpired stream, and returns it as it is then.
pub(crate) fn stop(user: UserId, now: Timestamp) -> Returning<StreamRow> {
    Returning::new(STOP, vec![Parameter::Integer(user.get()), now.into()])
}
