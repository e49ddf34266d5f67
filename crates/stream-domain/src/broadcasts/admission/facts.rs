//! What the decision is made from.

use crate::broadcasts::session::Session;
use crate::{Stream, Timestamp};

/// What is known when the decision is made.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The stream that the proof names.
    pub stream: Option<&'a Stream>,
    /// The stream's open session, overdue or not.
    pub current: Option<&'a Session>,
    /// The last session of this stream by this very publisher (server and session id); where the server lists names
    /// only, the last one at that server.
    pub own: Option<&'a Session>,
    /// The stream's last session of any publisher, but for those that were answered too late: they were never part of a
    /// broadcast, and one that gave way to them may have gone on.
    pub previous: Option<&'a Session>,
    /// When the first of the two sessions before the open one gave way to the next, if both did.
    pub gave_way_at: Option<Timestamp>,
    /// When a publisher of this server and address was last refused as [`Refusal::AlreadyLive`](super::Refusal::AlreadyLive).
    pub refused_at: Option<Timestamp>,
}
