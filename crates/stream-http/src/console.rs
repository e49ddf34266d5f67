//! The console: a page for broadcasters, viewers and operators, and a player for the pages of others.
//!
//! The files are those of `stream-console`, and their policy lets the page load nothing from anywhere but this service and
//! the media server that viewers are sent to.

mod api;
pub(crate) mod session;

use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use stream_console::HLS;
use utoipa::ToSchema;

pub(crate) use self::api::ConsoleApi;
pub use self::api::{ConsoleOptions, DevelopmentTokens, IssuedToken};
use self::session::start_session;
use crate::error::{ApiError, ErrorCode};
use crate::routing::{get, post};

/// Registers the routes.
pub(crate) fn routes(config: &mut ServiceConfig, api: &Data<ConsoleApi>) {
    config
        .app_data(api.clone())
        .service(get("/", web::to(show_console)))
        .service(get("/embed.js", web::to(show_embed)))
        .service(get("/console/settings.json", web::to(show_settings)))
        .service(post("/console/session", web::to(start_session)))
        .service(get("/console/{file}", web::to(show_file)));
}

/// Shows the console.
///
/// A page for broadcasters, viewers and operators, unless `CONSOLE` is `off`.
/// It loads what this service and the media server serve, and nothing else.
#[utoipa::path(
    get,
    path = "/",
    tag = "Console",
    responses(
        (status = 200, description = "The page.", body = String, content_type = "text/html"),
        (status = 304, description = "The page is the one that `If-None-Match` names."),
    ),
)]
pub(crate) async fn show_console(request: HttpRequest, api: Data<ConsoleApi>) -> HttpResponse {
    let mut response = api.page.answer(&request);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, api.policy.clone());
    response
}

/// Serves the player for other pages.
///
/// A module that defines the element `<live-stream playback-id="…">`; pages of any origin may load it.
#[utoipa::path(
    get,
    path = "/embed.js",
    tag = "Console",
    responses(
        (status = 200, description = "The module.", body = String, content_type = "text/javascript"),
        (status = 304, description = "The module is the one that `If-None-Match` names."),
    ),
)]
pub(crate) async fn show_embed(request: HttpRequest, api: Data<ConsoleApi>) -> HttpResponse {
    for_any_origin(api.embed.answer(&request))
}

/// Serves a file of the console.
///
/// Its script, its style, its icon, and `hls.js`, which the player for other pages loads too.
#[utoipa::path(
    get,
    path = "/console/{file}",
    tag = "Console",
    params(("file" = String, Path, description = "The name of the file.", example = "console.js")),
    responses(
        (status = 200, description = "The file.", content(
            (String = "text/javascript"), (String = "text/css"), (String = "image/svg+xml"),
        )),
        (status = 304, description = "The file is the one that `If-None-Match` names."),
    ),
    extensions(("x-error-codes" = json!([ErrorCode::NotFound]))),
)]
pub(crate) async fn show_file(
    request: HttpRequest,
    name: Path<String>,
    api: Data<ConsoleApi>,
) -> Result<HttpResponse, ApiError> {
    let (name, file) = api.files.iter().find(|(known, _)| known == &*name).ok_or(ErrorCode::NotFound)?;
    let answer = file.answer(&request);
    Ok(if *name == HLS { for_any_origin(answer) } else { answer })
}

/// Pages of any origin may load it as a module, isolated ones too.
fn for_any_origin(mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::CROSS_ORIGIN_RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    response
}

/// What the page has to know before anybody signs in.
#[derive(Serialize, ToSchema)]
#[schema(as = ConsoleSettings)]
pub(crate) struct SettingsView {
    /// The version of the service.
    version: &'static str,
    /// Whether this client may start a development session.
    development: bool,
    /// Whether operators may sign in.
    operators: bool,
}

/// Shows what the console may offer to this client.
///
/// The page asks for it before anybody signs in.
#[utoipa::path(
    get,
    path = "/console/settings.json",
    tag = "Console",
    responses((status = 200, description = "What may be offered.", body = SettingsView)),
)]
pub(crate) async fn show_settings(request: HttpRequest, api: Data<ConsoleApi>) -> HttpResponse {
    HttpResponse::Ok().json(SettingsView {
        version: env!("CARGO_PKG_VERSION"),
        development: api.options.development.is_some() && session::is_local(&request),
        operators: api.has_operators,
    })
}
