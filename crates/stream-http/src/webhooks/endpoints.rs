//! Endpoints: added, shown, changed, tested and taken away by their owners.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use super::api::{WebhooksApi, number};
use super::body::WebhookBody;
use super::view::{SecretWebhookView, WebhookListView, WebhookView};
use crate::auth::SignedIn;
use crate::error::{ApiError, ErrorCode};
use crate::trace::use_case;

/// Lists the caller's endpoints.
///
/// At most ten, the first one first.
#[utoipa::path(
    get,
    path = "/api/webhooks",
    tag = "Webhooks",
    security(("token" = [])),
    responses((status = 200, description = "The endpoints.", body = WebhookListView<'_>)),
)]
pub(crate) async fn list_webhooks(
    SignedIn(user): SignedIn,
    api: Data<WebhooksApi>,
) -> Result<HttpResponse, ApiError> {
    let webhooks = use_case("webhooks.list", api.webhooks.get()?.list(user)).await?;
    Ok(HttpResponse::Ok().json(WebhookListView::of(&webhooks)))
}

/// Adds an endpoint.
///
/// From now on the caller's events are delivered there: signed as Standard Webhooks 1.0.0 says, at least once, and tried
/// again for three days.
/// The response has the secret, which is shown this once.
#[utoipa::path(
    post,
    path = "/api/webhooks",
    tag = "Webhooks",
    security(("token" = [])),
    request_body = WebhookBody,
    responses((
        status = 201, description = "The new endpoint, with its secret.", body = SecretWebhookView<'_>,
        links(("webhook" = (operation_id = "show_webhook", parameters(("id" = "$response.body#/id"))))),
    )),
    extensions(("x-error-codes" = json!([
        ErrorCode::InvalidBody, ErrorCode::InvalidDescription, ErrorCode::InvalidTypes, ErrorCode::InvalidUrl,
        ErrorCode::TooManyWebhooks, ErrorCode::BodyTooLarge,
    ]))),
)]
pub(crate) async fn add_webhook(
    SignedIn(user): SignedIn,
    body: WebhookBody,
    api: Data<WebhooksApi>,
) -> Result<HttpResponse, ApiError> {
    let webhook = use_case("webhooks.add", api.webhooks.get()?.add(user, body.into())).await?;
    Ok(HttpResponse::Created().json(SecretWebhookView::of(&webhook)))
}

/// Shows an endpoint to its owner.
///
/// Its secret is shown when it is added, and when it is rotated.
#[utoipa::path(
    get,
    path = "/api/webhooks/{id}",
    tag = "Webhooks",
    security(("token" = [])),
    params(("id" = i64, Path, description = "The endpoint's number.", minimum = 1)),
    responses((status = 200, description = "The endpoint.", body = WebhookView<'_>)),
    extensions(("x-error-codes" = json!([ErrorCode::WebhookNotFound]))),
)]
pub(crate) async fn show_webhook(
    SignedIn(user): SignedIn,
    id: Path<String>,
    api: Data<WebhooksApi>,
) -> Result<HttpResponse, ApiError> {
    let webhook = use_case("webhooks.own", api.webhooks.get()?.own(user, number(&id)?)).await?;
    Ok(HttpResponse::Ok().json(WebhookView::of(&webhook)))
}

/// Says everything of an endpoint anew.
///
/// A field that is absent, `null` or empty is cleared; without `enabled` it is switched on.
/// One that is switched on again gets what was pending, and `replay` brings what it has missed meanwhile.
#[utoipa::path(
    put,
    path = "/api/webhooks/{id}",
    tag = "Webhooks",
    security(("token" = [])),
    params(("id" = i64, Path, description = "The endpoint's number.", minimum = 1)),
    request_body = WebhookBody,
    responses((status = 200, description = "The endpoint as it is kept.", body = WebhookView<'_>)),
    extensions(("x-error-codes" = json!([
        ErrorCode::InvalidBody, ErrorCode::InvalidDescription, ErrorCode::InvalidTypes, ErrorCode::InvalidUrl,
        ErrorCode::WebhookNotFound, ErrorCode::BodyTooLarge,
    ]))),
)]
pub(crate) async fn replace_webhook(
    SignedIn(user): SignedIn,
    id: Path<String>,
    body: WebhookBody,
    api: Data<WebhooksApi>,
) -> Result<HttpResponse, ApiError> {
    let webhooks = api.webhooks.get()?;
    let webhook = use_case("webhooks.replace", webhooks.replace(user, number(&id)?, body.into())).await?;
    Ok(HttpResponse::Ok().json(WebhookView::of(&webhook)))
}

/// Takes an endpoint away.
///
/// Nothing is sent there any more, and its deliveries are forgotten.
#[utoipa::path(
    delete,
    path = "/api/webhooks/{id}",
    tag = "Webhooks",
    security(("token" = [])),
    params(("id" = i64, Path, description = "The endpoint's number.", minimum = 1)),
    responses((status = 200, description = "The endpoint as it was.", body = WebhookView<'_>)),
    extensions(("x-error-codes" = json!([ErrorCode::WebhookNotFound]))),
)]
pub(crate) async fn remove_webhook(
    SignedIn(user): SignedIn,
    id: Path<String>,
    api: Data<WebhooksApi>,
) -> Result<HttpResponse, ApiError> {
    let webhook = use_case("webhooks.remove", api.webhooks.get()?.remove(user, number(&id)?)).await?;
    Ok(HttpResponse::Ok().json(WebhookView::of(&webhook)))
}

/// Gives an endpoint another secret.
///
/// For 24 hours deliveries are signed with the former one as well, so that the receiver can change over.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/secret",
    tag = "Webhooks",
    security(("token" = [])),
    params(("id" = i64, Path, description = "The endpoint's number.", minimum = 1)),
    responses((status = 200, description = "The endpoint, with its new secret.", body = SecretWebhookView<'_>)),
    extensions(("x-error-codes" = json!([ErrorCode::WebhookNotFound]))),
)]
pub(crate) async fn rotate_secret(
    SignedIn(user): SignedIn,
    id: Path<String>,
    api: Data<WebhooksApi>,
) -> Result<HttpResponse, ApiError> {
    let webhook = use_case("webhooks.rotate", api.webhooks.get()?.rotate(user, number(&id)?)).await?;
    Ok(HttpResponse::Ok().json(SecretWebhookView::of(&webhook)))
}

/// Sends an endpoint an event that means nothing.
///
/// It is a `webhook.test`, delivered as every other event, and to this endpoint alone, whatever types it wants.
#[utoipa::path(
    post,
    path = "/api/webhooks/{id}/test",
    tag = "Webhooks",
    security(("token" = [])),
    params(("id" = i64, Path, description = "The endpoint's number.", minimum = 1)),
    responses((status = 202, description = "The event will be sent.", body = WebhookView<'_>)),
    extensions(("x-error-codes" = json!([ErrorCode::WebhookNotFound, ErrorCode::WebhookDisabled]))),
)]
pub(crate) async fn test_webhook(
    SignedIn(user): SignedIn,
    id: Path<String>,
    api: Data<WebhooksApi>,
) -> Result<HttpResponse, ApiError> {
    let webhook = use_case("webhooks.test", api.webhooks.get()?.test(user, number(&id)?)).await?;
    Ok(HttpResponse::Accepted().json(WebhookView::of(&webhook)))
}
