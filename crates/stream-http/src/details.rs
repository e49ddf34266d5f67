//! Details: what owners say of their streams, what new ones begin with, and the categories that there are.

mod body;
mod view;

use std::sync::Arc;

use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use stream_coalesce::{BatchRead, Batcher};
use stream_domain::Descriptions;
use stream_domain::details::Category;
use stream_domain::ports::StoreError;
use utoipa::ToSchema;

use crate::auth::SignedIn;
use crate::batches::{LARGE_READS, store_error};
use crate::conditional::{revalidated, weak_etag};
use crate::error::{ApiError, ErrorCode};
use crate::limits::PublicReads;
use crate::readiness::{AfterStart, Readiness};
use crate::routing::{get, get_and_put, stream_number};
use crate::trace::use_case;
use crate::view::JSON;

pub(crate) use body::{DetailsBody, NewStreamBody, NewStreamForm, parse, whole_number};
pub(crate) use view::{DetailsView, FullDetailsView};

/// What the handlers of details need.
pub(crate) struct DetailsApi {
    descriptions: AfterStart<Descriptions>,
    counts: Batcher<CountRead>,
    reads: PublicReads,
}

impl DetailsApi {
    pub(crate) fn new(descriptions: Descriptions, readiness: &Readiness, reads: PublicReads) -> Self {
        let counts = Batcher::new(CountRead(descriptions.clone()), LARGE_READS);
        Self { descriptions: AfterStart::new(descriptions, readiness), counts, reads }
    }
}

/// The live streams of each category, counted once for all requests that wait.
struct CountRead(Descriptions);

impl BatchRead for CountRead {
    type Request = ();
    type Response = Arc<[(Category, u64)]>;
    type Error = Arc<StoreError>;

    async fn read(&self, requests: Vec<()>) -> Result<Vec<Self::Response>, Arc<StoreError>> {
        let counts: Arc<[_]> = self.0.count_live().await.map_err(Arc::new)?.into();
        Ok(vec![counts; requests.len()])
    }
}

/// Registers the routes below `/api`.
pub(crate) fn routes(config: &mut ServiceConfig, api: &Data<DetailsApi>) {
    config
        .app_data(api.clone())
        .service(get_and_put("/streams/{id}/details", web::to(show_details), web::to(replace_details)))
        .service(get_and_put("/channel", web::to(show_channel), web::to(replace_channel)))
        .service(get("/categories", web::to(list_categories)));
}

/// The categories.
#[derive(Serialize, ToSchema)]
#[schema(as = CategoryList)]
pub(crate) struct CategoriesView {
    /// In the operator's order.
    categories: Vec<CategoryView>,
}

/// A category.
#[derive(Serialize, ToSchema)]
#[schema(as = Category)]
struct CategoryView {
    /// What the API calls it.
    #[schema(max_length = 32, pattern = "^[a-z0-9-]+$")]
    slug: String,
    /// What people read.
    #[schema(max_length = 60)]
    name: String,
    /// How many public streams of this category are live.
    live: u64,
}

/// Shows the details of a stream.
///
/// What its owner says of it; a stream of which nothing was said has `null`, nothing and `public`.
#[utoipa::path(
    get,
    path = "/api/streams/{id}/details",
    tag = "Details",
    security(("token" = [])),
    params(("id" = i32, Path, description = "The stream's number.")),
    responses((status = 200, description = "The details.", body = FullDetailsView<'_>)),
    extensions(("x-error-codes" = json!([ErrorCode::StreamNotFound]))),
)]
pub(crate) async fn show_details(
    SignedIn(user): SignedIn,
    id: Path<String>,
    api: Data<DetailsApi>,
) -> Result<HttpResponse, ApiError> {
    let own = api.descriptions.get()?.own(user, stream_number(&id)?);
    let details = use_case("details.own", own).await?.ok_or_else(ApiError::no_such_stream)?;
    Ok(HttpResponse::Ok().json(FullDetailsView::from(&details)))
}

/// Replaces the details of a stream.
///
/// All fields at once: one that is absent, `null` or empty is cleared.
/// Lists, searches and counts show them from then on; a stream that has ended keeps what it has.
#[utoipa::path(
    put,
    path = "/api/streams/{id}/details",
    tag = "Details",
    security(("token" = [])),
    params(("id" = i32, Path, description = "The stream's number.")),
    request_body = DetailsBody,
    responses((status = 200, description = "The details as they are kept.", body = FullDetailsView<'_>)),
    extensions(("x-error-codes" = json!([
        ErrorCode::InvalidBody, ErrorCode::InvalidTitle, ErrorCode::InvalidDescription, ErrorCode::InvalidTags,
        ErrorCode::InvalidCategory, ErrorCode::InvalidLanguage, ErrorCode::InvalidContentLabels,
        ErrorCode::InvalidVisibility, ErrorCode::StreamNotFound, ErrorCode::StreamEnded, ErrorCode::BodyTooLarge,
    ]))),
)]
pub(crate) async fn replace_details(
    SignedIn(user): SignedIn,
    id: Path<String>,
    body: DetailsBody,
    api: Data<DetailsApi>,
) -> Result<HttpResponse, ApiError> {
    let described = api.descriptions.get()?.describe(user, stream_number(&id)?, body.into());
    let details = use_case("details.describe", described).await?;
    Ok(HttpResponse::Ok().json(FullDetailsView::from(&details)))
}

/// Shows what new streams begin with.
///
/// The details that the user's next stream has unless its request says others.
#[utoipa::path(
    get,
    path = "/api/channel",
    tag = "Details",
    security(("token" = [])),
    responses((status = 200, description = "The channel's details.", body = FullDetailsView<'_>)),
)]
pub(crate) async fn show_channel(
    SignedIn(user): SignedIn,
    api: Data<DetailsApi>,
) -> Result<HttpResponse, ApiError> {
    let channel = use_case("details.channel", api.descriptions.get()?.channel(user)).await?;
    Ok(HttpResponse::Ok().json(FullDetailsView::from(&channel)))
}

/// Replaces what new streams begin with.
///
/// All fields at once: one that is absent, `null` or empty is cleared.
/// Streams that have begun stay as they are.
#[utoipa::path(
    put,
    path = "/api/channel",
    tag = "Details",
    security(("token" = [])),
    request_body = DetailsBody,
    responses((status = 200, description = "The details as they are kept.", body = FullDetailsView<'_>)),
    extensions(("x-error-codes" = json!([
        ErrorCode::InvalidBody, ErrorCode::InvalidTitle, ErrorCode::InvalidDescription, ErrorCode::InvalidTags,
        ErrorCode::InvalidCategory, ErrorCode::InvalidLanguage, ErrorCode::InvalidContentLabels,
        ErrorCode::InvalidVisibility, ErrorCode::BodyTooLarge,
    ]))),
)]
pub(crate) async fn replace_channel(
    SignedIn(user): SignedIn,
    body: DetailsBody,
    api: Data<DetailsApi>,
) -> Result<HttpResponse, ApiError> {
    let described = api.descriptions.get()?.describe_channel(user, body.into());
    let channel = use_case("details.describe_channel", described).await?;
    Ok(HttpResponse::Ok().json(FullDetailsView::from(&channel)))
}

/// Lists the categories.
///
/// Those that the operator has set, each with the number of its public streams that are live.
#[utoipa::path(
    get,
    path = "/api/categories",
    tag = "Catalog",
    responses(
        (status = 200, description = "The categories.", body = CategoriesView),
        (status = 304, description = "The list is the one that `If-None-Match` names."),
    ),
    extensions(("x-error-codes" = json!([ErrorCode::TooManyRequests]))),
)]
pub(crate) async fn list_categories(
    request: HttpRequest,
    api: Data<DetailsApi>,
) -> Result<HttpResponse, ApiError> {
    api.reads.count(&request)?;
    api.descriptions.get()?;
    let counts = async { api.counts.submit(()).await.map_err(store_error) };
    let counts = use_case("details.count_live", counts).await?;
    let view = |(category, live): &(Category, u64)| CategoryView {
        slug: category.slug.clone(),
        name: category.name.clone(),
        live: *live,
    };
    let view = CategoriesView { categories: counts.iter().map(view).collect() };
    let json = serde_json::to_vec(&view).expect("categories are JSON");
    Ok(revalidated(&request, weak_etag(&json), JSON, json))
}
