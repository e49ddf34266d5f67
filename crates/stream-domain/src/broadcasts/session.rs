//! A session: one publisher's stay on one media server.
//!
//! What a media server says may come late, twice, out of order, or never.
//! So a session is live only while its **lease** runs, and each read compares the lease with the clock.

mod end_reason;
mod publisher;
mod state;

use time::Duration;

use crate::stream::OnAir;
use crate::{StreamId, Timestamp};

pub use end_reason::EndReason;
pub use publisher::{PublishName, Publisher};
pub use state::SessionState;

/// The number of a session, given by the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub i64);

/// A session as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Given by the store, ascending.
    pub id: SessionId,
    /// The stream that is published.
    pub stream_id: StreamId,
    /// Who publishes, and where.
    pub publisher: Publisher,
    /// The boot of the media server that it began in, where the server says.
    pub boot_id: Option<String>,
    /// The number of the broadcast among those of its stream, from 1; a quick reconnect goes on with the same one.
    pub epoch: i32,
    /// When the broadcast began, which may be earlier than this session.
    pub live_since: Timestamp,
    /// When the session began.
    pub started_at: Timestamp,
    /// When its server first showed that it sends media; `None` if it was only admitted so far.
    pub confirmed_at: Option<Timestamp>,
    /// When the server last said that it goes on.
    pub last_seen_at: Timestamp,
    /// Until when it counts as live without another word.
    pub lease_until: Timestamp,
    /// Until when it stays open although its lease is over, since its server lists it as bringing no media.
    pub stalled_until: Option<Timestamp>,
    /// When its key expires.
    pub key_expires_at: Timestamp,
    /// Why its publisher is to be ended at its server, if it is.
    pub kick: Option<EndReason>,
    /// When it ended and how; `None` if nothing said so yet.
    pub ended: Option<(Timestamp, EndReason)>,
}

/// How far ahead of the clock a session's last sign may be before the clock must have been set back.
///
/// The clocks of two instances may differ by less.
pub const CLOCK_MARGIN: Duration = Duration::MINUTE;

impl Session {
    /// Whether it holds its stream at `now`: its lease runs, confirmed or not.
    pub fn is_alive_at(&self, now: Timestamp) -> bool {
        self.ended.is_none() && now < self.lease_until
    }

    /// Whether its publisher is still connected at `now` and sends no media.
    pub fn is_stalled_at(&self, now: Timestamp) -> bool {
        self.ended.is_none() && self.stalled_until.is_some_and(|until| now < until)
    }

    /// Where it stands at `now`, if it has not ended.
    pub fn state_at(&self, now: Timestamp) -> SessionState {
        if self.kick.is_some() {
            SessionState::ToBeKicked
        } else if self.is_stalled_at(now) {
            SessionState::Stalled
        } else if !self.is_alive_at(now) {
            SessionState::Overdue
        } else if self.confirmed_at.is_none() {
            SessionState::Admitted
        } else {
            SessionState::Live
        }
    }

    /// Since when and until when its stream is live; `None` before it is confirmed.
    pub fn on_air(&self) -> Option<OnAir> {
        let is_shown = self.ended.is_none() && self.confirmed_at.is_some();
        is_shown.then_some(OnAir { since: self.live_since, lease_until: self.lease_until })
    }

    /// When it ended and how, seen from `now`: a lease that ran out is an end, whether or not it was written down yet,
    /// unless its publisher is still connected and sends no media.
    pub fn ended_at(&self, now: Timestamp) -> Option<(Timestamp, EndReason)> {
        let is_over = now >= self.lease_until && !self.is_stalled_at(now);
        let overdue = is_over.then(|| self.ending(EndReason::Lost, now));
        self.ended.or(overdue)
    }

    /// The last instant at which the broadcast may still have been live.
    pub fn last_sign(&self) -> Timestamp {
        self.ended.map_or(self.lease_until, |(at, _)| at)
    }

    /// When and how it ends, if `said` is what is said of it at `now`: the one rule of how a session ends.
    ///
    /// One whose lease ran out ended then, and was lost, whatever is said later.
    /// One that was to be ended at its server ended by that, and one that ends after its key expired, by that.
    pub fn ending(&self, said: EndReason, now: Timestamp) -> (Timestamp, EndReason) {
        let at = now.min(self.lease_until).max(self.started_at);
        let by_itself = if at >= self.key_expires_at {
            EndReason::Expired
        } else if now >= self.lease_until {
            EndReason::Lost
        } else {
            said
        };
        (at, self.kick.unwrap_or(by_itself))
    }

    /// When it was last seen, and until when its lease runs, after a sign of life at `now`.
    ///
    /// A sign that comes late shortens nothing, unless the clock was set back meanwhile.
    pub fn renewed(&self, lease: Duration, now: Timestamp) -> (Timestamp, Timestamp) {
        if self.is_ahead_of(now) {
            return (now, now.plus(lease));
        }
        (self.last_seen_at.max(now), self.lease_until.max(now.plus(lease)))
    }

    /// Whether a sign of life at `now` is worth writing down: a list that comes often is to cost few writes.
    pub fn is_renewal_due(&self, lease: Duration, now: Timestamp) -> bool {
        self.lease_until < now.plus(renew_below(lease)) || self.is_ahead_of(now)
    }

    /// Whether a list that shows it moving is worth writing down.
    pub fn is_sync_due(&self, lease: Duration, now: Timestamp) -> bool {
        self.confirmed_at.is_none() || self.stalled_until.is_some() || self.is_renewal_due(lease, now)
    }

    /// Until when its lease runs and how long it stays open, after a list of `asked_at` showed it bringing no media;
    /// `None` if that is not worth writing down, or something newer than the list is known.
    pub fn stalled(
        &self,
        asked_at: Timestamp,
        lease: Duration,
        now: Timestamp,
    ) -> Option<(Timestamp, Timestamp)> {
        let is_current = self.last_seen_at <= asked_at || self.is_ahead_of(now);
        let is_due = self.is_alive_at(now)
            || self.stalled_until.is_none_or(|until| until < now.plus(renew_below(lease)));
        (is_current && is_due).then(|| (self.lease_until.min(now), now.plus(lease)))
    }

    /// When it was last seen, and until when its lease runs, by a clock that was set back since.
    ///
    /// Without this, a publisher that is no longer renewed would be live for as long as the clock was set back.
    pub fn under_clock(&self, now: Timestamp) -> (Timestamp, Timestamp) {
        if !self.is_ahead_of(now) || !self.is_alive_at(now) {
            return (self.last_seen_at, self.lease_until);
        }
        let lease = self.lease_until.since(self.last_seen_at);
        (now, now.plus(lease))
    }

    /// Whether its publisher has to be ended at its server when `newcomer` takes its place: it is there still.
    pub fn must_be_kicked_for(&self, newcomer: &Publisher, now: Timestamp) -> bool {
        let is_newcomer =
            self.publisher.server == newcomer.server && self.publisher.session == newcomer.session;
        self.is_alive_at(now) || (self.is_stalled_at(now) && !is_newcomer)
    }

    /// Whether it was last seen so far in the future that the clock must have been set back since.
    pub fn is_ahead_of(&self, now: Timestamp) -> bool {
        self.last_seen_at > now.plus(CLOCK_MARGIN)
    }
}

/// A lease with less than this to run is renewed.
pub fn renew_below(lease: Duration) -> Duration {
    lease * 2 / 3
}

/// A publisher that is to be ended at its media server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingKick {
    /// The session that it belongs to.
    pub session: SessionId,
    /// Whom to end.
    pub publisher: Publisher,
    /// Why.
    pub why: EndReason,
}
