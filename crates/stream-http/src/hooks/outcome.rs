//! What is answered, in the same terms for every family.

use stream_domain::PlaybackId;
use stream_domain::broadcasts::admission::Refusal;

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
