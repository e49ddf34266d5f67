//! The rules of a stream's life, stated once.
//!
//! - A key lives for [`LIFETIME`], fixed when it is made.
//! - A key is publishable while its stream is active and `now < expires_at`, to the microsecond.
//! - A user has **at most one active stream**. No look at the data can ensure that, since somebody else may
//!   act between look and write; so the store enforces it by the unique index `streams_one_active_per_user`,
//!   and the laws in `testing::laws` prove it for every store, with races.
//! - A stream that has expired and was not yet swept counts as expired everywhere: it is not publishable, not
//!   listed as live, and never keeps its user from a new key.

use time::Duration;

/// How long a key lives.
pub const LIFETIME: Duration = Duration::hours(24);

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// Its owner stopped it.
    #[error("the stream was stopped")]
    Stopped,
    /// Its life ran out.
    #[error("the stream has expired")]
    Expired,
}
