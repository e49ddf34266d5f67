//! What viewers and media servers ask.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path};
use stream_domain::{PlaybackId, StreamKey};

use crate::addresses::Audience;
use crate::error::{ApiError, ErrorCode};
use crate::paging::{Shown, requested_page, requested_shown};
use crate::state::HttpState;
use crate::view::{PageView, StreamView};

/// `GET /api/streams/public`: every active, unexpired stream, newest first; with `live=true` those on air.
pub(crate) async fn list_public(
    request: HttpRequest,
    state: Data<HttpState>,
) -> Result<Json<PageView>, ApiError> {
    let page = requested_page(&request)?;
    let streams = state.streams()?;
    let public = match requested_shown(&request)? {
        Shown::All => streams.list_public(&page).await?,
        Shown::Live => streams.list_live(&page).await?,
    };
    Ok(Json(PageView::at(streams.now(), &public, &state.addresses, Audience::Public)))
}

/// `GET /api/streams/public/{playback_id}`: what a viewer may know of a stream, while it is active.
pub(crate) async fn find_public_stream(
    text: Path<String>,
    state: Data<HttpState>,
) -> Result<Json<StreamView>, ApiError> {
    let id = PlaybackId::parse(&text).map_err(|_| no_such_stream())?;
    let found = state.streams()?.find_public(&id).await.map_err(|error| match ApiError::from(error) {
        error if error.code() == ErrorCode::StreamNotFound => no_such_stream(),
        error => error,
    })?;
    Ok(Json(StreamView::at(state.clock.now(), &found, &state.addresses, Audience::Public)))
}

fn no_such_stream() -> ApiError {
    ApiError::new(ErrorCode::StreamNotFound, "No stream has this playback id.")
}

/// `GET /api/streams/{stream_key}`: 200 while the key may publish, which is how an RTMP server asks.
///
/// What cannot be a key is answered without the store.
pub(crate) async fn find_stream(
    text: Path<String>,
    state: Data<HttpState>,
) -> Result<Json<StreamView>, ApiError> {
    let key = StreamKey::parse(&text).map_err(|_| ErrorCode::StreamNotFound)?;
    let stream = state.streams()?.find_publishable(&key).await?;
    Ok(Json(StreamView::at(state.clock.now(), &stream, &state.addresses, Audience::Owner)))
}
