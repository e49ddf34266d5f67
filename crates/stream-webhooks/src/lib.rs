//! The way out to the endpoints of webhooks: events as signed messages, Standard Webhooks 1.0.0.
//!
//! Endpoints are addresses that users name, so nothing may be reached through here that is not public: each address is
//! checked while it is connected to ([`Networks`]), redirects are not followed, and no proxy is used.

#![warn(clippy::future_not_send)]

mod answer;
mod client;
mod failure;
mod message;
mod networks;
mod resolver;
mod target;

#[cfg(test)]
mod tests;

pub use client::WebhookClient;
pub use networks::Networks;
