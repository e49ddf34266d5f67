//! A stream as clients see it, and what its owner sees besides.

use serde::Serialize;
use stream_domain::admission::Attempt;
use stream_domain::{Session, Stream, StreamPage, Timestamp};
use time::OffsetDateTime;

use crate::addresses::{Addresses, Audience};
use crate::hooks::sentence;
use crate::paging;

/// The JSON of a stream; times are RFC 3339 in UTC.
#[derive(Debug, Serialize)]
pub(crate) struct StreamView {
    id: i32,
    stream_key: String,
    playback_id: String,
    status: &'static str,
    live: bool,
    #[serde(with = "time::serde::rfc3339::option")]
    live_since: Option<OffsetDateTime>,
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
    /// The stream as it is at `now`, whatever the store says of it, for its owner or for everybody.
    pub(crate) fn at(now: Timestamp, stream: &Stream, addresses: &Addresses, audience: Audience) -> Self {
        let live_since = stream.live_since_at(now);
        Self {
            id: stream.id.0,
            stream_key: addresses.name(stream, audience).to_owned(),
            playback_id: stream.playback_id.to_string(),
            status: stream.status_at(now).as_str(),
            live: live_since.is_some(),
            live_since: live_since.map(Timestamp::to_utc),
            created_at: stream.created_at.to_utc(),
            updated_at: stream.updated_at.to_utc(),
            expires_at: stream.expires_at.to_utc(),
            rtmp_url: addresses.rtmp_url(stream, audience),
            hls_url: addresses.hls_url(stream),
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
    /// Streams as they are at `now`.
    pub(crate) fn at(now: Timestamp, page: &StreamPage, addresses: &Addresses, audience: Audience) -> Self {
        let view = |stream| StreamView::at(now, stream, addresses, audience);
        Self { streams: page.streams.iter().map(view).collect(), next_cursor: page.next.map(paging::cursor) }
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
    #[serde(with = "time::serde::rfc3339")]
    live_since: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    started_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last_seen_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339::option")]
    ended_at: Option<OffsetDateTime>,
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
            live_since: session.live_since.to_utc(),
            started_at: session.started_at.to_utc(),
            last_seen_at: session.last_seen_at.to_utc(),
            ended_at: ended.map(|(at, _)| at.to_utc()),
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
    #[serde(with = "time::serde::rfc3339")]
    first_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    last_at: OffsetDateTime,
}

impl From<&Attempt> for AttemptView {
    fn from(attempt: &Attempt) -> Self {
        Self {
            stream_id: attempt.stream_id.0,
            server: attempt.server.to_string(),
            address: attempt.address.map(|address| address.to_string()),
            reason: attempt.refusal.as_str(),
            message: sentence(attempt.refusal),
            first_at: attempt.first_at.to_utc(),
            last_at: attempt.last_at.to_utc(),
        }
    }
}
