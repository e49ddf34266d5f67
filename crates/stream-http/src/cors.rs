//! CORS: which pages may read responses.
//!
//! Listed origins may send credentials, with any header that their tools add.
//! Every other origin may read the public list only, and without credentials.
//! `actix-cors` does this; [`complete_preflight`] completes a preflight so that its answer always names what is allowed,
//! and the browser complains about the method or header that is not, instead of the origin.

use actix_cors::Cors;
use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::guard::{Guard, fn_guard};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue,
    ORIGIN,
};
use actix_web::middleware::Next;

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "DELETE", "OPTIONS"];

/// The headers that every client needs; those that a preflight requests are added.
const HEADERS: [&str; 2] = ["authorization", "content-type"];

/// The response headers that pages may read, besides those that they always may.
const EXPOSED: [&str; 8] = [
    "ETag",
    "Retry-After",
    "X-Request-Id",
    "Allow",
    "Link",
    "WWW-Authenticate",
    "RateLimit",
    "RateLimit-Policy",
];

/// How long a browser may cache a preflight, in seconds.
const MAX_AGE: usize = 600;

/// The most headers that count of a preflight; no page needs nearly as many, and each is compared with the others.
const MAX_HEADERS: usize = 64;

fn base() -> Cors {
    Cors::default().allowed_methods(METHODS).allow_any_header().expose_headers(EXPOSED).max_age(MAX_AGE)
}

/// The public list may be read by any page, and never with credentials.
pub(crate) fn any_origin() -> Cors {
    base().allow_any_origin().send_wildcard()
}

/// Everything else under `/api` is for the platform's own pages.
pub(crate) fn listed_origins(origins: &[String]) -> Cors {
    origins.iter().fold(base().supports_credentials(), |cors, origin| cors.allowed_origin(origin))
}

/// Matches requests from pages of these origins.
pub(crate) fn is_from(origins: &[String]) -> impl Guard + use<> {
    let origins = origins.to_vec();
    fn_guard(move |context| {
        let origin = context.head().headers().get(ORIGIN);
        origin.is_some_and(|origin| origins.iter().any(|listed| origin == listed.as_str()))
    })
}

/// Has every preflight answered with what is allowed, and removes headers that mean nothing to origins that are not
/// listed.
pub(crate) async fn complete_preflight(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if is_preflight(&request) {
        complete(request.headers_mut());
    }
    let mut response = next.call(request).await?;
    let headers = response.headers_mut();
    if !headers.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
        headers.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
        headers.remove(ACCESS_CONTROL_EXPOSE_HEADERS);
    }
    Ok(response)
}

/// Whether this is a browser's preflight; any other `OPTIONS` is for the route itself.
fn is_preflight(request: &ServiceRequest) -> bool {
    request.method() == Method::OPTIONS
        && [ORIGIN, ACCESS_CONTROL_REQUEST_METHOD].iter().all(|name| request.headers().contains_key(name))
}

/// Requests a method that is allowed, since the answer lists them all, and the headers that every client needs.
fn complete(headers: &mut HeaderMap) {
    let method = headers.get(ACCESS_CONTROL_REQUEST_METHOD).and_then(|method| method.to_str().ok());
    if !method.is_some_and(|method| METHODS.contains(&method)) {
        headers.insert(ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("GET"));
    }
    let asked = headers.get_all(ACCESS_CONTROL_REQUEST_HEADERS).filter_map(|value| value.to_str().ok());
    let asked = asked.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok());
    let asked = asked.take(MAX_HEADERS);
    let mut names = HEADERS.map(str::to_owned).to_vec();
    for name in asked {
        let name: HeaderName = name;
        if !names.iter().any(|known| known == name.as_str()) {
            names.push(name.to_string());
        }
    }
    let names = HeaderValue::from_str(&names.join(", ")).expect("names of headers are printable");
    headers.insert(ACCESS_CONTROL_REQUEST_HEADERS, names);
}
