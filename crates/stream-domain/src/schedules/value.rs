//! A schedule, and the state that it is in.

use time::Duration;

use super::id::ScheduleId;
use super::time_zone::TimeZoneName;
use crate::details::Details;
use crate::{Stream, StreamStatus, Timestamp, UserId};

/// How long before its time a new key takes a schedule that it does not name.
pub const TAKEN_AHEAD: Duration = Duration::minutes(30);

/// The most schedules of a user that are to come.
pub const MAX_SCHEDULES: usize = 100;

/// The most of them together with those that were canceled and whose time has not passed.
pub const MAX_WITH_CANCELED: usize = 1_000;

/// From when to when; the end itself is outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Slot {
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
}

impl Slot {
    /// Whether some instant is in both.
    pub fn overlaps(self, other: Self) -> bool {
        self.starts_at < other.ends_at && other.starts_at < self.ends_at
    }
}

/// What is planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// When.
    pub slot: Slot,
    /// The time zone that its owner thinks in, to be shown.
    pub time_zone: Option<TimeZoneName>,
    /// What the stream begins with.
    pub details: Details,
}

/// A stream that is planned, or that was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its number.
    pub id: ScheduleId,
    /// Whose it is.
    pub user: UserId,
    /// What is planned.
    pub plan: Plan,
    /// The last stream that began for it.
    pub stream: Option<Stream>,
    /// When it was canceled.
    pub canceled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// How often it was changed.
    pub revision: i32,
}

/// What has become of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduleState {
    /// Its time is to come, or is now and nobody is live.
    Scheduled,
    /// Its stream is live.
    Live,
    /// Its stream has ended, or its time has.
    Ended,
    /// Its time has passed without a stream.
    Missed,
    /// Its owner canceled it.
    Canceled,
}

impl ScheduleState {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Scheduled, Self::Live, Self::Ended, Self::Missed, Self::Canceled];

    /// The word that the API uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Live => "live",
            Self::Ended => "ended",
            Self::Missed => "missed",
            Self::Canceled => "canceled",
        }
    }

    /// Whether nothing is to come of it.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Ended | Self::Missed | Self::Canceled)
    }
}

impl Schedule {
    /// A plan that is made at `now`.
    pub fn planned(id: ScheduleId, user: UserId, plan: Plan, now: Timestamp) -> Self {
        Self {
            id,
            user,
            plan,
            stream: None,
            canceled_at: None,
            created_at: now,
            updated_at: now,
            revision: 0,
        }
    }

    /// The stream that it has at `now`: one that ended before the time of the schedule was a rehearsal, and does not count.
    pub fn stream_at(&self, now: Timestamp) -> Option<&Stream> {
        let counts =
            |stream: &&Stream| ended_at(stream, now).is_none_or(|ended| ended >= self.plan.slot.starts_at);
        self.stream.as_ref().filter(counts)
    }

    /// The state at `now`.
    pub fn state_at(&self, now: Timestamp) -> ScheduleState {
        let ends_at = self.plan.slot.ends_at;
        if self.canceled_at.is_some() {
            return ScheduleState::Canceled;
        }
        match self.stream_at(now) {
            Some(stream) if stream.live_since_at(now).is_some() => ScheduleState::Live,
            Some(stream) if ended_at(stream, now).is_some() => ScheduleState::Ended,
            Some(_) if now >= ends_at => ScheduleState::Ended,
            None if now >= ends_at => ScheduleState::Missed,
            _ => ScheduleState::Scheduled,
        }
    }

    /// Whether a key that is generated at `now` and names no schedule may take this one.
    ///
    /// Of several it takes one whose stream has not ended in its time, and of these the soonest.
    pub fn is_taken_at(&self, now: Timestamp) -> bool {
        let Slot { starts_at, ends_at } = self.plan.slot;
        self.canceled_at.is_none() && starts_at.plus(-TAKEN_AHEAD) <= now && now < ends_at
    }

    /// Whether a key that is generated at `now` and names it may take it: until its time has passed.
    pub fn may_begin_at(&self, now: Timestamp) -> bool {
        self.canceled_at.is_none() && now < self.plan.slot.ends_at
    }
}

/// When the stream ended, if it has by `now`.
fn ended_at(stream: &Stream, now: Timestamp) -> Option<Timestamp> {
    match stream.status_at(now) {
        StreamStatus::Active => None,
        StreamStatus::Stopped => Some(stream.updated_at),
        StreamStatus::Expired => Some(stream.expires_at),
    }
}
