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
mod values;

#[cfg(test)]
mod tests;

pub use batcher::{Batcher, Limits};
pub use values::{ReadValue, SharedValues};

/// A read that serves many requests at once.
pub trait BatchRead: Send + Sync + 'static {
    /// What a caller asks for.
    type Request: Send + 'static;
    /// What it gets.
    type Response: Send + 'static;
    /// Why a read fails; each caller of the batch gets it.
    type Error: Clone + Send + 'static;

    /// Reads the responses to all of these requests, one for each, in their order.
    ///
    /// They MUST be read after the call.
    /// There is at least one request.
    /// The read runs to its end even if every caller leaves, so it MUST end by itself, in good time.
    fn read(
        &self,
        requests: Vec<Self::Request>,
    ) -> impl Future<Output = Result<Vec<Self::Response>, Self::Error>> + Send;
}

/// Why a caller gets no response.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BatchError<E> {
    /// [`Limits::max_waiting`] requests wait already; nothing was read.
    #[error("too many requests are waiting already")]
    Full,
    /// The read failed.
    #[error("the read failed")]
    Failed(E),
    /// The read panicked, or its runtime ended.
    #[error("the read was abandoned")]
    Abandoned,
}
