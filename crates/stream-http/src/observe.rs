//! Around every request: an id, one line in the log, the headers of every response, and one shape for every error.

use std::time::Instant;

use actix_http::ConnectionType;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, ResponseError as _};
use stream_metrics::RequestMetrics;
use tracing::Instrument as _;

use crate::auth::SignedIn;
use crate::error::{ApiError, ErrorCode};
use crate::hang_up::HangUp;
use crate::headers::{REQUEST_ID, set_headers};
use crate::readiness::Readiness;
use crate::request_id::RequestId;
use crate::trace::{RequestTrace, TraceSampler};

/// The middleware of all routes.
pub(crate) async fn observe(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let began = Instant::now();
    let in_flight = request.app_data::<RequestMetrics>().map(RequestMetrics::begin);
    let request_id = RequestId::of(request.headers());
    let method = request.method().clone();
    if request.path().starts_with("/hooks/") {
        // For the lines that the handler logs.
        request.extensions_mut().insert(request_id.clone());
    }

    let trace = RequestTrace::begin(
        request.app_data::<TraceSampler>(),
        &method,
        request.headers(),
        request_id.as_str(),
    );
    // Errors of handlers and extractors are responses too; only a broken middleware ends here.
    let response = next.call(request).instrument(trace.span()).await?;
    let mut response = with_json_error(response.map_into_boxed_body());

    set_headers(response.headers_mut());
    response.headers_mut().insert(REQUEST_ID, request_id.to_header());
    // The rest of a request that was too large or too slow is not read.
    let is_cut_short =
        matches!(response.status(), StatusCode::REQUEST_TIMEOUT | StatusCode::PAYLOAD_TOO_LARGE);
    if let Some(hang_up) = response.request().conn_data::<HangUp>().filter(|_| is_cut_short) {
        hang_up.soon();
    }
    let is_draining = response.request().app_data::<Readiness>().is_some_and(Readiness::is_draining);
    if is_draining || is_cut_short {
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }

    let request = response.request();
    let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
    let user_id = request.extensions().get::<SignedIn>().map(|user| user.0.get());
    let (request_id, trace_id) = (request_id.as_str(), trace.id());
    if let Some(cause) = cause(&response) {
        tracing::error!(%request_id, trace_id, %cause, "a request failed");
    }
    let status = response.status();
    trace.end(&method, &route, status);
    if let Some(in_flight) = in_flight {
        in_flight.end(&route, method.as_str(), status.as_u16());
    }
    let duration_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
    let peer = request.peer_addr().map(|peer| tracing::field::display(peer.ip()));
    let bytes = match response.response().body().size() {
        BodySize::Sized(bytes) => Some(bytes),
        BodySize::None | BodySize::Stream => None,
    };
    // Probes and scrapes come every few seconds; those that succeed are noise.
    let is_probe = route.starts_with("/health") || route == "/metrics";
    if is_probe && status.is_success() {
        tracing::debug!(%method, %route, status = status.as_u16(), duration_us, %request_id, trace_id, peer, "request");
        return Ok(response);
    }
    tracing::info!(
        %method, %route, status = status.as_u16(), duration_us, %request_id, trace_id, user_id, peer, bytes, "request"
    );
    Ok(response)
}

/// Turns an error that a library rendered, mostly as a line of plain text, into JSON as all others.
fn with_json_error(response: ServiceResponse<BoxBody>) -> ServiceResponse<BoxBody> {
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
    // What a library says about the client's mistake helps; what it says about its own stays inside.
    let hint = text.filter(|text| status.is_client_error() && !text.is_empty());
    let error = hint.map_or_else(|| code.into(), |text| ApiError::new(code, format!("{text}.")));
    let mut shaped = error.error_response();
    *shaped.status_mut() = status;
    for (name, value) in response.headers() {
        if !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH) {
            shaped.headers_mut().append(name.clone(), value.clone());
        }
    }
    ServiceResponse::new(request, shaped)
}

/// The chain of causes of a server error, which is logged once, here.
fn cause(response: &ServiceResponse<BoxBody>) -> Option<String> {
    response.response().error()?.as_error::<ApiError>()?.chain()
}
