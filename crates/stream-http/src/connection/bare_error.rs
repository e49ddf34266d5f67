//! Bare errors of the HTTP library, turned into JSON.
//!
//! A request that cannot be read as HTTP never reaches a handler: the library answers it with a status and no body.
//! It is found in the bytes that the library writes, and rewritten.

use std::net::SocketAddr;

use actix_web::http::StatusCode;
use memchr::memmem;

use super::heads::Protocol;
use crate::error::{ErrorCode, ErrorView};
use crate::headers::{HEADERS, REQUEST_ID};
use crate::request_id::RequestId;

/// If the bytes end with an error without a body, the same bytes with that error in the shape of all others.
///
/// Only the library itself writes such an error, as the last response on a connection: each of ours has a body or, to
/// `HEAD`, a length.
/// `protocol` is what the client speaks instead of HTTP/1, if that is known.
pub(super) fn rewrite(bytes: &[u8], protocol: Option<Protocol>, peer: SocketAddr) -> Option<Vec<u8>> {
    let (before, head, status) = find(bytes)?;
    let code = ErrorCode::of_status(status);
    let (received, sentence) = match protocol {
        Some(protocol) if code == ErrorCode::BadRequest => (protocol.description(), protocol.advice()),
        _ => (description(code), code.sentence()),
    };
    let view = ErrorView { error: sentence, code: code.as_str(), stream: None };
    let body = serde_json::to_string(&view).ok()?;
    let request_id = RequestId::generate();
    let (status, peer, request_id) = (status.as_u16(), peer.ip(), request_id.as_str());
    tracing::info!(status, %request_id, %peer, received, "a request could not be read");

    let mut shaped = before.to_owned();
    let kept = head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("content-length:"));
    kept.for_each(|line| shaped.extend([line, "\r\n"]));
    shaped.extend(["content-type: application/json\r\n", REQUEST_ID.as_str(), ": ", request_id, "\r\n"]);
    HEADERS.iter().for_each(|(name, value)| shaped.extend([name.as_str(), ": ", value, "\r\n"]));
    shaped.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    Some(shaped.into_bytes())
}

/// What was received, for the log.
fn description(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::RequestTimeout => "no complete head in time",
        ErrorCode::HeadersTooLarge => "too large or too many headers",
        _ => "not HTTP",
    }
}

/// An error without a body at the end of these bytes: what precedes it, its head, and its status.
fn find(bytes: &[u8]) -> Option<(&str, &str, StatusCode)> {
    let head = bytes.strip_suffix(b"\r\n\r\n")?;
    // A single response without a body that is no error, such as a 304, is common and quickly recognized.
    let is_one = memmem::find(bytes.get(1..)?, b"HTTP/1.").is_none();
    if is_one && matches!(bytes.get(9), Some(b'1'..=b'3')) {
        return None;
    }
    let text = std::str::from_utf8(head).ok()?;
    let (before, head) = text.split_at(text.rfind("HTTP/1.")?);
    let is_bare = head.lines().any(|line| line.eq_ignore_ascii_case("content-length: 0"));
    let status = head.split(' ').nth(1)?.parse().ok().and_then(|status| StatusCode::from_u16(status).ok())?;
    (is_bare && (status.is_client_error() || status.is_server_error())).then_some((before, head, status))
}
