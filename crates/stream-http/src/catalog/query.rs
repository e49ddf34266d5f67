//! What a request may ask of the public list.

use actix_web::HttpRequest;
use serde::Deserialize;
use stream_domain::PageRequest;

use crate::error::{ApiError, ErrorCode};
use crate::paging;

/// Which streams the public list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum PublicFilter {
    /// Those whose key may publish.
    Active,
    /// Those that are live.
    Live,
}

/// A page of the public list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct PublicPage {
    pub(super) filter: PublicFilter,
    pub(super) page: PageRequest,
}

#[derive(Deserialize)]
struct FilterQuery {
    live: Option<String>,
}

/// Reads the page that a request asks for; `live` is `true`, or `false` as without it.
pub(super) fn requested_page(request: &HttpRequest) -> Result<PublicPage, ApiError> {
    let FilterQuery { live } = paging::query(request)?;
    let filter = match live.as_deref() {
        None | Some("false") => PublicFilter::Active,
        Some("true") => PublicFilter::Live,
        Some(_) => return Err(ErrorCode::InvalidLive.into()),
    };
    Ok(PublicPage { filter, page: paging::requested_page(request)? })
}
