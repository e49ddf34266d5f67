//! Keys: users generate them, stop them and list their streams; media servers look them up.

mod limit;

use std::sync::Arc;

use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use stream_domain::{Keys, StreamKey};
use stream_metrics::KeyMetrics;

use crate::addresses::{Addresses, Audience};
use crate::auth::SignedIn;
use crate::body::SmallBody;
use crate::client_address::TrustedProxies;
use crate::error::{ApiError, ErrorCode};
use crate::guesses::GuessLimit;
use crate::paging::requested_page;
use crate::readiness::AfterStart;
use crate::routing::{get, post};
use crate::turns::Turns;
use crate::view::{JSON, PageView, StreamView, answer_stream};

pub use limit::GenerateKeyLimit;

/// What the handlers of keys need.
pub(crate) struct KeysApi {
    pub(crate) keys: AfterStart<Keys>,
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

/// The JSON of a new key.
#[derive(Serialize)]
struct GeneratedView<'a> {
    message: String,
    stream: StreamView<'a>,
}

/// The JSON of a stopped stream.
#[derive(Serialize)]
struct StoppedView<'a> {
    message: &'static str,
    stream_id: i32,
    stream_key: &'a str,
}

/// `POST /api/streams/generate-key`: 201 with the new stream, or 409 with the active one.
async fn generate_key(
    SignedIn(user): SignedIn,
    _body: SmallBody,
    api: Data<KeysApi>,
) -> Result<HttpResponse, ApiError> {
    api.limit.check(user).map_err(|exceeded| {
        api.metrics.refused(ErrorCode::TooManyRequests.as_str());
        ApiError::too_many_requests(&exceeded)
    })?;
    let keys = api.keys.get()?;
    let now = keys.now();
    let generated = keys.generate(user).await;
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

/// `POST /api/streams/stop`: 200 with the stopped stream.
async fn stop_stream(
    SignedIn(user): SignedIn,
    _body: SmallBody,
    api: Data<KeysApi>,
) -> Result<HttpResponse, ApiError> {
    let stream = api.keys.get()?.stop(user).await?;
    Ok(HttpResponse::Ok().json(StoppedView {
        message: "Stream stopped.",
        stream_id: stream.id.0,
        stream_key: stream.key.expose(),
    }))
}

/// `GET /api/streams`: the user's own streams in every state, newest first.
async fn list_own(
    SignedIn(user): SignedIn,
    request: HttpRequest,
    api: Data<KeysApi>,
) -> Result<HttpResponse, ApiError> {
    let page = requested_page(&request)?;
    let keys = api.keys.get()?;
    let own = keys.list_own(user, &page).await?;
    let view = PageView::at(keys.now(), &own, &api.addresses, Audience::Owner);
    Ok(HttpResponse::Ok().content_type(JSON).body(view.to_json()))
}

/// `GET /api/streams/{stream_key}`: 200 while the key may publish, which is how an RTMP server asks.
///
/// Text that cannot be a key is refused without the store, and a client that asks for many keys that no stream has is
/// refused for a while.
async fn find_stream(
    request: HttpRequest,
    text: Path<String>,
    api: Data<KeysApi>,
) -> Result<HttpResponse, ApiError> {
    let key = StreamKey::parse(&text).map_err(|_| ErrorCode::StreamNotFound)?;
    let keys = api.keys.get()?;
    let found = api.turns.look_up(&request, keys.find_publishable(&key)).await;
    let (stream, now) = found.map_err(|error| match api.proxies.client_of(&request) {
        Some(client) if error.code() == ErrorCode::StreamNotFound => {
            let exceeded = api.guesses.missed(client).err();
            exceeded.as_ref().map_or(error, ApiError::too_many_unknown_keys)
        }
        _ => error,
    })?;
    Ok(answer_stream(&StreamView::at(now, &stream, &api.addresses, Audience::Owner)))
}
