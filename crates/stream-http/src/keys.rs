//! Keys: users generate them, stop them and list their streams; media servers look them up.

mod limit;

use std::sync::Arc;

use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use stream_domain::{Keys, Schedules, StreamKey};
use stream_metrics::KeyMetrics;
use utoipa::ToSchema;

use crate::addresses::{Addresses, Audience};
use crate::auth::SignedIn;
use crate::body::SmallBody;
use crate::client_address::TrustedProxies;
use crate::details::{NewStreamBody, NewStreamForm};
use crate::error::{ApiError, ErrorCode};
use crate::guesses::GuessLimit;
use crate::paging::{PageQuery, requested_page};
use crate::readiness::AfterStart;
use crate::routing::{get, post};
use crate::trace::use_case;
use crate::turns::Turns;
use crate::view::{JSON, PageView, StreamView, answer_stream};

pub(crate) use limit::GenerateKeyLimit;

/// What the handlers of keys need.
pub(crate) struct KeysApi {
    pub(crate) keys: AfterStart<Keys>,
    pub(crate) schedules: Schedules,
    pub(crate) limit: Arc<GenerateKeyLimit>,
    pub(crate) guesses: Arc<GuessLimit>,
    pub(crate) proxies: TrustedProxies,
    pub(crate) metrics: KeyMetrics,
    pub(crate) addresses: Addresses,
    pub(crate) turns: Arc<Turns>,
}

/// Registers the routes below `/api`.
pub(crate) fn routes(config: &mut ServiceConfig, api: &Data<KeysApi>) {
    config
        .app_data(api.clone())
        .service(post("/streams/generate-key", web::to(generate_key)))
        .service(post("/streams/stop", web::to(stop_stream)))
        .service(get("/streams", web::to(list_own)))
        .service(get("/streams/{stream_key}", web::to(find_stream)));
}

/// A new key.
#[derive(Serialize, ToSchema)]
#[schema(as = GeneratedKey)]
pub(crate) struct GeneratedView<'a> {
    /// A sentence for a person.
    message: String,
    stream: StreamView<'a>,
}

/// A stopped stream.
#[derive(Serialize, ToSchema)]
#[schema(as = StoppedStream)]
pub(crate) struct StoppedView<'a> {
    /// A sentence for a person.
    message: &'static str,
    /// The stream's number.
    stream_id: i32,
    /// The key that may no longer publish.
    #[schema(max_length = 255, pattern = "^[A-Za-z0-9_-]+$")]
    stream_key: &'a str,
}

/// Generates a key.
///
/// A user has at most one active stream: while there is one, the response is 409 with that stream.
/// No body is needed; one of the content type `application/json` says what is said of the stream, where fields that are
/// absent or `null` are those of the schedule that the stream takes, or else of the user's channel.
/// A key takes the schedule that `schedule_id` names, or else the caller's soonest from 30 minutes before its start to
/// its end.
/// A body of another content type is read, up to 16 KiB and for at most 10 seconds, and ignored.
#[utoipa::path(
    post,
    path = "/api/streams/generate-key",
    tag = "Keys",
    security(("token" = [])),
    request_body = Option<NewStreamForm>,
    responses((
        status = 201, description = "The new stream, with its key and addresses.", body = GeneratedView<'_>,
        links(
            ("lookup" = (operation_id = "find_stream", parameters(("stream_key" = "$response.body#/stream/stream_key")))),
            ("viewers" = (
                operation_id = "find_public_stream", parameters(("playback_id" = "$response.body#/stream/playback_id"))
            )),
            ("sessions" = (operation_id = "list_sessions", parameters(("id" = "$response.body#/stream/id")))),
        ),
    )),
    extensions(("x-error-codes" = json!([
        ErrorCode::InvalidBody, ErrorCode::InvalidTitle, ErrorCode::InvalidDescription, ErrorCode::InvalidTags,
        ErrorCode::InvalidCategory, ErrorCode::InvalidLanguage, ErrorCode::InvalidContentLabels,
        ErrorCode::InvalidVisibility, ErrorCode::UserBlocked, ErrorCode::RequestTimeout, ErrorCode::ScheduleNotFound,
        ErrorCode::StreamAlreadyActive, ErrorCode::ScheduleOver,
        ErrorCode::BodyTooLarge, ErrorCode::TooManyRequests,
    ]))),
)]
pub(crate) async fn generate_key(
    SignedIn(user): SignedIn,
    NewStreamBody(form): NewStreamBody,
    api: Data<KeysApi>,
) -> Result<HttpResponse, ApiError> {
    api.limit.check(user).map_err(|exceeded| {
        api.metrics.refused(ErrorCode::TooManyRequests.as_str());
        ApiError::too_many_requests(&exceeded)
    })?;
    let keys = api.keys.get()?;
    let (named, details) = form.into_parts();
    let request = use_case("schedules.key_request", api.schedules.key_request(user, named, details)).await?;
    let now = keys.now();
    let generated = use_case("keys.generate", keys.generate(request)).await;
    let stream = generated.map_err(|error| {
        let render = |stream: &_| StreamView::at(now, stream, &api.addresses, Audience::Owner).to_raw();
        ApiError::from_generate_key(error, render)
    })?;
    let message = match keys.lifetime().hours() {
        1 => "Stream key generated; it is valid for 1 hour.".to_owned(),
        hours => format!("Stream key generated; it is valid for {hours} hours."),
    };
    let stream = StreamView::at(now, &stream, &api.addresses, Audience::Owner);
    Ok(HttpResponse::Created().json(GeneratedView { message, stream }))
}

/// Stops the active stream.
///
/// Its key may no longer publish from this moment on, and its publisher is kicked.
/// No body is needed; one that arrives is read, up to 16 KiB and for at most 10 seconds, and ignored.
#[utoipa::path(
    post,
    path = "/api/streams/stop",
    tag = "Keys",
    security(("token" = [])),
    responses((status = 200, description = "The stream that was stopped.", body = StoppedView<'_>)),
    extensions(("x-error-codes" = json!([
        ErrorCode::NoActiveStream, ErrorCode::RequestTimeout, ErrorCode::BodyTooLarge,
    ]))),
)]
pub(crate) async fn stop_stream(
    SignedIn(user): SignedIn,
    _body: SmallBody,
    api: Data<KeysApi>,
) -> Result<HttpResponse, ApiError> {
    let stream = use_case("keys.stop", api.keys.get()?.stop(user)).await?;
    Ok(HttpResponse::Ok().json(StoppedView {
        message: "Stream stopped.",
        stream_id: stream.id.0,
        stream_key: stream.key.expose(),
    }))
}

/// Lists the user's own streams.
///
/// They come in every state, newest first: all of them, unless `limit` or `cursor` requests a page.
#[utoipa::path(
    get,
    path = "/api/streams",
    tag = "Keys",
    security(("token" = [])),
    params(PageQuery),
    responses((status = 200, description = "The list, or the requested page of it.", body = PageView<'_>,
        links(("next_page" = (operation_id = "list_own", parameters(("cursor" = "$response.body#/next_cursor"))))),
    )),
    extensions(("x-error-codes" = json!([ErrorCode::InvalidLimit, ErrorCode::InvalidCursor]))),
)]
pub(crate) async fn list_own(
    SignedIn(user): SignedIn,
    request: HttpRequest,
    api: Data<KeysApi>,
) -> Result<HttpResponse, ApiError> {
    let page = requested_page(&request)?;
    let keys = api.keys.get()?;
    let own = use_case("keys.list_own", keys.list_own(user, &page)).await?;
    let view = PageView::at(keys.now(), &own, &api.addresses, Audience::Owner);
    Ok(HttpResponse::Ok().content_type(JSON).body(view.to_json()))
}

/// Looks a key up.
///
/// Any 2xx means that the key may publish at this moment, which is how a media server without hooks asks.
/// Text that cannot be a key is refused without the store, and a client that asks for many keys that no stream has is
/// refused for a while.
#[utoipa::path(
    get,
    path = "/api/streams/{stream_key}",
    tag = "Keys",
    params((
        "stream_key" = String, Path, description = "The key, percent-encoded.", min_length = 1, max_length = 255,
        pattern = "^[A-Za-z0-9_-]+$",
    )),
    responses((status = 200, description = "The key may publish.", body = StreamView<'_>)),
    extensions(("x-error-codes" = json!([
        ErrorCode::StreamNotFound, ErrorCode::StreamStopped, ErrorCode::StreamExpired,
        ErrorCode::TooManyRequests,
    ]))),
)]
pub(crate) async fn find_stream(
    request: HttpRequest,
    text: Path<String>,
    api: Data<KeysApi>,
) -> Result<HttpResponse, ApiError> {
    let key = StreamKey::parse(&text).map_err(|_| ErrorCode::StreamNotFound)?;
    let keys = api.keys.get()?;
    let lookup = use_case("keys.find_publishable", keys.find_publishable(&key));
    let found = api.turns.look_up(&request, lookup).await;
    let (stream, now) = found.map_err(|error| match api.proxies.client_of(&request) {
        Some(client) if error.code() == ErrorCode::StreamNotFound => {
            let exceeded = api.guesses.missed(client).err();
            exceeded.as_ref().map_or(error, ApiError::too_many_unknown_keys)
        }
        _ => error,
    })?;
    Ok(answer_stream(&StreamView::at(now, &stream, &api.addresses, Audience::Owner)))
}
