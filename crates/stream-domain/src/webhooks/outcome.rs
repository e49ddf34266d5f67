//! What follows from an answer.

use std::time::Duration;

use super::delivery::DueDelivery;
use super::webhook::DisableReason;
use crate::Timestamp;
use crate::ports::{Entropy, WebhookAnswer};

/// The pauses between attempts; after the last one a delivery is given up.
const PAUSES: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * HOUR),
    Duration::from_secs(5 * HOUR),
    Duration::from_secs(10 * HOUR),
    Duration::from_secs(14 * HOUR),
    Duration::from_secs(20 * HOUR),
    Duration::from_secs(24 * HOUR),
];

const HOUR: u64 = 60 * 60;

/// The longest `Retry-After` that is obeyed.
const LONGEST_PAUSE: Duration = PAUSES[PAUSES.len() - 1];

/// An endpoint is switched off when every attempt has failed for so long.
const FAILING_FOR: time::Duration = time::Duration::days(5);

/// The words of [`Outcome::word`], for metrics.
pub const OUTCOME_WORDS: [&str; 4] = ["delivered", "retried", "given_up", "disabled"];

/// What becomes of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// It has arrived.
    Delivered,
    /// It is tried again then.
    RetryAt(Timestamp),
    /// It is given up.
    GiveUp,
}

/// What follows from an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// For the delivery.
    pub next: Next,
    /// The endpoint is switched off for this reason.
    pub disable: Option<DisableReason>,
}

impl Outcome {
    /// What follows from this answer, which came at `now`.
    pub fn of(due: &DueDelivery, answer: &WebhookAnswer, now: Timestamp, entropy: &dyn Entropy) -> Self {
        if answer.status.is_some_and(|status| (200..300).contains(&status)) {
            return Self { next: Next::Delivered, disable: None };
        }
        let has_failed_for = due.webhook.failing_since.map(|since| now.since(since));
        let disable = match answer.status {
            Some(410) => Some(DisableReason::Gone),
            _ => has_failed_for.filter(|time| *time >= FAILING_FOR).map(|_| DisableReason::Failing),
        };
        let pause = usize::try_from(due.tries).ok().and_then(|tries| PAUSES.get(tries));
        let Some(pause) = pause else {
            return Self { next: Next::GiveUp, disable };
        };
        let asked = answer.retry_after.filter(|_| matches!(answer.status, Some(429 | 503)));
        let asked = asked.unwrap_or_default().min(LONGEST_PAUSE);
        let pause = lengthened((*pause).max(asked), entropy);
        Self { next: Next::RetryAt(now.plus(pause)), disable }
    }

    /// The word for metrics.
    pub fn word(&self) -> &'static str {
        match (self.disable, self.next) {
            (Some(_), _) => "disabled",
            (None, Next::Delivered) => "delivered",
            (None, Next::RetryAt(_)) => "retried",
            (None, Next::GiveUp) => "given_up",
        }
    }
}

/// Up to a tenth longer, so that what failed at once does not come back at once.
fn lengthened(pause: Duration, entropy: &dyn Entropy) -> time::Duration {
    let mut byte = [0];
    // Without randomness it is merely not longer.
    let _ = entropy.fill(&mut byte);
    let pause = pause + pause / 10 * u32::from(byte[0]) / u32::from(u8::MAX);
    time::Duration::try_from(pause).unwrap_or(time::Duration::DAY)
}
