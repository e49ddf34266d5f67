//! What the lists of media servers have shown so far: who moves, who was missed, and which process answered.
//!
//! All of it is for judging the next list, and all of it may be lost: an instance that has just started only takes a
//! little longer to be sure.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use time::Duration;

use super::movement::Movement;
use super::publisher_list::Absent;
use super::session::{EndReason, PublishName, SessionId};
use super::takeovers::{Newcomer, Takeovers};
use crate::Timestamp;
use crate::media_server::ServerName;
use crate::ports::{ListedPublisher, Listing, Process};

/// How long a publisher that was admitted is waited for.
const AWAITED_FOR: Duration = Duration::seconds(12);

/// How often a server is polled: usually, while a publisher is missed or suspected, and while one is awaited.
const PERIODS: [Duration; 3] =
    [Duration::milliseconds(1_900), Duration::milliseconds(950), Duration::milliseconds(450)];

/// How many servers are remembered at most; names of those without settings come with the publishers that are let in.
const MANY_SERVERS: usize = 1_000;

/// How many publishers that have gone are remembered of each process.
const MANY_SEEN: usize = 50_000;

/// What is remembered of each server.
#[derive(Debug, Default)]
pub(super) struct Watches(Mutex<HashMap<ServerName, Watch>>);

#[derive(Debug, Default)]
struct Watch {
    looked_at: Option<Timestamp>,
    /// Whether the last look was answered.
    answers: bool,
    process: Option<String>,
    /// The number of the last connection that was heard of.
    connection: Option<u64>,
    /// Every publisher that this process has listed.
    seen: HashSet<String>,
    /// Every publisher that counted as live: by a list, by a hook, or because the server has no list.
    shown: HashSet<String>,
    /// Who was missed by the last list, which was whole.
    missing: Vec<String>,
    movement: Movement,
    /// Who brought no media by the last list.
    stalled: HashSet<String>,
    /// Who was admitted here and is not listed yet.
    awaited: Vec<Awaited>,
    takeovers: Takeovers,
}

/// A publisher that its server is to show soon.
#[derive(Debug, Clone)]
struct Awaited {
    session: String,
    name: PublishName,
    since: Timestamp,
}

/// What a list means, given those before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Look {
    /// What it means not to be listed.
    pub(super) absent: Absent,
    /// Who is listed and sends no media.
    pub(super) stalled: HashSet<String>,
    /// The boot id of the server, if this is the first list of it.
    pub(super) new_boot_id: Option<String>,
    /// When the server was started, if it has restarted since the list before.
    pub(super) restarted_at: Option<Timestamp>,
}

impl Watches {
    fn all(&self) -> MutexGuard<'_, HashMap<ServerName, Watch>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is time to look at the server.
    pub(super) fn is_due(&self, server: &ServerName, now: Timestamp) -> bool {
        let all = self.all();
        let Some(watch) = all.get(server) else { return true };
        let Some(looked_at) = watch.looked_at else { return true };
        let [rule, closely, eagerly] = PERIODS;
        let period = match () {
            () if !watch.answers => rule,
            () if !watch.awaited.is_empty() => eagerly,
            () if !watch.missing.is_empty() || watch.movement.is_suspect(looked_at) => closely,
            () => rule,
        };
        // A clock that was set back must not stop this.
        now < looked_at || looked_at.plus(period) <= now
    }

    /// The server did not answer.
    pub(super) fn failed(&self, server: &ServerName, now: Timestamp) {
        let mut all = self.all();
        let watch = all.entry(server.clone()).or_default();
        (watch.looked_at, watch.answers) = (Some(now), false);
        watch.missing.clear();
        watch.stalled.clear();
    }

    /// Whether the server shows by its list who is live.
    pub(super) fn answers(&self, server: &ServerName) -> bool {
        self.all().get(server).is_some_and(|watch| watch.answers)
    }

    /// A publisher was admitted, and its server is to show it soon.
    pub(super) fn await_publisher(
        &self,
        server: &ServerName,
        session: &str,
        name: &PublishName,
        now: Timestamp,
    ) {
        let awaited = Awaited { session: session.to_owned(), name: name.clone(), since: now };
        self.all().entry(server.clone()).or_default().awaited.push(awaited);
    }

    /// A publisher counts as live by another word than that of a list.
    pub(super) fn note_shown(&self, server: &ServerName, session: &str) {
        let mut all = self.all();
        if all.len() >= MANY_SERVERS {
            return;
        }
        let watch = all.entry(server.clone()).or_default();
        note(&mut watch.shown, [session]);
    }

    /// Whether this publisher was shown to bring media.
    pub(super) fn was_shown(&self, server: &ServerName, session: &str) -> bool {
        self.all().get(server).is_some_and(|watch| watch.shown.contains(session))
    }

    /// A publisher was let in on a server that keeps the one before until the next one sends media.
    ///
    /// One that takes over from another that still waits joins it: the one that is live is the same for both.
    pub(super) fn await_takeover(
        &self,
        server: &ServerName,
        newcomer: Newcomer,
        former: &str,
        now: Timestamp,
    ) {
        let mut all = self.all();
        all.entry(server.clone()).or_default().takeovers.add(newcomer, former, now);
    }

    /// The sessions that were let in some time ago and are not listed, while one before them still is; the last one
    /// first.
    pub(super) fn idle_takeovers(
        &self,
        server: &ServerName,
        listing: &Listing,
        asked_at: Timestamp,
    ) -> Vec<SessionId> {
        let mut all = self.all();
        let Some(watch) = all.get_mut(server) else { return Vec::new() };
        let listed: HashSet<&str> = listing.publishers.iter().map(ListedPublisher::known_as).collect();
        watch.takeovers.take_idle(&listed, asked_at)
    }

    /// Whether the last list has shown this publisher as one that sends no media.
    pub(super) fn is_stalled(&self, server: &ServerName, known_as: &str) -> bool {
        self.all().get(server).is_some_and(|watch| watch.stalled.contains(known_as))
    }

    /// Whether this list proves that the publisher is gone: the process had it, and has it no more.
    pub(super) fn proves_gone(&self, server: &ServerName, listing: &Listing, known_as: &str) -> bool {
        let all = self.all();
        let Some(watch) = all.get(server) else { return false };
        let is_listed = listing.publishers.iter().any(|one| one.known_as() == known_as);
        let is_same = watch.process.as_deref() == listing.process.as_ref().map(Process::id);
        listing.is_whole && is_same && watch.seen.contains(known_as) && !is_listed
    }

    /// Judges a list that was asked for at `asked_at`.
    pub(super) fn look(&self, server: &ServerName, listing: &Listing, asked_at: Timestamp) -> Look {
        let mut all = self.all();
        let watch = all.entry(server.clone()).or_default();
        (watch.looked_at, watch.answers) = (Some(asked_at), true);
        let changes = watch.note_process(listing.process.as_ref(), asked_at);
        let stalled = watch.movement.note(&listing.publishers, asked_at);
        watch.stalled.clone_from(&stalled);
        let listed: HashSet<&str> = listing.publishers.iter().map(ListedPublisher::known_as).collect();
        watch
            .awaited
            .retain(|one| asked_at < one.since.plus(AWAITED_FOR) && !one.is_in(|text| listed.contains(text)));
        let mut missing_before = std::mem::take(&mut watch.missing);
        // Nor is one judged whose media may still be on their way.
        missing_before.retain(|known_as| !watch.awaited.iter().any(|one| one.is_in(|text| text == known_as)));
        if matches!(listing.process, Some(Process::Worker { .. })) {
            // Of those that it never listed, another worker may know.
            missing_before.retain(|known_as| watch.seen.contains(known_as));
        }
        watch.note_seen(&listing.publishers);
        let (new_boot_id, restarted_at) = changes;
        let absent = match restarted_at {
            _ if !listing.is_whole => Absent::Kept,
            Some(_) => Absent::Ended(EndReason::ServerRestarted),
            None => Absent::EndedIfMissingBefore { reason: EndReason::Left, missing_before },
        };
        Look { absent, stalled, new_boot_id, restarted_at }
    }

    /// Notes which publishers a list missed.
    pub(super) fn missed(&self, server: &ServerName, missing: Vec<String>) {
        self.all().entry(server.clone()).or_default().missing = missing;
    }
}

impl Watch {
    /// Notes which process answered: its boot id if it is a new one, and when the server was started if it was since.
    fn note_process(
        &mut self,
        process: Option<&Process>,
        asked_at: Timestamp,
    ) -> (Option<String>, Option<Timestamp>) {
        let Some(process) = process else { return (None, None) };
        let is_new = self.process.as_deref() != Some(process.id());
        if is_new {
            self.process = Some(process.id().to_owned());
            self.seen.clear();
            self.missing.clear();
            self.movement = Movement::default();
        }
        match process {
            Process::Whole(boot_id) => (is_new.then(|| boot_id.clone()), None),
            Process::Worker { age, connection, .. } => {
                // A server counts from 1 when it is started, and goes on counting when it reloads.
                let is_restart = connection.is_some_and(|number| Some(number) < self.connection);
                self.connection = *connection;
                (None, is_restart.then(|| asked_at.plus(-*age)))
            }
        }
    }

    fn note_seen(&mut self, publishers: &[ListedPublisher]) {
        note(&mut self.seen, publishers.iter().map(ListedPublisher::known_as));
        let moving = publishers
            .iter()
            .map(ListedPublisher::known_as)
            .filter(|known_as| !self.stalled.contains(*known_as));
        note(&mut self.shown, moving);
    }
}

/// Adds to what is remembered, which must not grow without end.
fn note<'a>(remembered: &mut HashSet<String>, texts: impl IntoIterator<Item = &'a str>) {
    if remembered.len() > MANY_SEEN {
        remembered.clear();
    }
    remembered.extend(texts.into_iter().map(str::to_owned));
}

impl Awaited {
    /// Whether it goes by one of these texts: by its session or, in a list without sessions, by its name.
    fn is_in(&self, holds: impl Fn(&str) -> bool) -> bool {
        holds(&self.session) || holds(self.name.expose())
    }
}
