//! Webhooks: the endpoints that a user's events are delivered to.

mod api;
mod body;
pub(crate) mod deliveries;
pub(crate) mod endpoints;
mod query;
mod view;

use actix_web::web::{self, Data, ServiceConfig};

use crate::routing::{get, get_and_post, get_put_and_delete, post};

pub(crate) use api::WebhooksApi;
use deliveries::{list_deliveries, replay_events, retry_delivery};
use endpoints::{
    add_webhook, list_webhooks, remove_webhook, replace_webhook, rotate_secret, show_webhook, test_webhook,
};

/// Registers the routes below `/api`.
pub(crate) fn routes(config: &mut ServiceConfig, api: &Data<WebhooksApi>) {
    config
        .app_data(api.clone())
        .service(get_and_post("/webhooks", web::to(list_webhooks), web::to(add_webhook)))
        .service(get_put_and_delete(
            "/webhooks/{id}",
            web::to(show_webhook),
            web::to(replace_webhook),
            web::to(remove_webhook),
        ))
        .service(post("/webhooks/{id}/secret", web::to(rotate_secret)))
        .service(post("/webhooks/{id}/test", web::to(test_webhook)))
        .service(get("/webhooks/{id}/deliveries", web::to(list_deliveries)))
        .service(post("/webhooks/{id}/deliveries/{position}/retry", web::to(retry_delivery)))
        .service(post("/webhooks/{id}/replay", web::to(replay_events)));
}
