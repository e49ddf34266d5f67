//! What handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use actix_web::http::header::HeaderValue;
use ipnet::IpNet;
use stream_domain::ports::{Clock, Entropy, StoreHealth};
use stream_domain::{Broadcasts, Streams};
use uuid::Uuid;

use crate::addresses::Addresses;
use crate::error::{ApiError, ErrorCode};
use crate::health::LastLook;
use crate::hooks::{HookServers, TurnedAway, WarnedOf};
use crate::limits::GenerateKeyLimit;
use crate::listing::Listings;
use crate::readiness::Readiness;
use crate::turns::Turns;

/// How long the service waits for slow clients.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For the head of a request.
    pub head: Duration,
    /// For the body of a request.
    pub body: Duration,
    /// For a client to take any more of its answer.
    pub answer: Duration,
    /// For the next request on a connection; less while there is room for few more.
    ///
    /// Longer than balancers keep theirs, so that none sends a request on a connection that is just being closed.
    pub next: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { head: seconds(10), body: seconds(10), answer: seconds(30), next: seconds(620) }
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
    /// The networks, besides loopback, from which hooks of servers without a secret are taken.
    pub hook_networks: Vec<IpNet>,
    /// Whether the service takes work.
    pub readiness: Readiness,
    /// How long it waits for slow clients.
    pub patience: Patience,
}

/// Numbers that tell requests apart: counted on this instance, from a random start that no other instance has.
struct RequestIds {
    first: u128,
    next: AtomicU64,
}

impl RequestIds {
    fn begin(entropy: &dyn Entropy) -> Self {
        let mut first = [0; 16];
        // Ids need not be secret; without randomness they merely repeat on another instance within a millisecond.
        let _ = entropy.fill(&mut first);
        Self { first: u128::from_be_bytes(first), next: AtomicU64::new(0) }
    }
}

/// Everything that handlers need, made once and shared by all workers.
pub struct HttpState {
    pub(crate) streams: Streams,
    pub(crate) listings: Listings,
    pub(crate) turns: Arc<Turns>,
    pub(crate) broadcasts: Broadcasts,
    pub(crate) health: Arc<dyn StoreHealth>,
    pub(crate) last_look: LastLook,
    pub(crate) clock: Arc<dyn Clock>,
    request_ids: RequestIds,
    pub(crate) addresses: Addresses,
    pub(crate) cors_origins: Vec<String>,
    pub(crate) generate_key_limit: Arc<GenerateKeyLimit>,
    pub(crate) hook_servers: HookServers,
    pub(crate) hook_networks: Vec<IpNet>,
    /// The media servers without a secret that the log knows of.
    pub(crate) warned_of: WarnedOf,
    /// The hooks that were not let through, as far as the log knows of them.
    pub(crate) turned_away: TurnedAway,
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
    ///
    /// Call it on a multi-thread runtime, which then carries what is read for callers on several workers.
    pub fn new(
        streams: Streams,
        broadcasts: Broadcasts,
        health: Arc<dyn StoreHealth>,
        clock: Arc<dyn Clock>,
        entropy: &dyn Entropy,
        options: HttpOptions,
    ) -> Self {
        let HttpOptions {
            addresses,
            cors_origins,
            generate_key_limit,
            hook_servers,
            hook_networks,
            readiness,
            patience,
        } = options;
        let turns = Arc::default();
        Self {
            listings: Listings::new(streams.clone(), addresses.clone(), &turns),
            turns,
            streams,
            broadcasts,
            health,
            last_look: LastLook::default(),
            clock,
            request_ids: RequestIds::begin(entropy),
            addresses,
            cors_origins,
            generate_key_limit,
            hook_servers,
            hook_networks,
            warned_of: WarnedOf::default(),
            turned_away: TurnedAway::default(),
            readiness,
            patience,
        }
    }

    /// An id for a request that brought none: a UUID of version 7, so that ids sort by time.
    pub(crate) fn new_request_id(&self) -> HeaderValue {
        let millis = u64::try_from(self.clock.now().unix_micros() / 1_000).unwrap_or_default();
        let number = self.request_ids.next.fetch_add(1, Ordering::Relaxed);
        let tail = self.request_ids.first.wrapping_add(number.into()).to_be_bytes();
        let tail = tail.last_chunk().expect("16 bytes end with 10");
        let id = uuid::Builder::from_unix_timestamp_millis(millis, tail).into_uuid();
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
