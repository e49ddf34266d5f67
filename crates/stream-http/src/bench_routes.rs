//! Fixed bytes, for benchmarks alone: what this server does when an answer costs nothing to find.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Path};

use crate::view::JSON;

/// The longest body, in bytes.
const MAX_LENGTH: usize = 1 << 20;

/// A body of `length` bytes, at most 1 MiB, without copying.
pub fn fixed_bytes(length: usize) -> Bytes {
    static BYTES: [u8; MAX_LENGTH] = [b' '; MAX_LENGTH];
    Bytes::from_static(&BYTES[..length.min(MAX_LENGTH)])
}

/// `GET /api/bench/{length}`.
pub(crate) async fn show_fixed_bytes(length: Path<usize>) -> HttpResponse {
    HttpResponse::Ok().content_type(JSON).body(fixed_bytes(*length))
}
