//! The reference servers of `make bench`; they are not shipped.
//!
//! `reference bare PORT`: plain actix-web with fixed responses.
//! `reference server PORT DB_URL`: the service's own server with two additions: fixed bytes at `/api/bench/{length}`, and a
//! cache in memory in place of every lookup in the database.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use async_trait::async_trait;
use stream_domain::broadcasts::BroadcastOptions;
use stream_domain::broadcasts::admission::{AddressForm, Takeover};
use stream_domain::details::Categories;
use stream_domain::events::EventOptions;
use stream_domain::ports::{Clock, Entropy, EntropyError, KeyLookup, SessionPorts, StoreError, StreamPorts};
use stream_domain::{
    Authenticator, Blocks, Broadcasts, Catalog, Descriptions, Events, Keys, MediaServers, PlaybackId,
    Schedules, Stream, StreamKey, Timestamp, Webhooks,
};
use stream_http::bench_routes::fixed_bytes;
use stream_http::server::{Server, StopPlan};
use stream_http::{
    Addresses, ClientTimeouts, EventFeed, HookServers, HttpApi, HttpOptions, Limits, MetricsOptions,
    MetricsRoute, Readiness, TrustedProxies, UseCases,
};
use stream_jwt::{JwtVerifier, SharedSecret};
use stream_metrics::Metrics;
use stream_postgres::{PostgresOptions, PostgresStore};
use stream_webhooks::WebhookClient;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let port: u16 = arguments[1].parse().expect("a port");
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    match arguments[0].as_str() {
        "bare" => serve_bare(address).await,
        "server" => serve_with_additions(address, &arguments[2]).await,
        other => panic!("there is no reference server {other}"),
    }
}

async fn serve_bare(address: SocketAddr) {
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let server = HttpServer::new(|| {
        let fixed = async |length: web::Path<usize>| {
            HttpResponse::Ok().content_type("application/json").body(fixed_bytes(*length))
        };
        App::new().route("/api/bench/{length}", web::get().to(fixed))
    });
    server.workers(workers).bind(address).expect("the port is free").run().await.expect("the server runs");
}

async fn serve_with_additions(address: SocketAddr, url: &str) {
    let system = Arc::new(System);
    let options = PostgresOptions { url: url.to_owned(), pool_size: 16, timeout: Duration::from_secs(5) };
    let store = PostgresStore::new(&options, system.clone()).expect("a URL");
    store.migrate().await.expect("the database is there");
    let secret = SharedSecret::new(stream_tests::SECRET_KEY).expect("a secret");
    let verifier = JwtVerifier::new(&secret, None, vec!["id".to_owned()]).expect("claims");
    let cached = Cached { store: store.clone(), streams: RwLock::default() };
    let ports = StreamPorts { lookup: Arc::new(cached), ..StreamPorts::of(Arc::new(store.clone())) };
    let authenticator = Authenticator::new(Arc::new(verifier), system.clone());
    let keys = Keys::new(&ports, system.clone(), system.clone());
    let catalog = Catalog::new(&ports, system.clone());
    let descriptions = Descriptions::new(&ports, system.clone(), Categories::default());
    let schedules = Schedules::new(&ports, system.clone(), Categories::default());
    let store = Arc::new(store);
    let broadcast_options = BroadcastOptions {
        form: AddressForm::Key,
        application: "live".to_owned(),
        takeover: Takeover::SameAddress,
        reconnect_window: time::Duration::seconds(60),
    };
    let servers = Arc::new(MediaServers::default());
    let broadcasts =
        Broadcasts::new(SessionPorts::of(store.clone()), system.clone(), servers, broadcast_options);
    let sender = Arc::new(WebhookClient::new(Vec::new()).expect("a client can be made"));
    let webhooks = Webhooks::new(&ports, sender, system.clone(), system.clone());
    let blocks = Blocks::new(&ports, system.clone());
    let readiness = Readiness::starting();
    let event_options =
        EventOptions { reconnect_window: time::Duration::MINUTE, kept_for: time::Duration::WEEK };
    let options = HttpOptions {
        addresses: Addresses::new(
            "rtmp://localhost:1935/live",
            "http://localhost:8083/live",
            AddressForm::Key,
        ),
        cors_origins: vec!["http://localhost:3000".to_owned()],
        limits: Limits::per_minute(0, 0, 0),
        trusted_proxies: TrustedProxies::default(),
        hook_servers: HookServers::new(),
        hook_networks: Vec::new(),
        readiness: readiness.clone(),
        timeouts: ClientTimeouts::default(),
        metrics: MetricsOptions {
            metrics: Metrics::new(store.clone(), [], &[]),
            statistics: store.clone(),
            route: MetricsRoute::Api,
        },
        trace_sampler: None,
        event_feed: EventFeed::new(Events::new(&ports, system.clone(), event_options)),
        console: None,
        admin: None,
    };
    let api = HttpApi::new(
        UseCases { authenticator, keys, catalog, descriptions, schedules, webhooks, blocks, broadcasts },
        store,
        system,
        options,
    );
    let server = Server::bind(address, api).expect("the port is free");
    readiness.ready();
    let plan = StopPlan { notice: Duration::ZERO, deadline: Duration::from_secs(1) };
    server.run(std::future::pending(), plan).await.expect("the server runs");
}

/// A store that answers each lookup after the first from memory: the fastest possible cache, which is never updated.
struct Cached {
    store: PostgresStore,
    streams: RwLock<HashMap<StreamKey, Stream>>,
}

#[async_trait]
impl KeyLookup for Cached {
    async fn find_by_key(&self, key: &StreamKey) -> Result<Option<Stream>, StoreError> {
        if let Some(stream) = self.streams.read().unwrap_or_else(PoisonError::into_inner).get(key) {
            return Ok(Some(stream.clone()));
        }
        let found = self.store.find_by_key(key).await?;
        if let Some(stream) = &found {
            let mut streams = self.streams.write().unwrap_or_else(PoisonError::into_inner);
            streams.insert(key.clone(), stream.clone());
        }
        Ok(found)
    }

    async fn find_by_playback_id(&self, id: &PlaybackId) -> Result<Option<Stream>, StoreError> {
        self.store.find_by_playback_id(id).await
    }
}

/// The machine's clock and randomness.
struct System;

impl Clock for System {
    #[expect(clippy::disallowed_methods, reason = "a server is measured in real time")]
    fn now(&self) -> Timestamp {
        Timestamp::new(time::OffsetDateTime::now_utc())
    }
}

impl Entropy for System {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), EntropyError> {
        // It is only used for request ids here.
        let seed = self.now().unix_micros().to_be_bytes();
        bytes.iter_mut().zip(seed.iter().cycle()).for_each(|(byte, seed)| *byte = *seed);
        Ok(())
    }
}
