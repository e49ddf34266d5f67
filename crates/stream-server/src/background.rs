//! Everything that happens without a request, each a task of its own under a supervisor.
//!
//! First the database is prepared; then sweeps, the platform's users, clocks and media servers are looked after until the
//! process stops.

mod events;
mod in_flight;
mod media_servers;
mod once_warning;
mod preparation;
pub(crate) mod skew;
mod supervisor;
mod sweeps;
mod ticks;
mod users;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

use stream_domain::ports::StoreHealth;
use stream_domain::{Broadcasts, Keys, Schedules, ServerName};
use stream_http::{EventFeed, Limits, Readiness};
use stream_metrics::{ServiceMetrics, TaskMeter, TaskMetrics};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

pub(crate) use self::webhooks::Sending;
use crate::store::Store;
use crate::system::{OsEntropy, SystemClock};

/// What the tasks work on.
pub(crate) struct Background {
    /// The store, to be migrated.
    pub(crate) store: Store,
    /// The same store's health and clock.
    pub(crate) health: Arc<dyn StoreHealth>,
    /// The use cases of keys.
    pub(crate) keys: Keys,
    /// The use cases of schedules.
    pub(crate) schedules: Schedules,
    /// The use cases of media servers.
    pub(crate) broadcasts: Broadcasts,
    /// The log of events, and its readers.
    pub(crate) event_feed: EventFeed,
    /// What is delivered to endpoints.
    pub(crate) sending: Sending,
    /// Where the tasks report whether the service is ready.
    pub(crate) readiness: Readiness,
    /// Where the tasks are counted.
    pub(crate) tasks: TaskMetrics,
    /// Where the migration and the clocks are shown.
    pub(crate) service: ServiceMetrics,
    /// The limits on requests.
    pub(crate) limits: Limits,
    /// The pause between sweeps.
    pub(crate) sweep_interval: Duration,
    /// The tasks that run, so that who ends them can wait until they have: a task goes on to its next pause.
    pub(crate) running: TaskTracker,
}

impl Background {
    /// Prepares the database, reports it through `prepared`, and runs every task until the future is dropped.
    pub(crate) async fn run(self, prepared: oneshot::Sender<()>) {
        let (store, health, readiness) = (self.store.clone(), self.health.clone(), self.readiness.clone());
        if store.may_come_back() {
            let meter = self.tasks.of("preparing the database");
            let prepare =
                || preparation::prepare(store.clone(), health.clone(), readiness.clone(), meter.clone());
            supervisor::keep(&meter, self.readiness.clone(), &OsEntropy, prepare).await;
        }
        self.service.migrated();
        self.readiness.ready();
        tracing::info!("ready");
        // The receiver may have stopped waiting.
        let _ = prepared.send(());

        // Dropping the set ends its tasks.
        let mut tasks = JoinSet::new();
        let store = self.store.clone();
        self.keep(&mut tasks, "looking for the users table", move |meter| {
            users::add_foreign_key(store.clone(), meter)
        });
        let (health, service) = (self.health.clone(), self.service.clone());
        self.keep(&mut tasks, "comparing clocks", move |meter| {
            skew::watch(health.clone(), Arc::new(SystemClock), service.clone(), meter)
        });
        let limits = self.limits.clone();
        self.keep(&mut tasks, "forgetting quiet users", move |meter| {
            sweeps::forget_quiet_users(limits.clone(), meter)
        });
        let (keys, period) = (self.keys.clone(), self.sweep_interval);
        self.keep(&mut tasks, "marking expired streams", move |meter| {
            sweeps::sweep_streams(keys.clone(), period, meter)
        });
        let schedules = self.schedules.clone();
        self.keep(&mut tasks, "forgetting old schedules", move |meter| {
            sweeps::sweep_schedules(schedules.clone(), period, meter)
        });
        let (feed, service) = (self.event_feed.clone(), self.service.clone());
        self.keep(&mut tasks, "sequencing events", move |meter| {
            events::sequence(feed.clone(), service.clone(), meter)
        });
        let log = self.event_feed.events().clone();
        self.keep(&mut tasks, "noting absences", move |meter| events::note_absences(log.clone(), meter));
        let log = self.event_feed.events().clone();
        self.keep(&mut tasks, "forgetting old events", move |meter| {
            events::forget_old(log.clone(), period, meter)
        });
        let sending = self.sending.clone();
        self.keep(&mut tasks, "delivering webhooks", move |meter| webhooks::deliver(sending.clone(), meter));
        let of = self.sending.deliveries.clone();
        self.keep(&mut tasks, "replaying events", move |meter| webhooks::replay(of.clone(), meter));
        let (of, metrics) = (self.sending.deliveries.clone(), self.sending.metrics.clone());
        self.keep(&mut tasks, "counting webhooks", move |meter| {
            webhooks::count(of.clone(), metrics.clone(), meter)
        });
        let of = self.sending.deliveries.clone();
        self.keep(&mut tasks, "forgetting old deliveries", move |meter| {
            webhooks::forget_old(of.clone(), period, meter)
        });
        let sessions = self.broadcasts.clone();
        self.keep(&mut tasks, "ending lost sessions", move |meter| {
            sweeps::sweep_sessions(sessions.clone(), period, meter)
        });
        let silent = self.broadcasts.clone();
        self.keep(&mut tasks, "listening for silent servers", move |meter| {
            media_servers::warn_of_silent_servers(silent.clone(), meter)
        });
        for server in self.broadcasts.servers().controlled() {
            self.watch(&mut tasks, server);
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Reconciles with one media server, and kicks publishers there.
    fn watch(&self, tasks: &mut JoinSet<()>, server: &ServerName) {
        // One per media server, made once per process.
        let named = |what: &str| &*format!("{what} {server}").leak();
        let (of, at) = (self.broadcasts.clone(), server.clone());
        self.keep(tasks, named("kicking publishers at"), move |meter| {
            media_servers::kick_publishers(of.clone(), at.clone(), meter)
        });
        let (of, at) = (self.broadcasts.clone(), server.clone());
        self.keep(tasks, named("reconciling with"), move |meter| {
            media_servers::reconcile(of.clone(), at.clone(), meter)
        });
    }

    /// Starts a task that the supervisor restarts when it panics.
    fn keep<F>(
        &self,
        tasks: &mut JoinSet<()>,
        name: &'static str,
        make: impl Fn(TaskMeter) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let (readiness, meter) = (self.readiness.clone(), self.tasks.of(name));
        let running = self.running.clone();
        tasks.spawn(async move {
            let make = || running.track_future(make(meter.clone()));
            supervisor::keep(&meter, readiness, &OsEntropy, make).await;
        });
    }
}

#[cfg(test)]
mod tests;
