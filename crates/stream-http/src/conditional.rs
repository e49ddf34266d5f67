//! Conditional requests: whether a client already has what would be sent.

use actix_web::http::header::{self, EntityTag, Header as _, HeaderValue, IF_NONE_MATCH, IfNoneMatch};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha1::{Digest as _, Sha1};

/// The `ETag` of these bytes: weak, since it names them in each encoding.
pub(crate) fn weak_etag(bytes: &[u8]) -> HeaderValue {
    // 16 bytes of a hash are enough to tell responses apart.
    let name = URL_SAFE_NO_PAD.encode(&Sha1::digest(bytes)[..16]);
    HeaderValue::from_str(&format!("W/\"{name}\"")).expect("base64 is printable")
}

/// A public response that a client may keep, and revalidates each time.
pub(crate) fn revalidated(
    request: &HttpRequest,
    etag: HeaderValue,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> HttpResponse {
    let is_known = is_known(request, &etag);
    let mut response = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::ETAG, etag)).insert_header((header::CACHE_CONTROL, "no-cache"));
    response.insert_header((header::VARY, "Origin"));
    if is_known { response.finish() } else { response.content_type(content_type).body(body.into()) }
}

/// Whether the client has what this `ETag` names, in any encoding.
pub(crate) fn is_known(request: &HttpRequest, etag: &HeaderValue) -> bool {
    let Some(known) = request.headers().get(IF_NONE_MATCH) else {
        return false;
    };
    if known == etag {
        return true;
    }
    let own = etag.to_str().ok().and_then(|text| text.parse::<EntityTag>().ok());
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(items)) => own.is_some_and(|own| items.iter().any(|item| item.weak_eq(&own))),
        Err(_) => false,
    }
}
