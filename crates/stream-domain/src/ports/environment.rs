//! What every use case needs besides a store: the time, and randomness.

use std::time::Duration;

use super::BoxedSource;
use crate::Timestamp;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now; a use case asks once.
    fn now(&self) -> Timestamp;
}

/// Gives randomness that nobody can predict.
#[cfg_attr(feature = "testing", mockall::automock)]
pub trait Entropy: Send + Sync {
    /// Fills the bytes, or fails and leaves no promise about them.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError>;
}

/// The operating system gave no randomness.
#[derive(Debug, thiserror::Error)]
#[error("no randomness is to be had")]
pub struct EntropyError(#[source] pub BoxedSource);

/// Between half and all of a pause, so that many instances that wait for the same thing do not come back in step.
pub fn jittered(pause: Duration, entropy: &dyn Entropy) -> Duration {
    let mut byte = [u8::MAX];
    // Without randomness the pause is merely whole.
    let _ = entropy.fill(&mut byte);
    pause / 2 + pause / 2 * u32::from(byte[0]) / u32::from(u8::MAX)
}
