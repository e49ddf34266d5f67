//! What a signed-in user does with the own streams.

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;

use crate::auth::SignedIn;
use crate::body::SmallBody;
use crate::error::ApiError;
use crate::paging::requested_page;
use crate::state::HttpState;
use crate::view::{PageView, StreamView};

#[derive(Serialize)]
struct GeneratedView {
    message: &'static str,
    stream: StreamView,
}

#[derive(Serialize)]
struct StoppedView {
    message: &'static str,
    stream_id: i32,
    stream_key: String,
}

/// `POST /api/streams/generate-key`: 201 with the new stream, or 409 with the active one.
pub(crate) async fn generate_key(
    SignedIn(user): SignedIn,
    _body: SmallBody,
    state: Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    state.generate_key_limit.check(user).map_err(ApiError::too_many_requests)?;
    let streams = state.streams()?;
    let view = |stream: &_| StreamView::found(stream, &state.addresses);
    let generated = streams.generate_key(user).await;
    let stream = generated.map_err(|error| ApiError::from_generate_key(error, view))?;
    let message = "Stream key generated; it is valid for 24 hours.";
    Ok(HttpResponse::Created().json(GeneratedView { message, stream: view(&stream) }))
}

/// `POST /api/streams/stop`: 200 with the stream that was stopped.
pub(crate) async fn stop_stream(
    SignedIn(user): SignedIn,
    _body: SmallBody,
    state: Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let stream = state.streams()?.stop(user).await?;
    Ok(HttpResponse::Ok().json(StoppedView {
        message: "Stream stopped.",
        stream_id: stream.id.0,
        stream_key: stream.key.expose().to_owned(),
    }))
}

/// `GET /api/streams`: the caller's own streams in every state, newest first.
pub(crate) async fn list_own(
    SignedIn(user): SignedIn,
    request: HttpRequest,
    state: Data<HttpState>,
) -> Result<Json<PageView>, ApiError> {
    let page = requested_page(&request)?;
    let streams = state.streams()?;
    let own = streams.list_own(user, &page).await?;
    Ok(Json(PageView::at(streams.now(), &own, &state.addresses)))
}
