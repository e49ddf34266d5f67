//! What is delivered to an endpoint: shown, and sent once more.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use stream_domain::events::LogPosition;

use super::api::{WebhooksApi, number};
use super::body::ReplayBody;
use super::query::{self, DeliveriesQuery};
use super::view::{DeliveryPageView, DeliveryView, WebhookView};
use crate::auth::SignedIn;
use crate::error::{ApiError, ErrorCode};
use crate::trace::use_case;

/// Lists what was and is to be delivered to an endpoint.
///
/// The latest event first, each with the attempts that there were; deliveries are kept as long as their events.
#[utoipa::path(
    get,
    path = "/api/webhooks/{id}/deliveries",
    tag = "Webhooks",
    security(("token" = [])),
    params(("id" = i64, Path, description = "The endpoint's number.", minimum = 1), DeliveriesQuery),
    responses((
        status = 200, description = "The requested page.", body = DeliveryPageView<'_>,
        links(("next_page" = (
            operation_id = "list_deliveries",
            parameters(("id" = "$request.path.id"), ("cursor" = "$response.body#/next_cursor"))
        ))),
    )),
    extensions(("x-error-codes" = json!([
        ErrorCode::InvalidLimit, ErrorCode::InvalidCursor, ErrorCode::InvalidStatus, ErrorCode::WebhookNotFound,
    ]))),
)]
pub(crate) async fn list_deliveries(
    SignedIn(user): SignedIn,
    id: Path<String>,
    request: HttpRequest,
    api: Data<WebhooksApi>,
) -> Result<HttpResponse, ApiError> {
    let asked = query::deliveries(&request, number(&id)?)?;
    let page = use_case("webhooks.deliveries", api.webhooks.get()?.deliveries(user, &asked)).await?;
    Ok(HttpResponse::Ok().json(DeliveryPageView::of(&page)))
}

/// Delivers an event once more.
///
/// At once, whether it was delivered or given up; where that fails, it is tried again as a new event is.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/deliveries/{position}/retry",
    tag = "Webhooks",
    security(("token" = [])),
    params(
        ("id" = i64, Path, description = "The endpoint's number.", minimum = 1),
        ("position" = i64, Path, description = "The event's position in the log.", minimum = 1),
    ),
    responses((status = 202, description = "The delivery, which is pending now.", body = DeliveryView<'_>)),
    extensions(("x-error-codes" = json!([
        ErrorCode::WebhookNotFound, ErrorCode::DeliveryNotFound, ErrorCode::WebhookDisabled,
    ]))),
)]
pub(crate) async fn retry_delivery(
    SignedIn(user): SignedIn,
    path: Path<(String, String)>,
    api: Data<WebhooksApi>,
) -> Result<HttpResponse, ApiError> {
    let (id, position) = path.into_inner();
    let webhooks = api.webhooks.get()?;
    let (id, position) = (number(&id)?, position.parse().map(LogPosition));
    let position = position.map_err(|_| ErrorCode::DeliveryNotFound)?;
    let delivery = use_case("webhooks.retry", webhooks.retry(user, id, position)).await?;
    Ok(HttpResponse::Accepted().json(DeliveryView::of(&delivery)))
}

/// Delivers everything once more that happened after a position.
///
/// What the endpoint's types name, in the order in which it happened, delivered before or not; tests are left out.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/replay",
    tag = "Webhooks",
    security(("token" = [])),
    params(("id" = i64, Path, description = "The endpoint's number.", minimum = 1)),
    request_body = ReplayBody,
    responses((status = 202, description = "The events will be sent.", body = WebhookView<'_>)),
    extensions(("x-error-codes" = json!([
        ErrorCode::InvalidBody, ErrorCode::InvalidAfter, ErrorCode::WebhookNotFound, ErrorCode::WebhookDisabled,
        ErrorCode::EventsForgotten, ErrorCode::BodyTooLarge,
    ]))),
)]
pub(crate) async fn replay_events(
    SignedIn(user): SignedIn,
    id: Path<String>,
    body: ReplayBody,
    api: Data<WebhooksApi>,
) -> Result<HttpResponse, ApiError> {
    let (id, after) = (number(&id)?, body.after()?);
    let webhook = use_case("webhooks.replay", api.webhooks.get()?.replay(user, id, after)).await?;
    Ok(HttpResponse::Accepted().json(WebhookView::of(&webhook)))
}
