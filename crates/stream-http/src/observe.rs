//! Around every request: an id, one line in the log, headers fit for an API, and one shape for every error.

use std::time::Instant;

use actix_http::ConnectionType;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, ResponseError as _, web};

use crate::auth::SignedIn;
use crate::connection::HangUp;
use crate::error::{ApiError, ErrorCode};
use crate::state::HttpState;

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a hook's request, for the lines that its handler logs.
#[derive(Debug)]
pub(crate) struct RequestId(HeaderValue);

impl RequestId {
    pub(crate) fn text(&self) -> String {
        self.0.to_str().unwrap_or_default().to_owned()
    }
}

/// Set on every answer that says nothing else: nothing here is a page, and everything here may hold a key.
pub(crate) const HEADERS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

pub(crate) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let state = request.app_data::<web::Data<HttpState>>().cloned();
    let request_id = request_id(&request, state.as_ref().map(|state| state.get_ref()));
    let method = request.method().clone();
    if request.path().starts_with("/hooks/") {
        request.extensions_mut().insert(RequestId(request_id.clone()));
    }

    // Refusals of handlers and extractors are answers too; only a broken middleware ends here.
    let response = next.call(request).await?;
    let mut response = in_one_shape(response.map_into_boxed_body());

    set_headers(response.headers_mut());
    response.headers_mut().insert(REQUEST_ID, request_id.clone());
    // What is left of a request that was too large or too slow is not waited for.
    let is_cut_short =
        matches!(response.status(), StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE);
    if let Some(hang_up) = response.request().conn_data::<HangUp>().filter(|_| is_cut_short) {
        hang_up.soon();
    }
    let is_draining = state.is_some_and(|state| state.readiness.is_draining());
    if is_draining || is_cut_short {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }

    let request = response.request();
    let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let user_id = request.extensions().get::<SignedIn>().map(|user| user.0.get());
    let request_id = request_id.to_str().unwrap_or_default();
    if let Some(cause) = cause(&response) {
        tracing::error!(%request_id, %cause, "a request failed");
    }
    let status = response.status();
    let duration_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    let peer = request.peer_addr().map(|peer| tracing::field::display(peer.ip()));
    let bytes = match response.response().body().size() {
        BodySize::Sized(bytes) => Some(bytes),
        BodySize::None | BodySize::Stream => None,
    };
    // Whoever asks every other second whether all is well need not be noted while it is.
    if route.starts_with("/health") && status.is_success() {
        tracing::debug!(%method, %route, status = status.as_u16(), duration_us, %request_id, peer, "request");
        return Ok(response);
    }
    tracing::info!(
        %method, %route, status = status.as_u16(), duration_us, %request_id, user_id, peer, bytes, "request"
    );
    Ok(response)
}

/// The client's id for the request if it is a plain one, else a new one.
fn request_id(request: &ServiceRequest, state: Option<&HttpState>) -> HeaderValue {
    let given = request.headers().get(&REQUEST_ID).filter(|value| {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        (1..=128).contains(&value.len()) && value.as_bytes().iter().all(plain)
    });
    match (given, state) {
        (Some(given), _) => given.clone(),
        (None, Some(state)) => state.new_request_id(),
        (None, None) => HeaderValue::from_static("unknown"),
    }
}

fn set_headers(headers: &mut HeaderMap) {
    for (name, value) in HEADERS {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    }
}

/// Gives an error that a library rendered (a line of plain text, mostly) the shape of all others.
fn in_one_shape(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    if !is_error || is_json {
        return response;
    }
    let (request, response) = response.into_parts();
    let (response, body) = response.into_parts();
    let code = ErrorCode::of_status(status);
    let text = body.try_into_bytes().ok().and_then(|bytes| String::from_utf8(bytes.to_vec()).ok());
    // What a library says of the client's mistake helps; what it says of its own stays inside.
    let said = text.filter(|text| status.is_client_error() && !text.is_empty());
    let error = said.map_or_else(|| code.into(), |text| ApiError::new(code, format!("{text}.")));
    let mut shaped = error.error_response();
    *shaped.status_mut() = status;
    for (name, value) in response.headers() {
        if !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH) {
            shaped.headers_mut().append(name.clone(), value.clone());
        }
    }
    ServiceResponse::new(request, shaped)
}

/// The chain behind a server error, told to the log once, here.
fn cause(response: &ServiceResponse<BoxBody>) -> Option<String> {
    response.response().error()?.as_error::<ApiError>()?.chain()
}
