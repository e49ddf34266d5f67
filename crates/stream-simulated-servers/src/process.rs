//! The state of one run of a simulated server's process: its identity, its counters and its publishers.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::http::Url;
use crate::session::{Session, State};
use crate::text;

/// The state of one run of the process; the family's rules read it.
#[derive(Debug)]
pub(crate) struct Process {
    /// The URL of its hook.
    pub(crate) hook: Url,
    /// The key for its signatures.
    pub(crate) secret: String,
    /// A number that is unique to this process.
    pub(crate) number: u64,
    /// When it started.
    pub(crate) since: Instant,
    /// Whether a publisher is watchable only after the event that reports its begin.
    reports_begins: bool,
    /// How long the playlist of an ended stream remains.
    playlist_kept_for: Duration,
    counters: Mutex<[u64; 3]>,
    sessions: Mutex<Vec<Arc<Session>>>,
    ended_names: Mutex<Vec<(String, Instant)>>,
}

/// The counters, which start from 0 in each process.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Counter {
    /// Connections.
    Connections,
    /// Requests.
    Requests,
    /// Denials.
    Denials,
}

impl Process {
    pub(crate) fn new(hook: Url, secret: &str, reports_begins: bool, playlist_kept_for: Duration) -> Self {
        Self {
            hook,
            secret: secret.to_owned(),
            number: text::unique(),
            since: Instant::now(),
            reports_begins,
            playlist_kept_for,
            counters: Mutex::default(),
            sessions: Mutex::default(),
            ended_names: Mutex::default(),
        }
    }

    /// The next number of a counter, from 0.
    pub(crate) fn count(&self, counter: Counter) -> u64 {
        let mut counters = lock(&self.counters);
        let number = &mut counters[counter as usize];
        *number += 1;
        *number - 1
    }

    /// The live publishers, in order of connection.
    pub(crate) fn live(&self) -> Vec<Arc<Session>> {
        let mut sessions = lock(&self.sessions).clone();
        sessions.retain(|session| session.is(&State::Live));
        sessions
    }

    /// The publishers that viewers can watch; in families that report begins, only after that report.
    pub(crate) fn watchable(&self) -> Vec<Arc<Session>> {
        let mut sessions = self.live();
        sessions.retain(|session| self.has_begun(session));
        sessions
    }

    /// Names that were live and no longer are.
    pub(crate) fn ended_names(&self) -> Vec<String> {
        let live = self.live();
        let names = lock(&self.ended_names).clone();
        let names = names.into_iter().map(|(name, _)| name);
        names.filter(|name| live.iter().all(|session| session.name != *name)).collect()
    }

    /// Whether viewers find a playlist of this name: of a live stream, or of one that has just ended.
    pub(crate) fn has_playlist(&self, name: &str) -> bool {
        let remains =
            |(ended, at): &(String, Instant)| ended == name && at.elapsed() < self.playlist_kept_for;
        self.watchable().iter().any(|session| session.name == name)
            || lock(&self.ended_names).iter().any(remains)
    }

    /// The publishers whose hook has not responded yet.
    pub(crate) fn asking(&self) -> Vec<Arc<Session>> {
        let mut sessions = lock(&self.sessions).clone();
        sessions.retain(|session| session.is(&State::Asking));
        sessions
    }

    /// Every publisher that has not ended, in any state.
    pub(crate) fn sessions(&self) -> Vec<Arc<Session>> {
        lock(&self.sessions).clone()
    }

    /// Adds a publisher.
    pub(crate) fn add(&self, session: &Arc<Session>) {
        lock(&self.sessions).push(Arc::clone(session));
    }

    /// Makes a publisher live, unless another one is live with its name; returns that one.
    pub(crate) fn go_live_if_first(&self, session: &Session) -> Option<Arc<Session>> {
        let sessions = lock(&self.sessions);
        let first = sessions.iter().find(|other| other.name == session.name && other.is(&State::Live));
        if first.is_none() {
            session.state.send_replace(State::Live);
        }
        first.cloned()
    }

    /// Closes a live publisher; returns whether its end is to be reported.
    pub(crate) fn close(&self, session: &Arc<Session>, how: &State) -> bool {
        let was_live = session.state.send_if_modified(|state| {
            let is_live = *state == State::Live;
            if is_live {
                *state = how.clone();
            }
            is_live
        });
        if was_live {
            self.forget(session);
            let mut names = lock(&self.ended_names);
            names.retain(|(name, _)| *name != session.name);
            names.push((session.name.clone(), Instant::now()));
        }
        was_live && self.has_begun(session)
    }

    fn has_begun(&self, session: &Session) -> bool {
        !self.reports_begins || session.is_begun.load(Ordering::SeqCst)
    }

    /// Removes a publisher that was refused or has ended.
    pub(crate) fn forget(&self, session: &Arc<Session>) {
        lock(&self.sessions).retain(|other| !Arc::ptr_eq(other, session));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
