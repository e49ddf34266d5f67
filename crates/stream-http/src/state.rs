//! What handlers share.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::HeaderValue;
use stream_domain::ports::{Clock, Entropy, StoreHealth};
use stream_domain::{Broadcasts, Streams};
use uuid::Uuid;

use crate::addresses::Addresses;
use crate::error::{ApiError, ErrorCode};
use crate::hooks::{HookServers, WarnedOf};
use crate::limits::GenerateKeyLimit;
use crate::readiness::Readiness;

/// How long the service waits for slow clients.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the head of a request.
    pub head: Duration,
    /// For the body of a request.
    pub body: Duration,
    /// For a client to take any more of its answer.
    pub answer: Duration,
    /// For the next request on a connection.
    pub next: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { head: seconds(10), body: seconds(10), answer: seconds(30), next: seconds(75) }
    }
}

/// What the surface is told at start.
#[derive(Debug)]
pub struct HttpOptions {
    /// Where streams are published to and watched from.
    pub addresses: Addresses,
    /// The origins whose pages may call the API with credentials.
    pub cors_origins: Vec<String>,
    /// How often a user may ask for a key.
    pub generate_key_limit: Arc<GenerateKeyLimit>,
    /// The media servers that may send hooks.
    pub hook_servers: HookServers,
    /// Whether the service takes work.
    pub readiness: Readiness,
    /// How long it waits for slow clients.
    pub patience: Patience,
}

/// Everything that handlers need, made once and shared by all workers.
pub struct HttpState {
    pub(crate) streams: Streams,
    pub(crate) broadcasts: Broadcasts,
    pub(crate) health: Arc<dyn StoreHealth>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) addresses: Addresses,
    pub(crate) cors_origins: Vec<String>,
    pub(crate) generate_key_limit: Arc<GenerateKeyLimit>,
    pub(crate) hook_servers: HookServers,
    /// The media servers without a secret that the log knows of.
    pub(crate) warned_of: WarnedOf,
    pub(crate) readiness: Readiness,
    pub(crate) patience: Patience,
}

impl std::fmt::Debug for HttpState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpState").field("readiness", &self.readiness).finish_non_exhaustive()
    }
}

impl HttpState {
    /// Puts the surface together; `clock` and `entropy` make request ids.
    pub fn new(
        streams: Streams,
        broadcasts: Broadcasts,
        health: Arc<dyn StoreHealth>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        options: HttpOptions,
    ) -> Self {
        let HttpOptions { addresses, cors_origins, generate_key_limit, hook_servers, readiness, patience } =
            options;
        Self {
            streams,
            broadcasts,
            health,
            clock,
            entropy,
            addresses,
            cors_origins,
            generate_key_limit,
            hook_servers,
            warned_of: WarnedOf::default(),
            readiness,
            patience,
        }
    }

    /// An id for a request that brought none: a UUID of version 7, so that ids sort by time.
    pub(crate) fn new_request_id(&self) -> HeaderValue {
        let mut random = [0; 10];
        // Ids need not be secret; without randomness they merely repeat within a millisecond.
        let _ = self.entropy.fill(&mut random);
        let millis = u64::try_from(self.clock.now().unix_micros() / 1_000).unwrap_or_default();
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        HeaderValue::from_str(id.hyphenated().encode_lower(&mut Uuid::encode_buffer()))
            .expect("a UUID is printable")
    }

    /// The use cases of media servers, once the store is ready for them.
    pub(crate) fn broadcasts(&self) -> Result<&Broadcasts, ApiError> {
        if self.readiness.is_started() { Ok(&self.broadcasts) } else { Err(ErrorCode::NotReady.into()) }
    }

    /// The use cases, once the store is ready for them.
    pub(crate) fn streams(&self) -> Result<&Streams, ApiError> {
        if self.readiness.is_started() { Ok(&self.streams) } else { Err(ErrorCode::NotReady.into()) }
    }
}
