//! One life of a simulated server's process: its publishers, and what it says and does by its table of rules.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::http::Url;
use super::rules::{Event, Questions, Rules, SecondPublisher};
use super::session::{Session, State};
use super::text;

/// One life of the process, from its start to its end.
#[derive(Debug)]
pub(super) struct Run {
    /// The table it plays.
    pub(super) rules: Rules,
    /// Where its hook is.
    pub(super) hook: Url,
    /// What it signs with.
    pub(super) secret: String,
    /// A number that no other run has.
    pub(super) number: u64,
    /// When it started.
    pub(super) since: Instant,
    counters: Mutex<[u64; 3]>,
    sessions: Mutex<Vec<Arc<Session>>>,
    ended_names: Mutex<Vec<(String, Instant)>>,
    turn: tokio::sync::Mutex<()>,
    tasks: Mutex<Option<JoinSet<()>>>,
    runtime: Handle,
}

/// What is counted from the beginning in each run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Counter {
    /// Connections.
    Connections,
    /// Requests.
    Requests,
    /// Denials.
    Denials,
}

impl Run {
    pub(super) fn start(rules: Rules, hook: Url, secret: &str) -> Arc<Self> {
        let run = Arc::new(Self {
            rules,
            hook,
            secret: secret.to_owned(),
            number: text::unique(),
            since: Instant::now(),
            counters: Mutex::default(),
            sessions: Mutex::default(),
            ended_names: Mutex::default(),
            turn: tokio::sync::Mutex::default(),
            tasks: Mutex::new(Some(JoinSet::new())),
            runtime: Handle::current(),
        });
        if let Some(every) = rules.server_beat {
            let beating = Arc::clone(&run);
            run.spawn(async move {
                loop {
                    sleep(every).await;
                    beating.tell(&Event::ServerBeat);
                }
            });
        }
        run
    }

    /// Runs a task for as long as the process lives; whether it lives still.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> bool {
        let mut tasks = lock(&self.tasks);
        if let Some(tasks) = tasks.as_mut() {
            while tasks.try_join_next().is_some() {}
            tasks.spawn_on(task, &self.runtime);
        }
        tasks.is_some()
    }

    /// The next number of a counter, from 0.
    pub(super) fn count(&self, counter: Counter) -> u64 {
        let mut counters = lock(&self.counters);
        let number = &mut counters[counter as usize];
        *number += 1;
        *number - 1
    }

    /// The publishers that are live, in the order in which they came.
    pub(super) fn live(&self) -> Vec<Arc<Session>> {
        let mut sessions = lock(&self.sessions).clone();
        sessions.retain(|session| session.is(&State::Live));
        sessions
    }

    /// The publishers that viewers can watch: what is shown begins with the event that tells of it.
    pub(super) fn watchable(&self) -> Vec<Arc<Session>> {
        let mut sessions = self.live();
        sessions.retain(|session| self.has_begun(session));
        sessions
    }

    /// Names that were live once and are no more.
    pub(super) fn ended_names(&self) -> Vec<String> {
        let live = self.live();
        let names = lock(&self.ended_names).clone();
        let names = names.into_iter().map(|(name, _)| name);
        names.filter(|name| live.iter().all(|session| session.name != *name)).collect()
    }

    /// Whether viewers find a playlist of this name: of a live stream, or of one that ended a moment ago.
    pub(super) fn has_playlist(&self, name: &str) -> bool {
        let stays =
            |(ended, at): &(String, Instant)| ended == name && at.elapsed() < self.rules.playlist_stays;
        self.watchable().iter().any(|session| session.name == name)
            || lock(&self.ended_names).iter().any(stays)
    }

    /// The publishers that have asked and were not answered yet.
    pub(super) fn asking(&self) -> Vec<Arc<Session>> {
        let mut sessions = lock(&self.sessions).clone();
        sessions.retain(|session| session.is(&State::Asking));
        sessions
    }

    /// Waits as a control call or a viewer has to.
    pub(super) async fn wait_in_line(&self, path: &str) {
        match self.rules.questions {
            Questions::HoldingTheServer { free } if !path.starts_with(free) => drop(self.turn.lock().await),
            _ => {}
        }
    }

    /// Lets a publisher in, if the hook does.
    pub(super) fn publish(self: &Arc<Self>, connect: impl FnOnce(String) -> Session) -> Arc<Session> {
        let id = (self.rules.session_id)(self.count(Counter::Connections));
        let session = Arc::new(connect(id));
        if !(self.rules.name_is_allowed)(&session.name) {
            session.state.send_replace(State::Refused("the name is not allowed".to_owned()));
            return session;
        }
        lock(&self.sessions).push(Arc::clone(&session));
        let (run, asking) = (Arc::clone(self), Arc::clone(&session));
        if !self.spawn(async move { run.decide(&asking).await }) {
            session.state.send_replace(State::Refused("nobody listens".to_owned()));
        }
        session
    }

    async fn decide(self: &Arc<Self>, session: &Arc<Session>) {
        let refusal = {
            let in_turn = self.rules.questions != Questions::AtTheSameTime;
            let _turn = if in_turn { Some(self.turn.lock().await) } else { None };
            match self.ask(session).await {
                Ok(()) => self.go_live(session),
                Err(reason) => Err(reason),
            }
        };
        if let Err((reason, pause)) = refusal {
            sleep(pause).await;
            self.forget(session);
            session.state.send_replace(State::Refused(reason));
            if self.rules.tells_end_of_refused {
                self.tell(&Event::End(session));
            }
        } else if session.has_left.load(Ordering::SeqCst) {
            self.end(session, &State::Gone);
        }
    }

    fn go_live(self: &Arc<Self>, session: &Arc<Session>) -> Result<(), (String, Duration)> {
        let first = {
            let sessions = lock(&self.sessions);
            let first = sessions.iter().find(|other| other.name == session.name && other.is(&State::Live));
            if first.is_none() {
                session.state.send_replace(State::Live);
            }
            first.cloned()
        };
        match (first, self.rules.second_publisher) {
            (Some(_), SecondPublisher::IsRefused) => {
                return Err(("somebody else publishes to this name".to_owned(), Duration::ZERO));
            }
            (Some(_), SecondPublisher::TakesOver) => {
                session.state.send_replace(State::Live);
            }
            (None, _) => {}
        }
        if !session.brings_media {
            let (run, session) = (Arc::clone(self), Arc::clone(session));
            self.spawn(async move {
                sleep(run.rules.frozen_after).await;
                run.leave(&session);
            });
            return Ok(());
        }
        if let Some(pause) = self.rules.begin_after {
            let (run, session) = (Arc::clone(self), Arc::clone(session));
            self.spawn(async move {
                sleep(pause).await;
                if session.is(&State::Live) {
                    run.begin(&session);
                }
            });
        }
        if let Some(every) = self.rules.publisher_beat {
            let (run, session) = (Arc::clone(self), Arc::clone(session));
            self.spawn(async move {
                sleep(every).await;
                while session.is(&State::Live) {
                    run.tell(&Event::Beat(&session));
                    sleep(every).await;
                }
            });
        }
        Ok(())
    }

    /// The media of a live publisher have come: it takes the place of whoever had its name.
    fn begin(self: &Arc<Self>, session: &Arc<Session>) {
        let others = self.live().into_iter().filter(|other| other.name == session.name);
        for other in others.filter(|other| !Arc::ptr_eq(other, session)) {
            self.end(&other, &State::Cut);
        }
        session.is_begun.store(true, Ordering::SeqCst);
        self.tell(&Event::Begin(session));
    }

    /// The encoder's connection is closed.
    pub(super) fn leave(self: &Arc<Self>, session: &Arc<Session>) {
        session.has_left.store(true, Ordering::SeqCst);
        if session.is(&State::Live) {
            self.end(session, &State::Gone);
        }
    }

    /// The encoder is silent, though its connection is open.
    pub(super) fn freeze(self: &Arc<Self>, session: &Arc<Session>) {
        session.frozen_at.get_or_init(Instant::now);
        let (run, session) = (Arc::clone(self), Arc::clone(session));
        self.spawn(async move {
            sleep(run.rules.frozen_after).await;
            run.leave(&session);
        });
    }

    /// Cuts a live publisher; whether there was one.
    pub(super) fn cut(self: &Arc<Self>, is_meant: impl Fn(&Session) -> bool) -> bool {
        let found = self.live().into_iter().find(|session| is_meant(session));
        if let Some(session) = &found {
            self.end(session, &State::Cut);
        }
        found.is_some()
    }

    fn end(self: &Arc<Self>, session: &Arc<Session>, how: &State) {
        if !self.close(session, how) {
            return;
        }
        let (run, session) = (Arc::clone(self), Arc::clone(session));
        self.spawn(async move {
            sleep(run.rules.end_after).await;
            run.tell(&Event::End(&session));
        });
    }

    /// Ends every publisher and every task; with farewells, the ends are told first.
    pub(super) async fn stop(self: &Arc<Self>, farewells: Farewells) {
        let tasks = lock(&self.tasks).take();
        if let Some(mut tasks) = tasks {
            tasks.shutdown().await;
        }
        let mut told = JoinSet::new();
        let sessions = lock(&self.sessions).clone();
        for session in sessions {
            if session.is(&State::Asking) {
                session.state.send_replace(State::Refused("the connection was closed".to_owned()));
            }
            if self.close(&session, &State::Cut) && farewells == Farewells::Told {
                for draft in (self.rules.drafts)(self, &Event::End(&session)) {
                    let run = Arc::clone(self);
                    told.spawn(async move { run.exchange(&draft, run.rules.event_limit).await });
                }
            }
        }
        told.join_all().await;
    }

    /// Ends everything without waiting for it.
    pub(super) fn abandon(&self) {
        let tasks = lock(&self.tasks).take();
        drop(tasks);
    }

    /// Closes a live publisher; whether its end is to be told.
    fn close(&self, session: &Arc<Session>, how: &State) -> bool {
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
        self.rules.begin_after.is_none() || session.is_begun.load(Ordering::SeqCst)
    }

    fn forget(&self, session: &Arc<Session>) {
        lock(&self.sessions).retain(|other| !Arc::ptr_eq(other, session));
    }
}

/// Whether a server tells the ends of its publishers before its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Farewells {
    /// It does.
    Told,
    /// It does not.
    Untold,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
