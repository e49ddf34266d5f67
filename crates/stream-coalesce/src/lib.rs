//! Batched reads: requests that arrive during a read share the next one.
//!
//! The law: **no response comes from a read that began before its request.**
//! So a response is as fresh as if each caller had read for itself, and many callers cost little more than one.
//! A cache answers from the past, and the usual single flight lets a caller join a read that has begun; neither will do.
//!
//! A [`Batcher`] runs one read after the other for all who wait; a [`BatchRead`] is what it runs.
//! [`SharedValues`] are a read for values by key: one read for all requests for a value in a batch, and the same `Arc`
//! while it stays equal.

#![warn(clippy::future_not_send)]

mod batcher;
mod read;
mod values;

#[cfg(test)]
mod tests;

pub use batcher::{Batcher, Limits, Usage};
pub use read::{BatchError, BatchRead};
pub use values::{ReadValue, SharedValues};
