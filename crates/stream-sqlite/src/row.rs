//! The table `streams` as Diesel sees it, a row of it, and how that becomes a [`Stream`]: the only file that lists its columns.

use diesel::prelude::*;
use diesel::table;
use stream_domain::details::StoredDetails;
use stream_domain::ports::StoreError;
use stream_domain::stream::OnAir;
use stream_domain::{
    ListRow, NewStream, PageRequest, PlaybackId, Position, Stream, StreamId, StreamKey, StreamPage,
    StreamStatus, Timestamp, UserId,
};
use time::PrimitiveDateTime;

use crate::schema::{
    ActiveLiteral, LeaseUntil, ListedDetails, LiveSince, publish_attempts, publish_sessions, schedules,
};

table! {
    streams (id) {
        id -> Integer,
        user_id -> Nullable<Integer>,
        stream_key -> Text,
        status -> Nullable<Text>,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        expires_at -> Timestamp,
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
    created_at: PrimitiveDateTime,
    updated_at: PrimitiveDateTime,
    expires_at: PrimitiveDateTime,
    playback_id: Option<String>,
    #[diesel(select_expression = LiveSince)]
    live_since: Option<PrimitiveDateTime>,
    #[diesel(select_expression = LeaseUntil)]
    lease_until: Option<PrimitiveDateTime>,
}

impl StreamRow {
    /// The row's place in lists.
    fn position(&self) -> Position {
        Position { created_at: Timestamp::from_utc(self.created_at), id: StreamId(self.id) }
    }
}

impl TryFrom<StreamRow> for Stream {
    type Error = StoreError;

    fn try_from(row: StreamRow) -> Result<Self, StoreError> {
        let id = row.id;
        let corrupt = |reason| StoreError::Corrupt { table: "streams", id: id.into(), reason };
        let user_id = row.user_id.map(|number| UserId::new(number.into())).transpose();
        let on_air = row.live_since.zip(row.lease_until).map(|(since, lease_until)| OnAir {
            since: Timestamp::from_utc(since),
            lease_until: Timestamp::from_utc(lease_until),
        });
        let playback_id = row.playback_id.as_deref().map(PlaybackId::parse).transpose();
        Ok(Self {
            id: StreamId(id),
            user_id: user_id.map_err(|_| corrupt("user_id is not above zero"))?,
            key: StreamKey::parse(&row.stream_key).map_err(|_| corrupt("stream_key is no stream key"))?,
            status: row
                .status
                .as_deref()
                .and_then(StreamStatus::parse)
                .ok_or_else(|| corrupt("status is none of active, stopped, expired"))?,
            created_at: Timestamp::from_utc(row.created_at),
            updated_at: Timestamp::from_utc(row.updated_at),
            expires_at: Timestamp::from_utc(row.expires_at),
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

/// A stream as it is inserted.
#[derive(Insertable)]
#[diesel(table_name = streams)]
pub(crate) struct NewStreamRow<'a> {
    user_id: i32,
    stream_key: &'a str,
    status: &'static str,
    created_at: PrimitiveDateTime,
    updated_at: PrimitiveDateTime,
    expires_at: PrimitiveDateTime,
    playback_id: &'a str,
}

impl<'a> From<&'a NewStream> for NewStreamRow<'a> {
    fn from(new: &'a NewStream) -> Self {
        Self {
            user_id: new.user_id.get(),
            stream_key: new.key.expose(),
            status: StreamStatus::Active.as_str(),
            created_at: new.created_at.to_naive_utc(),
            updated_at: new.created_at.to_naive_utc(),
            expires_at: new.expires_at.to_naive_utc(),
            playback_id: new.playback_id.as_str(),
        }
    }
}

/// Stops the user's active, unexpired stream, and returns it as it is then.
pub(crate) fn stop(
    connection: &mut SqliteConnection,
    user: UserId,
    now: Timestamp,
) -> QueryResult<Option<StreamRow>> {
    let now = now.to_naive_utc();
    let active = streams::table
        .filter(streams::user_id.eq(user.get()))
        .filter(streams::status.eq(ActiveLiteral))
        .filter(streams::expires_at.gt(now));
    diesel::update(active)
        .set((streams::status.eq(StreamStatus::Stopped.as_str()), streams::updated_at.eq(now)))
        .returning(StreamRow::as_returning())
        .get_result(connection)
        .optional()
}
