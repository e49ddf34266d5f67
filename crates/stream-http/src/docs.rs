//! What describes the API to its clients: the document, and a page that shows it.
//!
//! The committed document is served, which a test compares with the code: what makes it is larger than it, and is no part
//! of the binary.
//! The page's files are part of the binary too, and its policy lets it load nothing from anywhere else.

use actix_web::http::header::{self, HeaderValue};
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;

use crate::files::File;
use crate::routing::get;
use crate::view::JSON;

/// The page may load what this service serves, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The document, with the indentation of its committed copy.
const DOCUMENT: &str = include_str!("../openapi.json");

/// The files, ready to be sent.
pub(crate) struct DocsApi {
    document: File,
    page: File,
    script: File,
    style: File,
}

impl DocsApi {
    pub(crate) fn new() -> Self {
        let document: Value = serde_json::from_str(DOCUMENT).expect("a test compares it with a JSON value");
        Self {
            document: File::new(JSON, document.to_string()),
            page: File::new("text/html; charset=utf-8", include_str!("docs/page.html")),
            script: File::new("text/javascript; charset=utf-8", include_str!("docs/script.js")),
            style: File::new("text/css; charset=utf-8", include_str!("docs/style.css")),
        }
    }
}

/// Registers the routes.
pub(crate) fn routes(config: &mut ServiceConfig, api: &Data<DocsApi>) {
    config
        .app_data(api.clone())
        .service(get("/openapi.json", web::to(show_document)))
        .service(get("/docs", web::to(show_page)))
        .service(get("/docs/script.js", web::to(show_script)))
        .service(get("/docs/style.css", web::to(show_style)));
}

/// Describes this API.
///
/// This document: OpenAPI 3.1, as JSON.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "Documentation",
    responses(
        (status = 200, description = "The document.", body = Object, content_type = "application/json"),
        (status = 304, description = "The document is the one that `If-None-Match` names."),
    ),
)]
pub(crate) async fn show_document(request: HttpRequest, api: Data<DocsApi>) -> HttpResponse {
    api.document.answer(&request)
}

/// Shows this document as a page.
///
/// The page loads its script, its style and the document from this service, and nothing else from anywhere.
#[utoipa::path(
    get,
    path = "/docs",
    tag = "Documentation",
    responses(
        (status = 200, description = "The page.", body = String, content_type = "text/html"),
        (status = 304, description = "The page is the one that `If-None-Match` names."),
    ),
)]
pub(crate) async fn show_page(request: HttpRequest, api: Data<DocsApi>) -> HttpResponse {
    let mut response = api.page.answer(&request);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

/// Serves the page's script.
///
/// It renders the document; text is set as text, never as HTML.
#[utoipa::path(
    get,
    path = "/docs/script.js",
    tag = "Documentation",
    responses(
        (status = 200, description = "The script.", body = String, content_type = "text/javascript"),
        (status = 304, description = "The script is the one that `If-None-Match` names."),
    ),
)]
pub(crate) async fn show_script(request: HttpRequest, api: Data<DocsApi>) -> HttpResponse {
    api.script.answer(&request)
}

/// Serves the page's style.
///
/// It follows the reader's choice of light or dark.
#[utoipa::path(
    get,
    path = "/docs/style.css",
    tag = "Documentation",
    responses(
        (status = 200, description = "The style.", body = String, content_type = "text/css"),
        (status = 304, description = "The style is the one that `If-None-Match` names."),
    ),
)]
pub(crate) async fn show_style(request: HttpRequest, api: Data<DocsApi>) -> HttpResponse {
    api.style.answer(&request)
}
