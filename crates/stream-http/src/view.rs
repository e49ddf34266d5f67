//! Streams as clients see them, one by one and in pages.

use actix_web::HttpResponse;
use serde::Serialize;
use serde_json::value::RawValue;
use stream_domain::{Details, Stream, StreamPage, StreamStatus, Timestamp};
use utoipa::ToSchema;
use utoipa::openapi::Object;

use crate::addresses::{Addresses, Audience, Ingest};
use crate::details::{DetailsView, FullDetailsView};
use crate::paging;
use crate::rfc3339::Rfc3339;
use crate::schemas::words;

/// The content type of every body.
pub(crate) const JSON: &str = "application/json";

/// The typical length of the JSON of a stream, in bytes.
const STREAM_LENGTH: usize = 840;

/// A stream at the moment of the response.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stream)]
pub(crate) struct StreamView<'a> {
    /// The stream's number, for `/api/streams/{id}/sessions`.
    id: i32,
    /// The key to publish with; in public, where addresses hide the key, the playback id in its place.
    #[schema(max_length = 255, pattern = "^[A-Za-z0-9_-]+$")]
    stream_key: &'a str,
    /// The stream's public name; `ended-{id}` for streams that ended before there were public names.
    #[schema(max_length = 64, pattern = "^[A-Za-z0-9_-]+$")]
    playback_id: &'a str,
    #[schema(schema_with = status)]
    status: &'static str,
    /// Whether its key may publish and a media server has lately reported its publisher.
    live: bool,
    /// When the broadcast began; `null` while the stream is not live.
    #[schema(required)]
    live_since: Option<Rfc3339>,
    /// When the key was generated.
    created_at: Rfc3339,
    /// When the status last changed.
    updated_at: Rfc3339,
    /// When the key expires, and its publisher is kicked.
    expires_at: Rfc3339,
    /// Where to publish; in public, where addresses hide the key, an address that admits nobody.
    rtmp_url: String,
    ingest: Ingest<'a>,
    /// Where to watch, as HLS; 404 until the first fragment is complete.
    hls_url: String,
}

/// The words of `status`.
pub(crate) fn status() -> Object {
    let description = "A stream past its `expires_at` is `expired`, whether or not the database says so yet.";
    words(
        description,
        [StreamStatus::Active, StreamStatus::Stopped, StreamStatus::Expired].map(StreamStatus::as_str),
    )
}

impl<'a> StreamView<'a> {
    /// The stream as it is at `now`, which the stored status may lag behind, for its owner or for everybody.
    pub(crate) fn at(
        now: Timestamp,
        stream: &'a Stream,
        addresses: &'a Addresses,
        audience: Audience,
    ) -> Self {
        let live_since = stream.live_since_at(now);
        Self {
            id: stream.id.0,
            stream_key: addresses.name(stream, audience),
            playback_id: stream.playback_id.as_str(),
            status: stream.status_at(now).as_str(),
            live: live_since.is_some(),
            live_since: live_since.map(Rfc3339),
            created_at: Rfc3339(stream.created_at),
            updated_at: Rfc3339(stream.updated_at),
            expires_at: Rfc3339(stream.expires_at),
            rtmp_url: addresses.rtmp_url(stream, audience),
            ingest: addresses.ingest(stream, audience),
            hls_url: addresses.hls_url(stream),
        }
    }

    /// The JSON itself, for a response that outlives the stream.
    pub(crate) fn to_raw(&self) -> Box<RawValue> {
        serde_json::value::to_raw_value(self).expect("a stream is JSON")
    }
}

/// A stream in a list, with what its owner says of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ListedStream)]
struct ListedView<'a> {
    #[serde(flatten)]
    stream: StreamView<'a>,
    #[serde(flatten)]
    details: DetailsView<'a>,
}

/// A stream by itself, with all that its owner says of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DescribedStream)]
pub(crate) struct DescribedView<'a> {
    #[serde(flatten)]
    stream: StreamView<'a>,
    #[serde(flatten)]
    details: FullDetailsView<'a>,
}

impl<'a> DescribedView<'a> {
    pub(crate) fn new(stream: StreamView<'a>, details: &'a Details) -> Self {
        Self { stream, details: details.into() }
    }
}

/// A response with the JSON of a stream.
pub(crate) fn answer_stream(stream: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().content_type(JSON).body(json_of(stream, STREAM_LENGTH))
}

/// The JSON of a value; `length` is about its length in bytes.
fn json_of(value: &impl Serialize, length: usize) -> Vec<u8> {
    let mut json = Vec::with_capacity(length);
    serde_json::to_writer(&mut json, value).expect("views are JSON, and memory takes everything");
    json
}

/// A list of streams, newest first, with the cursor of the next page if there is one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StreamList)]
pub(crate) struct PageView<'a> {
    streams: Vec<ListedView<'a>>,
    /// Continues after this page as `cursor`; absent on the last page and on complete lists.
    #[schema(value_type = String, format = "cursor", required = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl<'a> PageView<'a> {
    /// Streams as they are at `now`.
    pub(crate) fn at(
        now: Timestamp,
        page: &'a StreamPage,
        addresses: &'a Addresses,
        audience: Audience,
    ) -> Self {
        let view = |stream: &'a Stream| ListedView {
            stream: StreamView::at(now, stream, addresses, audience),
            details: DetailsView::of(page.details.get(&stream.id)),
        };
        Self { streams: page.streams.iter().map(view).collect(), next_cursor: page.next.map(paging::cursor) }
    }

    /// The JSON itself.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        json_of(self, STREAM_LENGTH * (self.streams.len() + 1))
    }
}
