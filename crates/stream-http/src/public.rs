//! What viewers and media servers ask.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json, Path};
use stream_domain::StreamKey;

use crate::error::{ApiError, ErrorCode};
use crate::paging::requested_page;
use crate::state::HttpState;
use crate::view::{PageView, StreamView};

/// `GET /api/streams/public`: every active, unexpired stream, newest first.
pub(crate) async fn list_public(
    request: HttpRequest,
    state: Data<HttpState>,
) -> Result<Json<PageView>, ApiError> {
    let page = requested_page(&request)?;
    let public = state.streams()?.list_public(&page).await?;
    Ok(Json(PageView::found(&public, &state.addresses)))
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
    Ok(Json(StreamView::found(&stream, &state.addresses)))
}
