//! Development sessions: a token for a click, on the machine that the service was started on.
//!
//! They are there only where the secret was made for this installation, so no platform trusts these tokens, and only for
//! clients of this machine that ask without a proxy: a page of another site that has its name resolved to this machine
//! (DNS rebinding) is told apart by `Host`, and one that sends a request across origins by `Origin`.

use std::net::IpAddr;

use actix_web::http::header::{FORWARDED, HOST, HeaderMap, HeaderName, ORIGIN, VIA, X_FORWARDED_FOR};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use utoipa::ToSchema;

use super::api::{ConsoleApi, IssuedToken};
use crate::error::{ApiError, ErrorCode};
use crate::rfc3339::Rfc3339;

/// Headers that proxies add.
const ADDED_BY_PROXIES: [HeaderName; 4] =
    [FORWARDED, VIA, X_FORWARDED_FOR, HeaderName::from_static("x-real-ip")];

/// A development session.
#[derive(Serialize, ToSchema)]
#[schema(as = DevelopmentSession)]
pub(crate) struct SessionView {
    /// What to send as `Authorization: Bearer …`.
    token: String,
    /// The user whom the token names.
    user_id: i32,
    /// Until when it is valid.
    expires_at: Rfc3339,
}

/// Starts a development session.
///
/// It is there where `SECRET_KEY` is not set and the service made a secret of its own, and only for pages and programs on
/// the same machine, without a proxy in between.
#[utoipa::path(
    post,
    path = "/console/session",
    tag = "Console",
    responses((status = 201, description = "The session, of user 1.", body = SessionView)),
    extensions(("x-error-codes" = json!([ErrorCode::NotFound, ErrorCode::NotLocal]))),
)]
pub(crate) async fn start_session(
    request: HttpRequest,
    api: Data<ConsoleApi>,
) -> Result<HttpResponse, ApiError> {
    let tokens = api.options.development.as_ref().ok_or(ErrorCode::NotFound)?;
    if !is_local(&request) {
        return Err(ErrorCode::NotLocal.into());
    }
    let IssuedToken { token, user, expires_at } = tokens.issue().ok_or(ErrorCode::InternalError)?;
    Ok(HttpResponse::Created().json(SessionView {
        token: token.expose().to_owned(),
        user_id: user.get(),
        expires_at: Rfc3339(expires_at),
    }))
}

/// Whether a client of this machine asks, without a proxy and not for a page of another site.
pub(super) fn is_local(request: &HttpRequest) -> bool {
    let headers = request.headers();
    let is_loopback = request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback());
    is_loopback && !ADDED_BY_PROXIES.iter().any(|name| headers.contains_key(name)) && is_own_page(headers)
}

/// Whether `Host` names this machine, and `Origin`, if there is one, the same place.
fn is_own_page(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let Some(host) = text(HOST).filter(|host| names_this_machine(host)) else {
        return false;
    };
    text(ORIGIN).is_none_or(|origin| origin.strip_prefix("http://") == Some(host))
}

/// Whether an authority, with or without a port, is this machine itself by any name.
fn names_this_machine(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    let host = host.to_ascii_lowercase();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.to_canonical().is_loopback())
}
