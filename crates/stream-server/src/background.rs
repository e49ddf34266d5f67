//! Everything that happens without a request: preparing the database, sweeps, the platform's users, media servers.
//!
//! Each is a task of its own that a supervisor keeps.

use std::sync::Arc;
use std::time::Duration;

use stream_domain::ports::{StoreError, StoreHealth, UsersTable, chain_of};
use stream_domain::{Broadcasts, ServerName, Streams};
use stream_http::{GenerateKeyLimit, Readiness};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::app::Store;
use crate::system::{OsEntropy, SystemClock};
use crate::{broadcasts, preparation, skew, supervisor};

/// How long media servers are given, after a start, to say who is live before sessions are ended as lost.
const FIRST_SWEEP: Duration = Duration::from_secs(10);

/// How often a missing `users` table is looked for, and how seldom one that cannot be referred to.
const USERS_INTERVALS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(30)..=Duration::from_secs(3_600);

/// How often the limit on key requests forgets users who have been quiet.
const LIMIT_INTERVAL: Duration = Duration::from_secs(30);

/// What the tasks work on.
pub(crate) struct Background {
    pub(crate) store: Store,
    pub(crate) health: Arc<dyn StoreHealth>,
    pub(crate) streams: Streams,
    pub(crate) broadcasts: Broadcasts,
    pub(crate) readiness: Readiness,
    pub(crate) limit: Arc<GenerateKeyLimit>,
    pub(crate) sweep_interval: Duration,
}

impl Background {
    /// Prepares the database, says so through `prepared`, and runs every task until it is dropped.
    pub(crate) async fn run(self, prepared: oneshot::Sender<()>) {
        let (store, health, readiness) = (self.store.clone(), self.health.clone(), self.readiness.clone());
        if store.may_come_back() {
            let prepare = || preparation::prepare(store.clone(), health.clone(), readiness.clone());
            supervisor::keep("preparing the database", self.readiness.clone(), &OsEntropy, prepare).await;
        }
        self.readiness.ready();
        tracing::info!("ready");
        // Nobody may be waiting any more.
        let _ = prepared.send(());

        // They end with this task.
        let mut tasks = JoinSet::new();
        let store = self.store.clone();
        self.keep(&mut tasks, "looking for the users table", move || wait_for_users(store.clone()));
        let health = self.health.clone();
        let watch = move || skew::watch(health.clone(), Arc::new(SystemClock));
        self.keep(&mut tasks, "comparing clocks", watch);
        let limit = self.limit.clone();
        self.keep(&mut tasks, "forgetting quiet users", move || forget_quiet_users(limit.clone()));
        let (streams, period) = (self.streams.clone(), self.sweep_interval);
        self.keep(&mut tasks, "marking expired streams", move || sweep_streams(streams.clone(), period));
        let sessions = self.broadcasts.clone();
        self.keep(&mut tasks, "ending lost sessions", move || sweep_sessions(sessions.clone(), period));
        let silent = self.broadcasts.clone();
        self.keep(&mut tasks, "listening for silent servers", move || {
            broadcasts::warn_of_silent(silent.clone())
        });
        for server in self.broadcasts.servers().controlled() {
            self.attend(&mut tasks, server);
        }
        while tasks.join_next().await.is_some() {}
    }

    /// Looks at one media server, and cuts there.
    fn attend(&self, tasks: &mut JoinSet<()>, server: &ServerName) {
        // A handful of names, made once a process.
        let named = |what: &str| &*format!("{what} {server}").leak();
        let (of, at) = (self.broadcasts.clone(), server.clone());
        self.keep(tasks, named("cutting at"), move || broadcasts::cut(of.clone(), at.clone()));
        let (of, at) = (self.broadcasts.clone(), server.clone());
        self.keep(tasks, named("comparing with"), move || broadcasts::compare(of.clone(), at.clone()));
    }

    fn keep<F>(
        &self,
        tasks: &mut JoinSet<()>,
        name: &'static str,
        make: impl Fn() -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        let readiness = self.readiness.clone();
        tasks.spawn(async move { supervisor::keep(name, readiness, &OsEntropy, make).await });
    }
}

async fn forget_quiet_users(limit: Arc<GenerateKeyLimit>) {
    let mut ticks = interval(LIMIT_INTERVAL);
    loop {
        ticks.tick().await;
        limit.forget_quiet_users();
    }
}

async fn sweep_streams(streams: Streams, period: Duration) {
    let mut ticks = every(period);
    loop {
        ticks.tick().await;
        match streams.sweep().await {
            Ok(0) => {}
            Ok(expired) => tracing::info!(expired, "marked expired streams"),
            Err(error) => {
                tracing::warn!(error = chain_of(&error), "could not mark expired streams yet");
            }
        }
    }
}

async fn sweep_sessions(broadcasts: Broadcasts, period: Duration) {
    let began = Instant::now();
    let mut ticks = every(period);
    loop {
        ticks.tick().await;
        // Those whom a media server still lists were not lost; it is asked first.
        if began.elapsed() < FIRST_SWEEP {
            continue;
        }
        match broadcasts.sweep().await {
            Ok(0) => {}
            Ok(lost) => tracing::info!(lost, "ended sessions whose lease ran out"),
            Err(error) => tracing::warn!(error = chain_of(&error), "could not end lost sessions yet"),
        }
    }
}

fn every(period: Duration) -> tokio::time::Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Adds the foreign key to the platform's users, now or once their table appears; says each thing once.
async fn wait_for_users(store: Store) {
    let (mut told, mut pause) = (String::new(), *USERS_INTERVALS.start());
    // The migration has just looked.
    let mut tied: Result<UsersTable, StoreError> = Ok(store.users_table());
    loop {
        let cannot_be = matches!(tied, Ok(UsersTable::NotReferenced) | Err(_));
        let state = match tied {
            Ok(UsersTable::NotUsed) => return,
            Ok(UsersTable::Referenced) => return tracing::info!("streams refer to the platform's users"),
            Ok(UsersTable::ReferencedByNewStreams) => {
                return tracing::warn!(
                    "new streams refer to the platform's users; some older ones name users who do not exist, or this \
                     role may not check them"
                );
            }
            Ok(UsersTable::Missing) => {
                "there is no users table yet: streams are kept without a foreign key until it appears"
                    .to_owned()
            }
            // The migration said why.
            Ok(UsersTable::NotReferenced) => String::new(),
            Err(error) => format!("streams cannot refer to the users table: {}", error.innermost_cause()),
        };
        if state != told {
            if !state.is_empty() {
                tracing::warn!("{state}");
            }
            told = state;
        }
        sleep(pause).await;
        pause = if cannot_be { (pause * 2).min(*USERS_INTERVALS.end()) } else { *USERS_INTERVALS.start() };
        tied = store.tie_to_users().await;
    }
}

#[cfg(test)]
mod tests;
