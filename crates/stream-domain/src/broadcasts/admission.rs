//! The one decision that media servers ask for: may this key publish now, from this session?
//!
//! [`decide`] is the rule, pure; the in-memory store and SQLite call it, PostgreSQL says it in one statement, and the
//! laws in `testing::laws` hold the three to each other.

mod alternating;
mod facts;
mod proof;
mod refusal;
mod request;
mod terms;
mod verdict;

use crate::Timestamp;
use crate::broadcasts::session::SessionId;

pub use alternating::{ALTERNATION_WINDOW, gave_way_at};
pub use facts::Facts;
pub use proof::{AddressForm, Proof, Trigger};
pub use refusal::Refusal;
pub use request::{PublishRequest, RESUME_MARGIN};
pub use terms::{Takeover, Terms};
pub use verdict::{Admitted, Attempt, Verdict};

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is that session, which goes on.
    Renew(SessionId),
    /// A session begins.
    Start {
        /// The number of its broadcast.
        epoch: i32,
        /// When the broadcast began.
        live_since: Timestamp,
    },
    /// It may not publish.
    Refuse(Refusal),
}

/// Decides. A store that carries out a `Start` ends the session that is in its way in the same step.
pub fn decide(facts: &Facts<'_>, request: &PublishRequest, terms: &Terms, now: Timestamp) -> Decision {
    match decide_start(facts, request, terms, now) {
        Err(refusal) => Decision::Refuse(refusal),
        Ok(Some(own)) => Decision::Renew(own),
        Ok(None) => {
            let same = facts.previous.filter(|last| {
                // A publisher that never brought media has begun no broadcast.
                let was_on_air = last.confirmed_at.is_some() || last.live_since < last.started_at;
                was_on_air && last.last_sign().plus(terms.reconnect_window) >= now
            });
            let last_epoch = facts.previous.map_or(0, |last| last.epoch);
            match same {
                Some(last) => Decision::Start { epoch: last.epoch, live_since: last.live_since },
                None => Decision::Start { epoch: last_epoch + 1, live_since: now },
            }
        }
    }
}

/// The session to renew, or `None` to start one.
fn decide_start(
    facts: &Facts<'_>,
    request: &PublishRequest,
    terms: &Terms,
    now: Timestamp,
) -> Result<Option<SessionId>, Refusal> {
    let stream = facts.stream.ok_or(Refusal::UnknownKey)?;
    stream.publishable_at(now)?;
    if matches!(&request.proof, Proof::KeyOf(id, _) if *id != stream.playback_id) {
        return Err(Refusal::WrongPlaybackId);
    }
    if let Some(own) = facts.own {
        match own.ended {
            // One that asks again after its lease ran out may be another connection that was given the same number.
            None if request.trigger != Trigger::PublishRequest || own.is_alive_at(now) => {
                return Ok(Some(own.id));
            }
            Some((at, how)) if request.trigger != Trigger::PublishRequest && !request.may_resume(at, how) => {
                return Err(Refusal::SessionEnded);
            }
            _ => {}
        }
    } else if matches!(request.proof, Proof::Name(_)) && request.trigger != Trigger::GatedPoll {
        return Err(Refusal::NoKey);
    }
    let Some(current) = facts.current.filter(|current| current.is_alive_at(now)) else {
        return Ok(None);
    };
    let same_address =
        request.publisher.address.is_some() && request.publisher.address == current.publisher.address;
    let gives_way = match terms.takeover {
        Takeover::Overdue => false,
        Takeover::SameAddress => same_address && !facts.are_alternating(current, now),
        Takeover::Newest => true,
    };
    // Only a publish request takes over; otherwise two live publishers would do so in turn.
    if gives_way && request.trigger == Trigger::PublishRequest { Ok(None) } else { Err(Refusal::AlreadyLive) }
}
