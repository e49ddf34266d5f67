//! Whether a step that failed is tried again, and after which pause.

use std::time::{Duration, Instant};

use stream_domain::ports::{Entropy, jittered};

use crate::error::Meaning;

/// How often a step is tried again because somebody else was in its way, each time.
const CONTENTIONS: u32 = 100;

/// The pauses before that: from the first to the longest, doubling.
const PAUSES: std::ops::RangeInclusive<Duration> = Duration::from_millis(2)..=Duration::from_millis(100);

/// The attempts at one step.
pub(crate) struct Attempts<'e> {
    entropy: &'e dyn Entropy,
    until: Instant,
    contentions: u32,
    has_moved: bool,
}

impl<'e> Attempts<'e> {
    /// The first one begins now; none begins when the time is up.
    pub(crate) fn within(limit: Duration, entropy: &'e dyn Entropy) -> Self {
        Self { entropy, until: Instant::now() + limit, contentions: 0, has_moved: false }
    }

    /// Waits until the next attempt may begin; `false` if there is none.
    ///
    /// Where somebody else was in the way there are many attempts; where the connection was of no use there is one, on
    /// another connection. In either case the server has said that it did nothing.
    pub(crate) async fn next(&mut self, said: Option<Meaning>) -> bool {
        let pause = match said {
            Some(Meaning::Contention) if self.contentions < CONTENTIONS => {
                let doubled = PAUSES.start().saturating_mul(1 << self.contentions.min(10));
                self.contentions += 1;
                jittered(doubled.min(*PAUSES.end()), self.entropy)
            }
            Some(Meaning::WrongNode | Meaning::Stale) if !self.has_moved => {
                self.has_moved = true;
                Duration::ZERO
            }
            _ => return false,
        };
        if Instant::now() + pause >= self.until {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }
}
