//! Whether a step that failed is tried again, and after which pause.

use std::time::{Duration, Instant};

use stream_domain::ports::{Entropy, jittered};

/// How often at most a step is tried again because another transaction was in its way.
const CONTENTIONS: u32 = 100;

/// The pauses before that: from the first to the longest, doubling.
const PAUSES: std::ops::RangeInclusive<Duration> = Duration::from_millis(2)..=Duration::from_millis(100);

/// What there is to try again.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Again {
    /// The same, a little later: another transaction was in the way.
    Later,
    /// The same on a connection that is made from now on.
    Elsewhere(Instant),
}

/// The attempts at one step.
pub(crate) struct Attempts<'e> {
    entropy: &'e dyn Entropy,
    until: Instant,
    contentions: u32,
    elsewhere: Option<Instant>,
}

impl<'e> Attempts<'e> {
    /// The first one begins now; none begins when the time is up.
    pub(crate) fn within(limit: Duration, entropy: &'e dyn Entropy) -> Self {
        Self { entropy, until: Instant::now() + limit, contentions: 0, elsewhere: None }
    }

    /// Whether a connection that was made then may be used for this one.
    pub(crate) fn takes(&self, made_at: Instant) -> bool {
        self.elsewhere.is_none_or(|since| since <= made_at)
    }

    /// Waits until the next attempt may begin; `false` if there is none.
    ///
    /// Where another transaction was in the way there are many attempts; where the connection was of no use there is one, on
    /// another connection. In either case the server has said that it did nothing.
    pub(crate) async fn next(&mut self, again: Option<Again>) -> bool {
        let pause = match again {
            Some(Again::Later) if self.contentions < CONTENTIONS => {
                let doubled = PAUSES.start().saturating_mul(1 << self.contentions.min(10));
                self.contentions += 1;
                jittered(doubled.min(*PAUSES.end()), self.entropy)
            }
            Some(Again::Elsewhere(since)) if self.elsewhere.is_none() => {
                self.elsewhere = Some(since);
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
