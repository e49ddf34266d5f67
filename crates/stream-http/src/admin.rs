//! Operators: what they see of all users, and what they order, by a token of their own.
//!
//! The routes are there with `ADMIN_TOKEN` alone; without it each of them is answered as a path that does not exist.

mod api;
mod examination;
pub(crate) mod figures;
mod gate;
pub(crate) mod health;
mod server_look;
pub(crate) mod servers;
pub(crate) mod streams;
pub(crate) mod users;

use actix_web::web::{self, Data, ServiceConfig};

use crate::routing::{get, post, put_and_delete};

pub(crate) use api::{AdminApi, AdminParts};
pub(crate) use gate::Gate;
pub use gate::{AdminOptions, AdminToken};

/// Registers the routes below `/api`.
pub(crate) fn routes(config: &mut ServiceConfig, api: &Data<AdminApi>) {
    config
        .app_data(api.clone())
        .app_data(api.gate.clone())
        .service(get("/admin/streams", web::to(streams::list_all_streams)))
        .service(post("/admin/streams/{id}/stop", web::to(streams::stop_any_stream)))
        .service(get("/admin/users/blocked", web::to(users::list_blocked_users)))
        .service(put_and_delete(
            "/admin/users/{user_id}/block",
            web::to(users::block_user),
            web::to(users::unblock_user),
        ))
        .service(get("/admin/servers", web::to(servers::list_servers)))
        .service(get("/admin/health", web::to(health::examine_installation)))
        .service(get("/admin/figures", web::to(figures::show_figures)));
}
