//! The store on PostgreSQL, in the database that is shared with the user-service.
//!
//! Diesel over `tokio-postgres`, without libpq.
//! Reads and writes have a pool each, so that writes that hang (on a synchronous standby that is away, say) never
//! keep a media server from an answer.
//! Its twin is `stream-sqlite`, file for file.

#![warn(clippy::future_not_send)]

mod admissions;
mod advisory_lock;
mod attempts;
mod blocks;
mod catalog;
mod catalog_tables;
mod coalesced_reads;
mod connect;
mod connector;
mod cure;
mod deliveries;
mod delivery_row;
mod details;
mod details_row;
mod error;
mod events;
mod examine;
mod generations;
mod health;
mod history;
mod keys;
mod kicks;
mod link;
mod lists;
mod migrate;
mod objects;
mod operations;
mod pool;
mod pooler;
mod presence;
mod row;
mod schedule_row;
mod schedules;
mod schema;
mod search;
mod session_row;
mod sessions;
mod socket;
mod statement;
mod statistics;
mod store;
mod tls;
mod url;
mod users;
mod webhook_row;
mod webhooks;
mod wire;

#[cfg(test)]
mod tests;

pub use migrate::Plan;
pub use store::{PostgresOptions, PostgresStore};
pub use url::InvalidUrl;
