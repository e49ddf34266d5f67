//! What the in-memory store has told.

use std::collections::HashMap;

use crate::broadcasts::session::{EndReason, SessionId};
use crate::events::{Event, LogPosition};
use crate::schedules::Schedule;
use crate::{PlaybackId, ScheduleId, Stream, StreamId, Timestamp, UserId};

/// The log, and what was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) events: Vec<Event>,
    pub(super) forgotten: LogPosition,
    pub(super) live: Vec<ToldLive>,
    pub(super) active: Vec<Stream>,
    pub(super) attempts: HashMap<String, Timestamp>,
    pub(super) schedules: HashMap<ScheduleId, Schedule>,
    pub(super) settled: Vec<ScheduleId>,
}

/// A stream that was told to be live.
#[derive(Debug, Clone)]
pub(super) struct ToldLive {
    pub(super) stream: StreamId,
    pub(super) user: Option<UserId>,
    pub(super) playback_id: PlaybackId,
    pub(super) session: SessionId,
    pub(super) epoch: i32,
    pub(super) live_since: Timestamp,
    /// When its last publisher left, and how if that is known.
    pub(super) left: Option<(Timestamp, Option<EndReason>)>,
}
