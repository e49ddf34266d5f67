//! The HTTP surface: what frontends, media servers and operators use.
//!
//! Each resource is a module with its routes, queries, views, handlers and the state that they need: `keys`,
//! `catalog`, `details`, `schedules`, `events`, `broadcasts`, `hooks`, `admin`, `health`, `metrics` and `console`;
//! `api.rs` composes them, and `route_table.rs` lists all routes.
//! Handlers parse, call one use case of the domain, and render; the rules are in the domain.
//! The surface describes itself (`openapi.rs`), and serves its description with a page that shows it (`docs.rs`).
//! Every error leaves in one shape ([`error`]), every request gets an id and one line in the log (`observe.rs`),
//! and the server answers every request that it has accepted before it stops ([`server`]).

mod broadcasts;
mod catalog;
mod health;
mod hooks;
mod keys;
mod limits;
mod metrics;

mod addresses;
mod admin;
mod api;
mod auth;
mod batches;
#[cfg(feature = "bench_routes")]
pub mod bench_routes;
mod body;
mod client_address;
mod compression;
mod conditional;
mod connection;
mod console;
mod cors;
mod details;
mod docs;
pub mod error;
mod events;
mod files;
mod guesses;
mod hang_up;
mod headers;
mod observe;
mod openapi;
mod paging;
mod rate;
mod readiness;
mod request_id;
mod rfc3339;
mod route_table;
mod routing;
mod schedules;
mod schemas;
pub mod server;
mod tasks;
mod timeouts;
mod trace;
mod turns;
mod view;
mod webhooks;

#[cfg(test)]
mod tests;

pub use addresses::Addresses;
pub use admin::{AdminOptions, AdminToken};
pub use api::{HttpApi, HttpOptions, UseCases};
pub use client_address::TrustedProxies;
pub use console::{ConsoleOptions, DevelopmentTokens, IssuedToken};
pub use events::EventFeed;
pub use hooks::{HookSecrets, HookServer, HookServers, HookUrlFault, judge_hook_url, path_to_try};
pub use limits::Limits;
pub use metrics::{MetricsOptions, MetricsRoute};
pub use openapi::openapi_json;
pub use readiness::{NotReady, Readiness};
pub use route_table::ROUTES;
pub use timeouts::ClientTimeouts;
pub use trace::TraceSampler;
