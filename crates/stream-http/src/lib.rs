//! The HTTP surface: what frontends, media servers and operators see.
//!
//! This file holds the whole URL table.
//! Handlers parse, call one use case of [`Streams`](stream_domain::Streams), and render; rules live in the domain.
//! Media servers ask and tell by hooks, each family in a dialect of its own (`hooks.rs`).
//! Every error leaves in one shape ([`error`]), every request gets an id and one line in the log (`observe.rs`),
//! and the server answers all that it accepted before it goes ([`server`]).

mod addresses;
mod auth;
mod body;
mod connection;
mod cors;
pub mod error;
mod health;
mod hooks;
mod limits;
mod listing;
mod observe;
mod paging;
mod public;
mod readiness;
pub mod server;
mod state;
mod streams;
mod turns;
mod view;
#[cfg(feature = "yardsticks")]
pub mod yardsticks;

#[cfg(test)]
mod tests;

use actix_web::http::Method;
use actix_web::middleware::from_fn;
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource, Route, Scope, guard};

pub use addresses::Addresses;
pub use hooks::{HookSecrets, HookServer, HookServers};
pub use limits::GenerateKeyLimit;
pub use readiness::{NotReady, Readiness};
pub use state::{HttpOptions, HttpState, Patience};

use crate::error::{ApiError, ErrorCode};

/// Every route: its method and path, as docs/http-api.md lists them.
///
/// `GET` routes answer `HEAD` too, and every route answers `OPTIONS` with its methods.
pub const ROUTES: [(&str, &str); 13] = [
    ("GET", "/health"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("POST", "/api/streams/generate-key"),
    ("POST", "/api/streams/stop"),
    ("GET", "/api/streams"),
    ("GET", "/api/streams/attempts"),
    ("GET", "/api/streams/{id}/sessions"),
    ("GET", "/api/streams/public"),
    ("GET", "/api/streams/public/{playback_id}"),
    ("GET", "/api/streams/{stream_key}"),
    ("POST", "/hooks/{family}/{server}"),
    ("POST", "/hooks/{family}/{server}/{secret}"),
];

/// Registers the routes; fixed names come before `{stream_key}`.
///
/// Whatever is asked first is matched first, and a scope spares the rest the look into it.
fn routes(config: &mut ServiceConfig, state: &web::Data<HttpState>) {
    let origins = &state.cors_origins;
    config
        .service(
            public_routes()
                .guard(cors::is_from(origins))
                .wrap(cors::listed_origins(origins))
                .wrap(from_fn(cors::in_browsers_terms)),
        )
        .service(public_routes().wrap(cors::any_origin()).wrap(from_fn(cors::in_browsers_terms)))
        .service(
            web::scope("/api")
                .configure(yardsticks)
                .wrap(cors::listed_origins(origins))
                .wrap(from_fn(cors::in_browsers_terms))
                .service(post("/streams/generate-key", web::to(streams::generate_key)))
                .service(post("/streams/stop", web::to(streams::stop_stream)))
                .service(get("/streams", web::to(streams::list_own)))
                .service(get("/streams/attempts", web::to(streams::list_attempts)))
                .service(get("/streams/{stream_key}", web::to(public::find_stream)))
                .service(get("/streams/{id}/sessions", web::to(streams::list_sessions)))
                .default_service(web::to(not_found)),
        )
        .service(
            web::scope("/hooks")
                // They see to their methods themselves, since what is refused stands in the log.
                .route("/{family}/{server}", web::to(hooks::take_hook))
                .route("/{family}/{server}/{secret}", web::to(hooks::take_hook_with_secret)),
        )
        .service(get("/health", web::to(health::show_health)))
        .service(get("/health/live", web::to(health::show_liveness)))
        .service(get("/health/ready", web::to(health::show_readiness)))
        .default_service(web::to(not_found));
}

/// What everybody may read; with credentials from a listed origin, and without from any other.
fn public_routes() -> Scope {
    web::scope("/api/streams/public")
        .service(get("", web::to(public::list_public)))
        .service(get("/{playback_id}", web::to(public::find_public_stream)))
        .default_service(web::to(not_found))
}

/// What benchmarks alone have.
fn yardsticks(_config: &mut ServiceConfig) {
    #[cfg(feature = "yardsticks")]
    _config.service(get("/yardsticks/{length}", web::to(yardsticks::show_fixed_bytes)));
}

fn get(path: &str, handler: Route) -> Resource {
    let read = guard::Any(guard::Get()).or(guard::Head());
    web::resource(path).route(handler.guard(read)).default_service(web::to(
        |request: HttpRequest| async move { other_method(&request, "GET, HEAD, OPTIONS") },
    ))
}

fn post(path: &str, handler: Route) -> Resource {
    web::resource(path).route(handler.guard(guard::Post())).default_service(web::to(
        |request: HttpRequest| async move { other_method(&request, "POST, OPTIONS") },
    ))
}

fn other_method(request: &HttpRequest, allow: &'static str) -> Result<HttpResponse, ApiError> {
    if request.method() == Method::OPTIONS {
        return Ok(HttpResponse::NoContent().insert_header(("Allow", allow)).finish());
    }
    Err(ApiError::method_not_allowed(allow))
}

async fn not_found(request: HttpRequest) -> Result<HttpResponse, ApiError> {
    let path = request.path();
    let hint = if path.contains("//") {
        "There is nothing at this address. It has two slashes in a row; remove one, also from the end of a base address."
    } else if path.len() > 1 && path.ends_with('/') {
        "There is nothing at this address. Remove the slash at the end."
    } else {
        ErrorCode::NotFound.sentence()
    };
    Err(ApiError::new(ErrorCode::NotFound, hint))
}
