//! One run of a simulated server's process, by the rules of its family: it asks about publishers, admits, reports and
//! kicks them, and ends.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::hooks;
use crate::http::Url;
use crate::process::{Counter, Process};
use crate::rules::{Draft, Event, Requests, Rules, SecondPublisher};
use crate::session::{Session, State};

/// One run of the process, from its start to its end.
#[derive(Debug)]
pub(crate) struct Run {
    /// The rules that it follows.
    pub(crate) rules: Rules,
    /// Its state.
    pub(crate) process: Process,
    /// Held during the decision on a publisher, if the family decides one at a time.
    turn: tokio::sync::Mutex<()>,
    tasks: Mutex<Option<JoinSet<()>>>,
    runtime: Handle,
}

impl Run {
    /// Starts a run; `secret` is the key for the hooks' signatures, in families that sign.
    pub(crate) fn start(rules: Rules, hook: Url, secret: &str) -> Arc<Self> {
        let process = Process::new(hook, secret, rules.begin_after.is_some(), rules.playlist_kept_for);
        let run = Arc::new(Self {
            rules,
            process,
            turn: tokio::sync::Mutex::default(),
            tasks: Mutex::new(Some(JoinSet::new())),
            runtime: Handle::current(),
        });
        if let Some(every) = rules.server_heartbeat {
            let beating = Arc::clone(&run);
            run.spawn(async move {
                loop {
                    sleep(every).await;
                    beating.report(&Event::ServerHeartbeat);
                }
            });
        }
        run
    }

    /// Runs a task until the process ends; returns whether the process is still running.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> bool {
        let mut tasks = lock(&self.tasks);
        if let Some(tasks) = tasks.as_mut() {
            while tasks.try_join_next().is_some() {}
            tasks.spawn_on(task, &self.runtime);
        }
        tasks.is_some()
    }

    /// Waits for its turn, if publish requests block control calls and viewers.
    pub(crate) async fn wait_for_turn(&self, path: &str) {
        match self.rules.requests {
            Requests::BlockingTheServer { free } if !path.starts_with(free) => drop(self.turn.lock().await),
            _ => {}
        }
    }

    /// A publisher connects; it is admitted if the hook accepts it.
    pub(crate) fn publish(self: &Arc<Self>, connect: impl FnOnce(String) -> Session) -> Arc<Session> {
        let id = (self.rules.session_id)(self.process.count(Counter::Connections));
        let session = Arc::new(connect(id));
        if !(self.rules.name_is_allowed)(&session.name) {
            session.state.send_replace(State::Refused("the name is not allowed".to_owned()));
            return session;
        }
        self.process.add(&session);
        let (run, asking) = (Arc::clone(self), Arc::clone(&session));
        if !self.spawn(async move { run.decide(&asking).await }) {
            session.state.send_replace(State::Refused("the server is down".to_owned()));
        }
        session
    }

    async fn decide(self: &Arc<Self>, session: &Arc<Session>) {
        let refusal = {
            let in_turn = self.rules.requests != Requests::Concurrent;
            let _turn = if in_turn { Some(self.turn.lock().await) } else { None };
            match hooks::ask(&self.rules, &self.process, session).await {
                Ok(()) => self.go_live(session),
                Err(reason) => Err(reason),
            }
        };
        if let Err((reason, pause)) = refusal {
            sleep(pause).await;
            self.process.forget(session);
            session.state.send_replace(State::Refused(reason));
            if self.rules.reports_end_of_refused {
                self.report(&Event::End(session));
            }
        } else if session.has_left.load(Ordering::SeqCst) {
            self.end(session, &State::Gone);
        }
    }

    fn go_live(self: &Arc<Self>, session: &Arc<Session>) -> Result<(), (String, Duration)> {
        match (self.process.go_live_if_first(session), self.rules.second_publisher) {
            (Some(_), SecondPublisher::IsRefused) => {
                return Err(("another publisher has this name".to_owned(), Duration::ZERO));
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
        if let Some(every) = self.rules.publisher_heartbeat {
            let (run, session) = (Arc::clone(self), Arc::clone(session));
            self.spawn(async move {
                sleep(every).await;
                while session.is(&State::Live) {
                    run.report(&Event::Heartbeat(&session));
                    sleep(every).await;
                }
            });
        }
        Ok(())
    }

    /// The media of a live publisher arrive: it replaces the earlier publisher of its name.
    fn begin(self: &Arc<Self>, session: &Arc<Session>) {
        // Before the other ends, so that viewers find the name at every moment.
        session.is_begun.store(true, Ordering::SeqCst);
        let others = self.process.live().into_iter().filter(|other| other.name == session.name);
        for other in others.filter(|other| !Arc::ptr_eq(other, session)) {
            self.end(&other, &State::Kicked);
        }
        self.report(&Event::Begin(session));
    }

    /// Reports an event to the hook; the response is ignored.
    fn report(self: &Arc<Self>, event: &Event<'_>) {
        for draft in (self.rules.drafts)(&self.process, event) {
            let run = Arc::clone(self);
            self.spawn(async move { run.send(&draft).await });
        }
    }

    async fn send(&self, draft: &Draft) {
        hooks::exchange(&self.rules, &self.process, draft, self.rules.event_timeout).await;
    }

    /// The encoder has closed its connection.
    pub(crate) fn leave(self: &Arc<Self>, session: &Arc<Session>) {
        session.has_left.store(true, Ordering::SeqCst);
        if session.is(&State::Live) {
            self.end(session, &State::Gone);
        }
    }

    /// The encoder sends nothing, although its connection is open.
    pub(crate) fn freeze(self: &Arc<Self>, session: &Arc<Session>) {
        session.frozen_at.get_or_init(Instant::now);
        let (run, session) = (Arc::clone(self), Arc::clone(session));
        self.spawn(async move {
            sleep(run.rules.frozen_after).await;
            run.leave(&session);
        });
    }

    /// Kicks the first live publisher that is meant; returns whether there was one.
    pub(crate) fn kick(self: &Arc<Self>, is_meant: impl Fn(&Session) -> bool) -> bool {
        let found = self.process.live().into_iter().find(|session| is_meant(session));
        if let Some(session) = &found {
            self.end(session, &State::Kicked);
        }
        found.is_some()
    }

    fn end(self: &Arc<Self>, session: &Arc<Session>, how: &State) {
        if !self.process.close(session, how) {
            return;
        }
        let (run, session) = (Arc::clone(self), Arc::clone(session));
        self.spawn(async move {
            sleep(run.rules.end_after).await;
            run.report(&Event::End(&session));
        });
    }

    /// Ends every publisher and every task; the ends may be reported.
    pub(crate) async fn stop(self: &Arc<Self>, final_reports: FinalReports) {
        let tasks = lock(&self.tasks).take();
        if let Some(mut tasks) = tasks {
            tasks.shutdown().await;
        }
        let mut reports = JoinSet::new();
        for session in self.process.sessions() {
            if session.is(&State::Asking) {
                session.state.send_replace(State::Refused("the connection was closed".to_owned()));
            }
            if self.process.close(&session, &State::Kicked) && final_reports == FinalReports::Sent {
                for draft in (self.rules.drafts)(&self.process, &Event::End(&session)) {
                    let run = Arc::clone(self);
                    reports.spawn(async move { run.send(&draft).await });
                }
            }
        }
        reports.join_all().await;
    }

    /// Ends everything without waiting.
    pub(crate) fn abandon(&self) {
        let tasks = lock(&self.tasks).take();
        drop(tasks);
    }
}

/// Whether a server reports the ends of its publishers before its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FinalReports {
    /// It does.
    Sent,
    /// It does not.
    NotSent,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
