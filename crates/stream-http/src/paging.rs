//! Pages of lists: `limit` and `cursor` in a query.

use std::num::NonZeroU32;

use actix_web::HttpRequest;
use actix_web::web::Query;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use stream_domain::{PageRequest, Position, StreamId, Timestamp};
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorCode};

/// The largest page.
pub(crate) const MAX_LIMIT: u32 = LARGEST_PAGE.get();

/// The same.
pub(crate) const LARGEST_PAGE: NonZeroU32 = NonZeroU32::new(1_000).expect("1,000 is not 0");

/// The size of a page with a cursor and no limit.
const DEFAULT_LIMIT: NonZeroU32 = NonZeroU32::new(50).expect("50 is not 0");

/// The page of a list that a request asks for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// The largest number of streams to return; without it the list is complete, or 50 with a `cursor`.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 1_000)]
    limit: Option<String>,
    /// The `next_cursor` of an earlier page, to continue after it.
    #[param(value_type = Option<String>, format = "cursor")]
    cursor: Option<String>,
}

/// Reads the page that a request asks for; without `limit` and `cursor` that is the whole list.
pub(crate) fn requested_page(request: &HttpRequest) -> Result<PageRequest, ApiError> {
    let PageQuery { limit, cursor } = query(request)?;
    let after = cursor.map(|cursor| position(&cursor).ok_or(ErrorCode::InvalidCursor)).transpose()?;
    let limit = limit.map(|limit| parse_limit(&limit)).transpose()?;
    Ok(PageRequest { limit: limit.or(after.map(|_| DEFAULT_LIMIT)), after })
}

/// Reads a page that is never the whole list: it has [`DEFAULT_LIMIT`] streams unless a limit is given.
pub(crate) fn bounded_page(limit: Option<&str>, cursor: Option<&str>) -> Result<PageRequest, ApiError> {
    let after = cursor.map(|cursor| position(cursor).ok_or(ErrorCode::InvalidCursor)).transpose()?;
    Ok(PageRequest { limit: Some(limit_or_default(limit)?), after })
}

/// Reads the size of a page; without one it is [`DEFAULT_LIMIT`].
pub(crate) fn limit_or_default(limit: Option<&str>) -> Result<NonZeroU32, ApiError> {
    limit.map_or(Ok(DEFAULT_LIMIT), parse_limit)
}

/// Reads the fields of a query; one that occurs twice is a `bad_request`, and unknown ones are ignored.
pub(crate) fn query<Q: DeserializeOwned>(request: &HttpRequest) -> Result<Q, ApiError> {
    let query = Query::<Q>::from_query(request.query_string());
    Ok(query.map_err(|_| ErrorCode::BadRequest)?.into_inner())
}

fn parse_limit(text: &str) -> Result<NonZeroU32, ApiError> {
    let limit = text.parse().ok().filter(|limit: &NonZeroU32| limit.get() <= MAX_LIMIT);
    limit.ok_or_else(|| ErrorCode::InvalidLimit.into())
}

/// The cursor of a position: opaque to clients, so that its form may change.
pub(crate) fn cursor(position: Position) -> String {
    encode(position.created_at, position.id.0.to_be_bytes())
}

fn position(cursor: &str) -> Option<Position> {
    let (created_at, id) = decode(cursor)?;
    Some(Position { created_at, id: StreamId(i32::from_be_bytes(id)) })
}

/// An instant and the bytes of a number as text.
pub(crate) fn encode<const N: usize>(instant: Timestamp, number: [u8; N]) -> String {
    let mut bytes = instant.unix_micros().to_be_bytes().to_vec();
    bytes.extend(number);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads that text; `None` for one of another form.
pub(crate) fn decode<const N: usize>(cursor: &str) -> Option<(Timestamp, [u8; N])> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (micros, number) = bytes.split_first_chunk()?;
    let instant = Timestamp::from_unix_micros(i64::from_be_bytes(*micros))?;
    Some((instant, number.try_into().ok()?))
}
