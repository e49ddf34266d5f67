//! What a request may ask of the public list.

use actix_web::HttpRequest;
use serde::Deserialize;
use stream_domain::catalog::{CatalogQuery, PublicFilter};
use stream_domain::details::{Categories, SearchForm};
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
    /// A slug: the streams of this category only.
    #[param(value_type = Option<String>, format = "category")]
    category: Option<String>,
    /// A BCP 47 tag: the streams in this language only; `en` finds `en-GB` too.
    #[param(value_type = Option<String>, format = "language")]
    language: Option<String>,
    /// The streams with this tag only, whatever its case.
    #[param(value_type = Option<String>, format = "tag")]
    tag: Option<String>,
    /// Up to eight words that title, tags or description must have, the last by its beginning; at most 200 characters.
    #[param(value_type = Option<String>, format = "question")]
    q: Option<String>,
}

/// Reads the page that a request asks for; `live` is `true`, or `false` as without it, and filters that are empty are none.
pub(super) fn requested_page(
    request: &HttpRequest,
    categories: &Categories,
) -> Result<CatalogQuery, ApiError> {
    let FilterQuery { live, category, language, tag, q } = paging::query(request)?;
    let filter = match live.as_deref() {
        None | Some("false") => PublicFilter::Active,
        Some("true") => PublicFilter::Live,
        Some(_) => return Err(ErrorCode::InvalidLive.into()),
    };
    let search = SearchForm { category, language, tag, question: q }.read(categories)?;
    let page = paging::requested_page(request)?;
    Ok(CatalogQuery { filter, search, ..CatalogQuery::active(page) })
}
