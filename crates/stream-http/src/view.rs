//! A stream as clients see it, and what its owner sees besides.

mod rfc3339;

use actix_web::HttpResponse;
use serde::Serialize;
use serde_json::value::RawValue;
use stream_domain::admission::Attempt;
use stream_domain::{Session, Stream, StreamPage, Timestamp};

use crate::addresses::{Addresses, Audience, Ingest};
use crate::hooks::sentence;
use crate::paging;
use crate::view::rfc3339::Rfc3339;

/// The content type of every body.
pub(crate) const JSON: &str = "application/json";

/// How long the JSON of a stream is about, in bytes.
const STREAM_LENGTH: usize = 840;

/// The JSON of a stream; times are RFC 3339 in UTC.
#[derive(Debug, Serialize)]
pub(crate) struct StreamView<'a> {
    id: i32,
    stream_key: &'a str,
    playback_id: &'a str,
    status: &'static str,
    live: bool,
    live_since: Option<Rfc3339>,
    created_at: Rfc3339,
    updated_at: Rfc3339,
    expires_at: Rfc3339,
    rtmp_url: String,
    ingest: Ingest<'a>,
    hls_url: String,
}

impl<'a> StreamView<'a> {
    /// The stream as it is at `now`, whatever the store says of it, for its owner or for everybody.
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

    /// The JSON itself, for an answer that outlives the stream.
    pub(crate) fn to_raw(&self) -> Box<RawValue> {
        serde_json::value::to_raw_value(self).expect("a stream is JSON")
    }
}

/// An answer with the JSON of a stream.
pub(crate) fn answer_stream(stream: &StreamView<'_>) -> HttpResponse {
    HttpResponse::Ok().content_type(JSON).body(json_of(stream, STREAM_LENGTH))
}

/// The JSON of a value, which is about so long.
pub(crate) fn json_of(value: &impl Serialize, length: usize) -> Vec<u8> {
    let mut json = Vec::with_capacity(length);
    serde_json::to_writer(&mut json, value).expect("what is shown is JSON, and memory takes everything");
    json
}

/// The JSON of a list, with the cursor of the next page if there is one.
#[derive(Debug, Serialize)]
pub(crate) struct PageView<'a> {
    streams: Vec<StreamView<'a>>,
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
        let view = |stream| StreamView::at(now, stream, addresses, audience);
        Self { streams: page.streams.iter().map(view).collect(), next_cursor: page.next.map(paging::cursor) }
    }

    /// The JSON itself.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        json_of(self, STREAM_LENGTH * (self.streams.len() + 1))
    }
}

/// The JSON of a session.
#[derive(Debug, Serialize)]
pub(crate) struct SessionView {
    id: i64,
    server: String,
    protocol: String,
    address: Option<String>,
    epoch: i32,
    live_since: Rfc3339,
    started_at: Rfc3339,
    last_seen_at: Rfc3339,
    ended_at: Option<Rfc3339>,
    end_reason: Option<&'static str>,
}

impl SessionView {
    /// The session as it is at `now`.
    pub(crate) fn at(now: Timestamp, session: &Session) -> Self {
        let ended = session.ended_at(now);
        Self {
            id: session.id.0,
            server: session.publisher.server.to_string(),
            protocol: session.publisher.protocol.clone(),
            address: session.publisher.address.map(|address| address.to_string()),
            epoch: session.epoch,
            live_since: Rfc3339(session.live_since),
            started_at: Rfc3339(session.started_at),
            last_seen_at: Rfc3339(session.last_seen_at),
            ended_at: ended.map(|(at, _)| Rfc3339(at)),
            end_reason: ended.map(|(_, reason)| reason.as_str()),
        }
    }
}

/// The JSON of a refused attempt.
#[derive(Debug, Serialize)]
pub(crate) struct AttemptView {
    stream_id: i32,
    server: String,
    address: Option<String>,
    reason: &'static str,
    message: String,
    first_at: Rfc3339,
    last_at: Rfc3339,
}

impl From<&Attempt> for AttemptView {
    fn from(attempt: &Attempt) -> Self {
        Self {
            stream_id: attempt.stream_id.0,
            server: attempt.server.to_string(),
            address: attempt.address.map(|address| address.to_string()),
            reason: attempt.refusal.as_str(),
            message: sentence(attempt.refusal),
            first_at: Rfc3339(attempt.first_at),
            last_at: Rfc3339(attempt.last_at),
        }
    }
}
