//! Fixed bytes, for benchmarks alone: what this server would do if answers cost nothing to find.

use actix_web::HttpResponse;
use actix_web::web::{Bytes, Path};

use crate::view::JSON;

/// How many bytes can be asked for.
const MOST: usize = 1 << 20;

/// So many bytes, that are made once.
pub fn fixed_bytes(length: usize) -> Bytes {
    static BYTES: [u8; MOST] = [b' '; MOST];
    Bytes::from_static(&BYTES[..length.min(MOST)])
}

/// `GET /api/yardsticks/{length}`.
pub(crate) async fn show_fixed_bytes(length: Path<usize>) -> HttpResponse {
    HttpResponse::Ok().content_type(JSON).body(fixed_bytes(*length))
}
