//! What a request may ask of the public list.

use actix_web::HttpRequest;
use serde::Deserialize;
use stream_domain::catalog::{CatalogQuery, PublicFilter};
use utoipa::IntoParams;

use crate::error::{ApiError, ErrorCode};
use crate::paging;

/// Which streams of the public list a request asks for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FilterQuery {
    /// `true` for the live streams only.
    #[param(value_type = Option<bool>)]
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
