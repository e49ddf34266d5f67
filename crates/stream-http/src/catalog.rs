//! The catalog: which streams are active or live, for everybody.

mod pages;
mod popular;
mod query;
mod rendered;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, ContentEncoding};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Scope};
use stream_domain::keys::LookupError;
use stream_domain::{Catalog, Descriptions, PlaybackId};

use crate::addresses::{Addresses, Audience};
use crate::compression::wanted_encoding;
use crate::conditional::is_known;
use crate::cors;
use crate::error::{ApiError, ErrorCode};
use crate::limits::PublicReads;
use crate::paging::PageQuery;
use crate::readiness::AfterStart;
use crate::routing::{get, not_found};
use crate::trace::use_case;
use crate::turns::Turns;
use crate::view::{DescribedView, JSON, PageView, StreamView, answer_stream};
pub(crate) use pages::Pages;

/// What the handlers of the catalog need.
pub(crate) struct CatalogApi {
    pub(crate) catalog: AfterStart<Catalog>,
    pub(crate) descriptions: Descriptions,
    pub(crate) addresses: Addresses,
    pub(crate) turns: Arc<Turns>,
    pub(crate) pages: Pages,
    pub(crate) reads: PublicReads,
}

/// Registers the routes; `origins` may send credentials, and every other origin may read without.
pub(crate) fn routes(config: &mut ServiceConfig, api: &Data<CatalogApi>, origins: &[String]) {
    config
        .app_data(api.clone())
        .service(
            public_routes()
                .guard(cors::is_from(origins))
                .wrap(cors::listed_origins(origins))
                .wrap(from_fn(cors::complete_preflight)),
        )
        .service(public_routes().wrap(cors::any_origin()).wrap(from_fn(cors::complete_preflight)));
}

fn public_routes() -> Scope {
    web::scope("/api/streams/public")
        .service(get("", web::to(list_public)))
        .service(get("/{playback_id}", web::to(find_public_stream)))
        .default_service(web::to(not_found))
}

/// Lists what is active or live.
///
/// Every active stream, newest first, with `live=true` every live one: all of them, unless `limit` or `cursor` requests
/// a page.
/// `category`, `language`, `tag` and `q` narrow it down to streams that have them all; unlisted streams are never in it.
/// The list is read from the database after the request arrived, also for a 304.
/// Lists of 1 KiB and more are compressed with brotli or gzip for clients that accept it.
#[utoipa::path(
    get,
    path = "/api/streams/public",
    tag = "Catalog",
    params(query::FilterQuery, PageQuery),
    responses(
        (
            status = 200, description = "The list, or the requested page of it.", body = PageView<'_>,
            links(("next_page" = (operation_id = "list_public", parameters(("cursor" = "$response.body#/next_cursor"))))),
        ),
        (status = 304, description = "The list is the one that `If-None-Match` names."),
    ),
    extensions(("x-error-codes" = json!([
        ErrorCode::InvalidLimit, ErrorCode::InvalidCursor, ErrorCode::InvalidLive, ErrorCode::InvalidCategory,
        ErrorCode::InvalidLanguage, ErrorCode::InvalidTag, ErrorCode::InvalidQ, ErrorCode::TooManyRequests,
    ]))),
)]
pub(crate) async fn list_public(
    request: HttpRequest,
    api: Data<CatalogApi>,
) -> Result<HttpResponse, ApiError> {
    api.reads.count(&request)?;
    let asked = query::requested_page(&request, api.descriptions.categories())?;
    api.catalog.get()?;
    let page = use_case("catalog.list", api.pages.show(asked)).await?;
    let list = &page.rendered;
    let is_known = is_known(&request, &list.etag);
    let mut response = HttpResponse::build(if is_known { StatusCode::NOT_MODIFIED } else { StatusCode::OK });
    response.insert_header((header::ETAG, list.etag.clone()));
    // A client may keep it, and revalidates it each time.
    response.insert_header((header::CACHE_CONTROL, "no-cache"));
    response.insert_header((header::VARY, "Accept-Encoding, Origin"));
    if is_known {
        return Ok(response.finish());
    }
    let encoding =
        if list.is_long_enough_to_compress() { wanted_encoding(&request) } else { ContentEncoding::Identity };
    if encoding != ContentEncoding::Identity {
        response.insert_header(encoding);
    }
    Ok(response.content_type(JSON).body(list.encoded(encoding).await))
}

/// Shows a stream to its viewers.
///
/// A page that plays the stream polls this: 410 and 404 mean that the broadcast has ended.
#[utoipa::path(
    get,
    path = "/api/streams/public/{playback_id}",
    tag = "Catalog",
    params((
        "playback_id" = String, Path, description = "The stream's public name.", min_length = 1, max_length = 64,
        pattern = "^[A-Za-z0-9_-]+$",
    )),
    responses((status = 200, description = "The key of this stream may publish.", body = DescribedView<'_>)),
    extensions(("x-error-codes" = json!([
        ErrorCode::StreamNotFound, ErrorCode::StreamStopped, ErrorCode::StreamExpired,
        ErrorCode::TooManyRequests,
    ]))),
)]
pub(crate) async fn find_public_stream(
    request: HttpRequest,
    text: Path<String>,
    api: Data<CatalogApi>,
) -> Result<HttpResponse, ApiError> {
    api.reads.count(&request)?;
    let id = PlaybackId::parse(&text).map_err(|_| no_such_stream())?;
    let catalog = api.catalog.get()?;
    let find = async {
        let (found, now) = use_case("catalog.find", catalog.find(&id)).await?;
        let details = use_case("details.of", api.descriptions.of(found.id)).await?;
        Ok::<_, LookupError>((found, details, now))
    };
    let (found, details, now) = api.turns.look_up(&request, find).await.map_err(|error| match error {
        error if error.code() == ErrorCode::StreamNotFound => no_such_stream(),
        error => error,
    })?;
    let stream = StreamView::at(now, &found, &api.addresses, Audience::Public);
    Ok(answer_stream(&DescribedView::new(stream, &details)))
}

fn no_such_stream() -> ApiError {
    ApiError::new(ErrorCode::StreamNotFound, "No stream has this playback id.")
}
