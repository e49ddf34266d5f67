//! What the domain needs of the outside world: one trait a use.
//!
//! To write another store, implement the traits of [`StreamPorts`], [`SessionPorts`] and [`StoreHealth`], and run
//! `testing::laws` on it: each sentence with MUST has a law.
//!
//! What holds for every method of a store:
//! each is one atomic step, may be called from any number of instances at once, and is finished once begun, so a caller
//! that goes away neither undoes nor halves it.
//! Streams that are read tell whether they have an open session that is confirmed, and until when its lease runs.
//! A stored row that the domain cannot represent is [`StoreError::Corrupt`] where it is asked for by itself, and is left
//! out of lists, with an error in the log that names table and number.

mod admissions;
mod blocks;
mod catalog;
mod deliveries;
mod details;
mod environment;
mod error;
mod events;
mod examiner;
mod health;
mod history;
mod keys;
mod kicks;
mod media;
mod operations;
mod presence;
mod progress;
mod schedules;
mod statistics;
mod tasks;
mod tokens;
mod webhook_sender;
mod webhooks;

use std::sync::Arc;

pub use admissions::{Admissions, Clues, RESTART_MARGIN, SETTLED_AFTER, SessionSelector};
pub use blocks::BlockStore;
pub use catalog::CatalogStore;
pub use deliveries::DeliveryStore;
pub use details::{DescribeStreamError, DetailsStore};
pub use environment::{Clock, Entropy, EntropyError, jittered};
pub use error::{BoxedSource, StoreError, chain_of};
pub use events::EventLog;
pub use examiner::Examiner;
pub use health::{StoreHealth, UsersTable};
pub use history::History;
pub use keys::{KeyLookup, KeyStore, StartError, UserStreamsError};
pub use kicks::{KICK_EXPIRES_AFTER, KICK_RETRY_AFTER, Kicks};
pub use media::{
    HookSettings, HookUrl, Kick, KickPatience, ListedPublisher, Listing, MediaServer, MediaServerError,
    Process,
};
pub use operations::{Operations, ServerActivity, SessionFilter};
pub use presence::Presence;
pub use progress::Progress;
pub use schedules::{ChangeStoredError, PlanStoredError, ScheduleStore};
pub use statistics::{
    Counts, EndedSession, ErrorTally, PoolUsage, SharedReadUsage, Statistics, StoreUsage, Waits,
};
pub use tasks::{Task, Tasks};
pub use tokens::TokenVerifier;
pub use webhook_sender::{RefusedUrl, WebhookAnswer, WebhookMessage, WebhookSender};
pub use webhooks::{AddWebhookError, WebhookStore};

#[cfg(feature = "testing")]
pub use {
    admissions::MockAdmissions, blocks::MockBlockStore, catalog::MockCatalogStore,
    deliveries::MockDeliveryStore, details::MockDetailsStore, environment::MockEntropy, events::MockEventLog,
    examiner::MockExaminer, history::MockHistory, keys::MockKeyLookup, keys::MockKeyStore, kicks::MockKicks,
    media::MockMediaServer, operations::MockOperations, presence::MockPresence, schedules::MockScheduleStore,
    statistics::MockStatistics, webhook_sender::MockWebhookSender, webhooks::MockWebhookStore,
};

/// A store that has every port of streams and their keys.
pub trait StreamStore:
    KeyStore
    + KeyLookup
    + CatalogStore
    + DetailsStore
    + ScheduleStore
    + EventLog
    + WebhookStore
    + DeliveryStore
    + BlockStore
{
}

impl<S> StreamStore for S where
    S: KeyStore
        + KeyLookup
        + CatalogStore
        + DetailsStore
        + ScheduleStore
        + EventLog
        + WebhookStore
        + DeliveryStore
        + BlockStore
{
}

/// A store that has every port of publish sessions.
pub trait SessionStore: Admissions + Presence + Kicks + History + KeyLookup + Operations {}

impl<S: Admissions + Presence + Kicks + History + KeyLookup + Operations> SessionStore for S {}

/// The ports of a store that concern streams and their keys.
#[derive(Clone)]
pub struct StreamPorts {
    /// Begins and ends streams.
    pub keys: Arc<dyn KeyStore>,
    /// Finds streams.
    pub lookup: Arc<dyn KeyLookup>,
    /// Lists streams for everybody.
    pub catalog: Arc<dyn CatalogStore>,
    /// Keeps what owners say of them.
    pub details: Arc<dyn DetailsStore>,
    /// Keeps what they have planned.
    pub schedules: Arc<dyn ScheduleStore>,
    /// Keeps the log of what happened.
    pub events: Arc<dyn EventLog>,
    /// Keeps where events are delivered to.
    pub webhooks: Arc<dyn WebhookStore>,
    /// Keeps what is to be delivered.
    pub deliveries: Arc<dyn DeliveryStore>,
    /// Keeps who may not stream.
    pub blocks: Arc<dyn BlockStore>,
}

impl StreamPorts {
    /// All of them, of one store.
    pub fn of(store: Arc<impl StreamStore + 'static>) -> Self {
        Self {
            keys: store.clone(),
            lookup: store.clone(),
            catalog: store.clone(),
            details: store.clone(),
            schedules: store.clone(),
            events: store.clone(),
            webhooks: store.clone(),
            deliveries: store.clone(),
            blocks: store,
        }
    }
}

impl std::fmt::Debug for StreamPorts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamPorts").finish_non_exhaustive()
    }
}

/// The ports of a store that concern publish sessions.
#[derive(Clone)]
pub struct SessionPorts {
    /// Begins and ends sessions.
    pub admissions: Arc<dyn Admissions>,
    /// Keeps open sessions in step with media servers.
    pub presence: Arc<dyn Presence>,
    /// Hands out publishers to kick.
    pub kicks: Arc<dyn Kicks>,
    /// Reads and forgets what was.
    pub history: Arc<dyn History>,
    /// Finds the streams of questions that begin no session.
    pub lookup: Arc<dyn KeyLookup>,
    /// Shows operators the sessions of every user, and takes their orders.
    pub operations: Arc<dyn Operations>,
}

impl SessionPorts {
    /// All of them, of one store.
    pub fn of(store: Arc<impl SessionStore + 'static>) -> Self {
        Self {
            admissions: store.clone(),
            presence: store.clone(),
            kicks: store.clone(),
            history: store.clone(),
            lookup: store.clone(),
            operations: store,
        }
    }
}

impl std::fmt::Debug for SessionPorts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionPorts").finish_non_exhaustive()
    }
}
