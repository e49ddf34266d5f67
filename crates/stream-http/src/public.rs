//! What viewers and media servers ask.

use actix_web::http::StatusCode;
use actix_web::http::header::{
    self, AcceptEncoding, ContentEncoding, Encoding, EntityTag, Header as _, HeaderValue, IfNoneMatch,
};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use stream_domain::{PlaybackId, StreamKey};

use crate::addresses::Audience;
use crate::error::{ApiError, ErrorCode};
use crate::paging::requested_public_page;
use crate::state::HttpState;
use crate::view::{JSON, StreamView, answer_stream};

/// `GET /api/streams/public`: every active, unexpired stream, newest first; with `live=true` those on air.
///
/// 304 without a body to who has it already, by `If-None-Match`.
pub(crate) async fn list_public(
    request: HttpRequest,
    state: Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let (shown, page) = requested_public_page(&request)?;
    state.streams()?;
    let page = state.listings.show(shown, page).await?;
    let list = &page.rendered;
    let is_known = is_known(&request, &list.etag);
    let mut response = HttpResponse::build(if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    response.insert_header((header::ETAG, list.etag.clone()));
    // Whoever keeps it asks each time whether it is still so.
    response.insert_header((header::CACHE_CONTROL, "no-cache"));
    response.insert_header((header::VARY, "Accept-Encoding, Origin"));
    if is_known {
        return Ok(response.finish());
    }
    let encoding =
        if list.is_long_enough_to_compress() { wanted_encoding(&request) } else { ContentEncoding::Identity };
    if encoding != ContentEncoding::Identity {
        response.insert_header(encoding);
    }
    Ok(response.content_type(JSON).body(list.encoded(encoding).await))
}

/// Whether the client has what is named by this `ETag`, whatever its encoding.
fn is_known(request: &HttpRequest, etag: &HeaderValue) -> bool {
    let Some(known) = request.headers().get(header::IF_NONE_MATCH) else {
        return false;
    };
    if known == etag {
        return true;
    }
    let own = etag.to_str().ok().and_then(|text| text.parse::<EntityTag>().ok());
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(items)) => own.is_some_and(|own| items.iter().any(|item| item.weak_eq(&own))),
        Err(_) => false,
    }
}

/// The shortest encoding that the client takes.
fn wanted_encoding(request: &HttpRequest) -> ContentEncoding {
    let offered = [Encoding::brotli(), Encoding::gzip(), Encoding::identity()];
    let wanted = AcceptEncoding::parse(request).ok().and_then(|accepted| accepted.negotiate(offered.iter()));
    match wanted {
        Some(Encoding::Known(encoding)) => encoding,
        _ => ContentEncoding::Identity,
    }
}

/// `GET /api/streams/public/{playback_id}`: what a viewer may know of a stream, while it is active.
pub(crate) async fn find_public_stream(
    request: HttpRequest,
    text: Path<String>,
    state: Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let id = PlaybackId::parse(&text).map_err(|_| no_such_stream())?;
    let found = state.turns.look_up(&request, state.streams()?.find_public(&id)).await;
    let found = found.map_err(|error| match error {
        error if error.code() == ErrorCode::StreamNotFound => no_such_stream(),
        error => error,
    })?;
    Ok(answer_stream(&StreamView::at(state.clock.now(), &found, &state.addresses, Audience::Public)))
}

fn no_such_stream() -> ApiError {
    ApiError::new(ErrorCode::StreamNotFound, "No stream has this playback id.")
}

/// `GET /api/streams/{stream_key}`: 200 while the key may publish, which is how an RTMP server asks.
///
/// What cannot be a key is answered without the store.
pub(crate) async fn find_stream(
    request: HttpRequest,
    text: Path<String>,
    state: Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let key = StreamKey::parse(&text).map_err(|_| ErrorCode::StreamNotFound)?;
    let stream = state.turns.look_up(&request, state.streams()?.find_publishable(&key)).await?;
    Ok(answer_stream(&StreamView::at(state.clock.now(), &stream, &state.addresses, Audience::Owner)))
}
