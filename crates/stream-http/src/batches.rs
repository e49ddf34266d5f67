//! Reads that requests share above the store: what is large is read once for all that wait.

use std::sync::Arc;
use std::time::Duration;

use stream_coalesce::{BatchError, Limits};
use stream_domain::ports::StoreError;

/// One query after the other, each for every request that was made by then.
pub(crate) const LARGE_READS: Limits =
    Limits { max_waiting: 8_192, max_batch: 8_192, slow_after: Duration::from_millis(100), max_slow: 1 };

/// What a request that shared a read is told of its failure.
pub(crate) fn store_error(error: BatchError<Arc<StoreError>>) -> StoreError {
    match error {
        BatchError::Full | BatchError::Abandoned => StoreError::unavailable(error.to_string()),
        BatchError::Failed(error) => error.duplicate(),
    }
}
