//! A stream as clients see it.

use serde::Serialize;
use stream_domain::{Stream, StreamPage, StreamStatus, Timestamp};
use time::OffsetDateTime;

use crate::addresses::Addresses;
use crate::paging;

/// The JSON of a stream; times are RFC 3339 in UTC.
#[derive(Debug, Serialize)]
pub(crate) struct StreamView {
    id: i32,
    stream_key: String,
    status: &'static str,
    #[serde(with = "time::serde::rfc3339")]
    created_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    updated_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    rtmp_url: String,
    hls_url: String,
}

impl StreamView {
    /// The stream as it was found a moment ago.
    pub(crate) fn found(stream: &Stream, addresses: &Addresses) -> Self {
        Self::with_status(stream.status, stream, addresses)
    }

    /// The stream with the status that is true at `now`, whatever the store says of it.
    fn at(now: Timestamp, stream: &Stream, addresses: &Addresses) -> Self {
        Self::with_status(stream.status_at(now), stream, addresses)
    }

    fn with_status(status: StreamStatus, stream: &Stream, addresses: &Addresses) -> Self {
        Self {
            id: stream.id.0,
            stream_key: stream.key.expose().to_owned(),
            status: status.as_str(),
            created_at: stream.created_at.to_utc(),
            updated_at: stream.updated_at.to_utc(),
            expires_at: stream.expires_at.to_utc(),
            rtmp_url: addresses.rtmp_url(&stream.key),
            hls_url: addresses.hls_url(&stream.key),
        }
    }
}

/// The JSON of a list, with the cursor of the next page if there is one.
#[derive(Debug, Serialize)]
pub(crate) struct PageView {
    streams: Vec<StreamView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl PageView {
    /// Streams that were found to be active a moment ago.
    pub(crate) fn found(page: &StreamPage, addresses: &Addresses) -> Self {
        Self::of(page, |stream| StreamView::found(stream, addresses))
    }

    /// Streams in every state, as it is at `now`.
    pub(crate) fn at(now: Timestamp, page: &StreamPage, addresses: &Addresses) -> Self {
        Self::of(page, |stream| StreamView::at(now, stream, addresses))
    }

    fn of(page: &StreamPage, view: impl Fn(&Stream) -> StreamView) -> Self {
        Self { streams: page.streams.iter().map(view).collect(), next_cursor: page.next.map(paging::cursor) }
    }
}
