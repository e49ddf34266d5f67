//! What a signed-in user does with the own streams.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use stream_domain::StreamId;

use crate::addresses::Audience;
use crate::auth::SignedIn;
use crate::body::SmallBody;
use crate::error::{ApiError, ErrorCode};
use crate::paging::requested_page;
use crate::state::HttpState;
use crate::view::{AttemptView, JSON, PageView, SessionView, StreamView};

#[derive(Serialize)]
struct GeneratedView<'a> {
    message: String,
    stream: StreamView<'a>,
}

#[derive(Serialize)]
struct StoppedView<'a> {
    message: &'static str,
    stream_id: i32,
    stream_key: &'a str,
}

#[derive(Serialize)]
pub(crate) struct SessionsView {
    sessions: Vec<SessionView>,
}

#[derive(Serialize)]
pub(crate) struct AttemptsView {
    attempts: Vec<AttemptView>,
}

/// `POST /api/streams/generate-key`: 201 with the new stream, or 409 with the active one.
pub(crate) async fn generate_key(
    SignedIn(user): SignedIn,
    _body: SmallBody,
    state: Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    state.generate_key_limit.check(user).map_err(ApiError::too_many_requests)?;
    let streams = state.streams()?;
    let now = streams.now();
    let generated = streams.generate_key(user).await;
    let stream = generated.map_err(|error| {
        let render = |stream: &_| StreamView::at(now, stream, &state.addresses, Audience::Owner).to_raw();
        ApiError::from_generate_key(error, render)
    })?;
    let message = match streams.key_lifetime().hours() {
        1 => "Stream key generated; it is valid for 1 hour.".to_owned(),
        hours => format!("Stream key generated; it is valid for {hours} hours."),
    };
    let stream = StreamView::at(now, &stream, &state.addresses, Audience::Owner);
    Ok(HttpResponse::Created().json(GeneratedView { message, stream }))
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
        stream_key: stream.key.expose(),
    }))
}

/// `GET /api/streams`: the caller's own streams in every state, newest first.
pub(crate) async fn list_own(
    SignedIn(user): SignedIn,
    request: HttpRequest,
    state: Data<HttpState>,
) -> Result<HttpResponse, ApiError> {
    let page = requested_page(&request)?;
    let streams = state.streams()?;
    let own = streams.list_own(user, &page).await?;
    let view = PageView::at(streams.now(), &own, &state.addresses, Audience::Owner);
    Ok(HttpResponse::Ok().content_type(JSON).body(view.to_json()))
}

/// `GET /api/streams/{id}/sessions`: when and from where one of the caller's streams was published, newest first.
pub(crate) async fn list_sessions(
    SignedIn(user): SignedIn,
    id: Path<String>,
    state: Data<HttpState>,
) -> Result<Json<SessionsView>, ApiError> {
    let not_found = || ApiError::new(ErrorCode::StreamNotFound, "You have no such stream.");
    let stream = StreamId(id.parse().map_err(|_| not_found())?);
    let sessions = state.broadcasts()?.list_sessions(user, stream).await?.ok_or_else(not_found)?;
    let now = state.clock.now();
    Ok(Json(SessionsView { sessions: sessions.iter().map(|one| SessionView::at(now, one)).collect() }))
}

/// `GET /api/streams/attempts`: the last refused attempts on the caller's keys, newest first.
pub(crate) async fn list_attempts(
    SignedIn(user): SignedIn,
    state: Data<HttpState>,
) -> Result<Json<AttemptsView>, ApiError> {
    let attempts = state.broadcasts()?.list_attempts(user).await?;
    Ok(Json(AttemptsView { attempts: attempts.iter().map(AttemptView::from).collect() }))
}
