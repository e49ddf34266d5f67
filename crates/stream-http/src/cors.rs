//! Which pages may read answers.

use actix_cors::Cors;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE};

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "OPTIONS"];

/// How long a browser may remember a preflight, in seconds.
const MAX_AGE: usize = 600;

fn base() -> Cors {
    Cors::default()
        .allowed_methods(METHODS)
        .allowed_headers([AUTHORIZATION, CONTENT_TYPE])
        .expose_headers(["ETag", "Retry-After", "X-Request-Id"])
        .max_age(MAX_AGE)
}

/// The public list may be read from anywhere, and never with credentials.
pub(crate) fn any_origin() -> Cors {
    base().allow_any_origin().send_wildcard()
}

/// Everything else under `/api` is for the platform's own pages.
pub(crate) fn listed_origins(origins: &[String]) -> Cors {
    origins.iter().fold(base().supports_credentials(), |cors, origin| cors.allowed_origin(origin))
}
