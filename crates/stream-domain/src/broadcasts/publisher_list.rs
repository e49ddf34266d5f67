//! What a media server's list says of the open sessions of that server.

use std::collections::HashSet;

use super::session::{EndReason, Session};
use crate::Timestamp;
use crate::media_server::ServerName;

/// What a media server says of its live publishers, by their session ids or, where it lists no ids, by their names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublisherList {
    /// The server.
    pub server: ServerName,
    /// The session ids of those that are listed and bring media.
    pub sessions: Vec<String>,
    /// The names of those, where the server has no session ids.
    pub names: Vec<String>,
    /// Session ids or names of those that are listed and bring no media.
    pub stalled: Vec<String>,
    /// When the server was asked: what was seen later is not judged by this list.
    pub asked_at: Timestamp,
    /// Sessions that began after this are not judged either, since a server may list them late.
    pub settled_before: Timestamp,
    /// What it means for a session not to be listed.
    pub absent: Absent,
}

/// What it means for an open session that its server does not list it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Absent {
    /// The list is whole: the session has ended.
    Ended(EndReason),
    /// A list may miss a publisher once: the session has ended if the list before missed it as well.
    EndedIfMissingBefore {
        /// How it ended.
        reason: EndReason,
        /// What [`SyncOutcome::missing`] said after the list before.
        missing_before: Vec<String>,
    },
    /// The list may be partial: no session has ended.
    Kept,
}

/// What a list of publishers led to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SyncOutcome {
    /// The listed session ids and names, moving or stalled, of which an open session is known.
    pub known: Vec<String>,
    /// Open sessions that the list judges, does not have, and did not end: their ids or, for a list of names, their names.
    pub missing: Vec<String>,
    /// How many sessions ended, since they were not listed.
    pub ended: u32,
}

/// A [`PublisherList`] to look publishers up in.
#[derive(Debug)]
pub struct ListIndex<'a> {
    list: &'a PublisherList,
    sessions: HashSet<&'a str>,
    names: HashSet<&'a str>,
    stalled: HashSet<&'a str>,
    missing_before: HashSet<&'a str>,
}

/// What a list says of an open session of its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sighting<'a> {
    /// It is listed so, and sends media.
    Moving(&'a str),
    /// It is listed so, and sends none.
    Stalled(&'a str),
    /// It is not listed, and goes by this.
    Missing(&'a str),
    /// It has ended so.
    Gone(EndReason),
    /// The list does not judge it.
    NotJudged,
}

impl<'a> ListIndex<'a> {
    /// Makes the list ready to be looked up in.
    pub fn of(list: &'a PublisherList) -> Self {
        let set = |texts: &'a [String]| texts.iter().map(String::as_str).collect();
        let missing_before = match &list.absent {
            Absent::EndedIfMissingBefore { missing_before, .. } => set(missing_before),
            Absent::Ended(_) | Absent::Kept => HashSet::new(),
        };
        let (sessions, names, stalled) = (set(&list.sessions), set(&list.names), set(&list.stalled));
        Self { list, sessions, names, stalled, missing_before }
    }

    /// What the list says of an open session of its server.
    pub fn sighting<'s>(&self, session: &'s Session) -> Sighting<'s> {
        let (id, name) = (session.publisher.session.as_str(), session.publisher.name.expose());
        if self.sessions.contains(id) {
            return Sighting::Moving(id);
        }
        if self.names.contains(name) {
            return Sighting::Moving(name);
        }
        if let Some(known_as) = [id, name].into_iter().find(|text| self.stalled.contains(text)) {
            return Sighting::Stalled(known_as);
        }
        if session.started_at >= self.list.settled_before || session.last_seen_at >= self.list.asked_at {
            return Sighting::NotJudged;
        }
        let is_of_names = !self.names.is_empty() && self.sessions.is_empty();
        match &self.list.absent {
            Absent::Ended(reason) => Sighting::Gone(*reason),
            Absent::EndedIfMissingBefore { reason, .. }
                if self.missing_before.contains(id) || self.missing_before.contains(name) =>
            {
                Sighting::Gone(*reason)
            }
            _ => Sighting::Missing(if is_of_names { name } else { id }),
        }
    }
}
