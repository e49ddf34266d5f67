//! Files that are part of the binary: pages, scripts and styles, ready to be sent.

use std::sync::OnceLock;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentEncoding, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};

use crate::compression::{brotli, gzip, wanted_encoding};
use crate::conditional::{is_known, weak_etag};

/// Files shorter than this, in bytes, are not worth compressing.
const SHORT: usize = 1_024;

/// A file as it is sent, in each encoding that a client has requested.
pub(crate) struct File {
    content_type: &'static str,
    plain: Bytes,
    gzip: OnceLock<Bytes>,
    brotli: OnceLock<Bytes>,
    etag: HeaderValue,
}

impl File {
    pub(crate) fn new(content_type: &'static str, plain: impl Into<Bytes>) -> Self {
        let plain = plain.into();
        let etag = weak_etag(&plain);
        Self { content_type, plain, gzip: OnceLock::new(), brotli: OnceLock::new(), etag }
    }

    /// The file, or 304 if the client has it; a client may keep it, and revalidates it each time.
    pub(crate) fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let is_known = is_known(request, &self.etag);
        let mut response =
            HttpResponse::build(if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
        response.insert_header((header::ETAG, self.etag.clone()));
        response.insert_header((header::CACHE_CONTROL, "no-cache"));
        response.insert_header((header::VARY, "Accept-Encoding"));
        if is_known {
            return response.finish();
        }
        response.content_type(self.content_type);
        let encoding =
            if self.plain.len() < SHORT { ContentEncoding::Identity } else { wanted_encoding(request) };
        match encoding {
            ContentEncoding::Brotli => {
                let bytes = self.brotli.get_or_init(|| brotli(&self.plain).into());
                response.insert_header(ContentEncoding::Brotli).body(bytes.clone())
            }
            ContentEncoding::Gzip => {
                let bytes = self.gzip.get_or_init(|| gzip(&self.plain).into());
                response.insert_header(ContentEncoding::Gzip).body(bytes.clone())
            }
            _ => response.body(self.plain.clone()),
        }
    }
}
