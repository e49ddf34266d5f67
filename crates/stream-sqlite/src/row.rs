//! A row of `streams`, and how it becomes a [`Stream`].

use diesel::{Insertable, Queryable, Selectable};
use stream_domain::lifecycle::LIFETIME;
use stream_domain::ports::StoreError;
use stream_domain::{NewStream, Stream, StreamId, StreamKey, StreamStatus, Timestamp, UserId};
use time::PrimitiveDateTime;

use crate::schema::streams;

#[derive(Queryable, Selectable)]
#[diesel(table_name = streams)]
pub(crate) struct StreamRow {
    id: i32,
    user_id: Option<i32>,
    stream_key: String,
    status: Option<String>,
    created_at: Option<PrimitiveDateTime>,
    updated_at: Option<PrimitiveDateTime>,
    expires_at: Option<PrimitiveDateTime>,
}

impl TryFrom<StreamRow> for Stream {
    type Error = StoreError;

    fn try_from(row: StreamRow) -> Result<Self, StoreError> {
        let id = row.id;
        let corrupt = |reason| StoreError::Corrupt { table: "streams", id, reason };
        let user_id = row.user_id.map(|number| UserId::new(number.into())).transpose();
        // The columns are nullable; a missing time follows from the others.
        let expires_at = row.expires_at.map(Timestamp::from_utc);
        let created_at = row.created_at.map(Timestamp::from_utc).or(expires_at.map(|at| at.plus(-LIFETIME)));
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
            updated_at: row.updated_at.map_or(created_at, Timestamp::from_utc),
            expires_at: expires_at.unwrap_or_else(|| created_at.plus(LIFETIME)),
        })
    }
}

/// The streams of many rows; one that cannot be read is left out and told to the log.
pub(crate) fn readable(rows: Vec<StreamRow>) -> Vec<Stream> {
    let streams = rows.into_iter().map(Stream::try_from);
    streams
        .filter_map(|stream| stream.inspect_err(|error| tracing::error!(%error, "left out of a list")).ok())
        .collect()
}

#[derive(Insertable)]
#[diesel(table_name = streams)]
pub(crate) struct NewStreamRow<'a> {
    user_id: i32,
    stream_key: &'a str,
    status: &'static str,
    created_at: PrimitiveDateTime,
    updated_at: PrimitiveDateTime,
    expires_at: PrimitiveDateTime,
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
        }
    }
}
