//! `limit` and `cursor`: the query's form of a page.

use std::num::NonZeroU32;

use actix_web::HttpRequest;
use actix_web::web::Query;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use stream_domain::{PageRequest, Position, StreamId, Timestamp};

use crate::error::{ApiError, ErrorCode};

/// The largest page.
const MAX_LIMIT: u32 = 1_000;

/// The size of a page that is asked for by a cursor alone.
const DEFAULT_LIMIT: NonZeroU32 = NonZeroU32::new(50).expect("50 is not 0");

#[derive(Deserialize)]
struct PageQuery {
    limit: Option<String>,
    cursor: Option<String>,
    live: Option<String>,
}

/// Which streams of the public list are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Shown {
    /// Those whose key may publish.
    All,
    /// Those that are on air.
    Live,
}

/// Reads the page that a request asks for: all of the list, unless it says otherwise.
pub(crate) fn requested_page(request: &HttpRequest) -> Result<PageRequest, ApiError> {
    page_of(&read(request)?)
}

/// Reads the page of the public list that a request asks for, and of which streams.
///
/// `live` is `true`, or `false` as without it.
pub(crate) fn requested_public_page(request: &HttpRequest) -> Result<(Shown, PageRequest), ApiError> {
    let query = read(request)?;
    let shown = match query.live.as_deref() {
        None | Some("false") => Shown::All,
        Some("true") => Shown::Live,
        Some(_) => return Err(ErrorCode::InvalidLive.into()),
    };
    Ok((shown, page_of(&query)?))
}

fn read(request: &HttpRequest) -> Result<PageQuery, ApiError> {
    let query = Query::<PageQuery>::from_query(request.query_string());
    Ok(query.map_err(|_| ErrorCode::BadRequest)?.into_inner())
}

fn page_of(query: &PageQuery) -> Result<PageRequest, ApiError> {
    let cursor = query.cursor.as_deref();
    let after = cursor.map(|cursor| position(cursor).ok_or(ErrorCode::InvalidCursor)).transpose()?;
    let limit = query.limit.as_deref();
    let limit = limit.map(|limit| parse_limit(limit).ok_or(ErrorCode::InvalidLimit)).transpose()?;
    Ok(PageRequest { limit: limit.or(after.map(|_| DEFAULT_LIMIT)), after })
}

fn parse_limit(text: &str) -> Option<NonZeroU32> {
    text.parse().ok().filter(|limit: &NonZeroU32| limit.get() <= MAX_LIMIT)
}

/// The cursor of a place: opaque to clients, so that its form may change.
pub(crate) fn cursor(position: Position) -> String {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&position.created_at.unix_micros().to_be_bytes());
    bytes[8..].copy_from_slice(&position.id.0.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

fn position(cursor: &str) -> Option<Position> {
    let bytes: [u8; 12] = URL_SAFE_NO_PAD.decode(cursor).ok()?.try_into().ok()?;
    let (micros, id) = bytes.split_at(8);
    let created_at = Timestamp::from_unix_micros(i64::from_be_bytes(micros.try_into().ok()?))?;
    let id = StreamId(i32::from_be_bytes(id.try_into().ok()?));
    Some(Position { created_at, id })
}
