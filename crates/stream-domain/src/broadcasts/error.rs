//! Why a publisher is not admitted.

use super::admission::Refusal;
use crate::ports::StoreError;

/// Why a publisher is not admitted.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    /// It may not publish.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The store failed, so the publisher is refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AdmitError {
    /// The reason for the publisher's owner and the media server.
    pub fn refusal(&self) -> Refusal {
        match self {
            Self::Refused(refusal) => *refusal,
            Self::Store(_) => Refusal::StoreUnavailable,
        }
    }
}
