//! What a request may ask of the public list.

use actix_web::HttpRequest;
use serde::Deserialize;
use stream_domain::catalog::{CatalogQuery, PublicFilter};

use crate::error::{ApiError, ErrorCode};
use crate::paging;

#[derive(Deserialize)]
struct FilterQuery {
    live: Option<String>,
}

/// Reads the page that a request asks for; `live` is `true`, or `false` as without it.
pub(super) fn requested_page(request: &HttpRequest) -> Result<CatalogQuery, ApiError> {
    let FilterQuery { live } = paging::query(request)?;
    let filter = match live.as_deref() {
        None | Some("false") => PublicFilter::Active,
        Some("true") => PublicFilter::Live,
        Some(_) => return Err(ErrorCode::InvalidLive.into()),
    };
    Ok(CatalogQuery { filter, page: paging::requested_page(request)? })
}
