//! Events delivered as webhooks, signed as Standard Webhooks 1.0.0 says.
//!
//! Owners of endpoints choose where to, so no address is sent to that is not public, unless the operator allows it: an
//! address in the URL is judged as it stands there, and those of a name at each attempt, as it connects.
//! Nothing that an endpoint answers leads anywhere else, and none holds a sender for longer than the time for an attempt.

#![warn(clippy::future_not_send)]

mod answer;
mod client;
mod connector;
mod exchange;
mod failure;
mod message;
mod networks;
mod resolver;
mod signature;
mod target;

#[cfg(test)]
mod tests;

pub use client::WebhookClient;
