//! Coalesced reads: callers who ask while a reading is under way are answered together by the next one.
//!
//! The law: **no answer comes from a reading that began before its caller asked.**
//! So an answer is as fresh as if each caller had read for itself, and many callers cost little more than one.
//! That is what tells this from a cache, which answers from the past, and from the usual single flight, which lets a
//! caller join a reading that has begun.
//!
//! A [`Lane`] reads for its callers, one reading after the other; [`Lanes`] gives each thread a lane.
//! What is read, and how, is a [`Source`]'s affair.
//! A source that can tell its moments apart reads less by what it has [`Known`] since the last one.

#![warn(clippy::future_not_send)]

mod known;
mod lane;
mod lanes;

#[cfg(test)]
mod tests;

pub use known::Known;
pub use lane::{Lane, Limits};
pub use lanes::Lanes;

/// Where answers come from.
pub trait Source: Send + Sync + 'static {
    /// What is asked about.
    type Question: Send + 'static;
    /// What is answered.
    type Answer: Send + 'static;
    /// Why there is no answer; each caller of the reading gets it.
    type Error: Clone + Send + 'static;

    /// Reads the answers to all of these keys, one for each, in their order.
    ///
    /// They MUST be read after the call.
    /// It is called with at least one key, on the runtime of one of the callers, and is run to its end even if every
    /// caller goes away; so it MUST end by itself, in good time.
    fn answer(
        &self,
        questions: Vec<Self::Question>,
    ) -> impl Future<Output = Result<Vec<Self::Answer>, Self::Error>> + Send;
}

/// Why a caller gets no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered<E> {
    /// As many callers as may are waiting already; nothing was read.
    #[error("too many are waiting for an answer already")]
    Full,
    /// The reading failed.
    #[error("the reading failed")]
    Failed(E),
    /// The reading was given up: it panicked, or the runtime that carried it ended.
    #[error("the reading was given up")]
    Abandoned,
}
