//! Which pages may read answers.
//!
//! Listed origins are answered by their name and may send credentials, whatever headers their tools add.
//! The public list may be read from anywhere; other origins get a wildcard there, and so never with credentials.
//! A page that may not go on is told so in the browser's own terms: a preflight that fails on its method or headers is
//! answered with what is allowed, and one from an origin that is not listed has no allow header to show.

use std::rc::Rc;

use actix_web::HttpResponse;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HeaderMap, HeaderName, HeaderValue,
    ORIGIN, VARY,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, ResponseError as _};

use crate::error::{ApiError, ErrorCode};

const METHODS: &str = "GET, POST, PUT, DELETE, OPTIONS";

/// The headers that every client needs; those that a preflight asks for are added.
const HEADERS: &str = "authorization, content-type";

/// What pages may read of an answer besides what they always may.
const EXPOSED: &str =
    "ETag, Retry-After, X-Request-Id, Allow, Link, WWW-Authenticate, RateLimit, RateLimit-Policy";

/// How long a browser may remember a preflight, in seconds.
const MAX_AGE: &str = "600";

/// What the answer to a preflight depends on.
const PREFLIGHT_VARY: &str = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers";

/// Whom the routes of a scope answer.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    listed: Rc<[String]>,
    others: Others,
}

/// What pages of origins that are not listed get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Others {
    /// The answer, without credentials.
    Wildcard,
    /// No word that would let them read it.
    Nothing,
}

impl Rules {
    /// Everything under `/api` is for the platform's own pages.
    pub(crate) fn listed_origins(origins: &[String]) -> Self {
        Self { listed: origins.into(), others: Others::Nothing }
    }

    /// The public list may be read by any page.
    pub(crate) fn any_origin(origins: &[String]) -> Self {
        Self { listed: origins.into(), others: Others::Wildcard }
    }

    /// Answers preflights, and lets pages read the answers that are theirs to read.
    pub(crate) async fn apply(
        self,
        request: ServiceRequest,
        next: Next<impl MessageBody + 'static>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        let origin = request.headers().get(ORIGIN).cloned();
        let allowed = origin.as_ref().and_then(|origin| self.allowed(origin));
        if is_preflight(request.request()) {
            let (request, _payload) = request.into_parts();
            let response = match allowed {
                Some(allowed) => preflight(&request, allowed),
                None => unlisted(),
            };
            return Ok(ServiceResponse::new(request, response));
        }
        let mut response = next.call(request).await?.map_into_boxed_body();
        let headers = response.headers_mut();
        vary(headers, "Origin");
        if let Some(allowed) = allowed {
            allowed.write(headers);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        }
        Ok(response)
    }

    fn allowed(&self, origin: &HeaderValue) -> Option<Allowed> {
        if self.listed.iter().any(|listed| origin == listed.as_str()) {
            return Some(Allowed { origin: origin.clone(), with_credentials: true });
        }
        let wildcard = || Allowed { origin: HeaderValue::from_static("*"), with_credentials: false };
        (self.others == Others::Wildcard).then(wildcard)
    }
}

/// An origin as an answer names it.
struct Allowed {
    origin: HeaderValue,
    with_credentials: bool,
}

impl Allowed {
    fn write(self, headers: &mut HeaderMap) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, self.origin);
        if self.with_credentials {
            headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }
}

/// Whether a browser asks what a page may do; `OPTIONS` alone is a route's own.
fn is_preflight(request: &HttpRequest) -> bool {
    request.method() == Method::OPTIONS
        && [ORIGIN, ACCESS_CONTROL_REQUEST_METHOD].iter().all(|name| request.headers().contains_key(name))
}

/// What is allowed; where that is less than the page wants, the browser says which.
fn preflight(request: &HttpRequest, allowed: Allowed) -> HttpResponse {
    let mut response = HttpResponse::Ok().finish();
    let headers = response.headers_mut();
    allowed.write(headers);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, allowed_headers(request.headers()));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static(MAX_AGE));
    vary(headers, PREFLIGHT_VARY);
    response
}

/// Every header that is asked for, since tracing, error reports and request libraries each add their own.
fn allowed_headers(asked: &HeaderMap) -> HeaderValue {
    let asked = asked.get_all(ACCESS_CONTROL_REQUEST_HEADERS).filter_map(|value| value.to_str().ok());
    let names = asked.flat_map(|value| value.split(',')).filter_map(|name| name.trim().parse().ok());
    let mut allowed = HEADERS.to_owned();
    for name in names {
        let name: HeaderName = name;
        if !HEADERS.split(", ").any(|known| known == name.as_str()) {
            allowed.extend([", ", name.as_str()]);
        }
    }
    HeaderValue::from_str(&allowed).unwrap_or(HeaderValue::from_static(HEADERS))
}

fn unlisted() -> HttpResponse {
    let why = "The pages of this origin may not call the service; add the origin to CORS_ORIGINS.";
    let mut response = ApiError::new(ErrorCode::BadRequest, why).error_response();
    vary(response.headers_mut(), PREFLIGHT_VARY);
    response
}

/// Says that the answer depends on these headers too, unless it says so already.
fn vary(headers: &mut HeaderMap, on: &'static str) {
    let says_so = headers.get_all(VARY).any(|value| value.to_str().is_ok_and(|text| text.contains(on)));
    if !says_so {
        headers.append(VARY, HeaderValue::from_static(on));
    }
}
