//! What is answered, in the same terms for every family.

use stream_domain::PlaybackId;
use stream_domain::broadcasts::admission::Refusal;
use stream_metrics::Decision;

/// What is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Yes, with the name to publish under if it is another one.
    Accepted(Option<PlaybackId>),
    /// No.
    Refused(Refusal),
    /// Understood; nothing was asked.
    Noted,
}

impl Outcome {
    /// What is counted of it.
    pub(super) fn decision(&self) -> Decision {
        match self {
            Self::Accepted(_) => Decision::Accepted,
            Self::Refused(refusal) => Decision::Refused(refusal.as_str()),
            Self::Noted => Decision::Noted,
        }
    }
}
