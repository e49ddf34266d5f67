//! The store in an SQLite file, the default that needs no set-up.
//!
//! SQLite is compiled in; it runs in WAL mode with `synchronous = FULL`, so that an acknowledged key survives a power
//! cut.
//! Reads have a few connections and writes have one, since SQLite lets one writer in at a time.
//! Its twin is `stream-postgres`, file for file; there are no `users` here to refer to.

#![warn(clippy::future_not_send)]

mod admissions;
mod blocks;
mod catalog;
mod coalesced_reads;
mod deliveries;
mod delivery_row;
mod details;
mod details_row;
mod error;
mod events;
mod examine;
mod health;
mod history;
mod keys;
mod kicks;
mod lists;
mod migrate;
mod objects;
mod operations;
mod pool;
mod presence;
mod row;
mod schedule_row;
mod schedules;
mod schema;
mod search;
mod session_row;
mod sessions;
mod statistics;
mod store;
mod webhook_row;
mod webhooks;

#[cfg(test)]
mod tests;

pub use migrate::Plan;
pub use store::{SqliteOptions, SqliteStore};
