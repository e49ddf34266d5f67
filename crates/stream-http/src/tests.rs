//! The surface over the in-memory store and a manual clock, through real sockets.

mod admin;
mod client;
mod conditional;
mod console;
mod cors;
mod cost;
mod details;
mod docs;
mod document;
mod document_errors;
mod document_examples;
mod errors;
mod events;
mod hooks_on_the_wire;
mod hooks_rejected;
mod hooks_without_session;
mod near_misses;
mod on_air;
mod operators;
mod paging;
mod requests;
mod route_table;
mod routes;
mod schedules;
mod shutdown;
mod slow;
mod webhooks;

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use stream_domain::broadcasts::BroadcastOptions;
use stream_domain::broadcasts::admission::{AddressForm, Takeover};
use stream_domain::details::Categories;
use stream_domain::events::EventOptions;
use stream_domain::media_server::MediaServers;
use stream_domain::ports::{Clock, Entropy, SessionPorts, StreamPorts};
use stream_domain::testing::{FakeExaminer, FakeSender, FakeTokens, ManualClock, MemoryStore, SeededEntropy};
use stream_domain::{
    Authenticator, BearerToken, Blocks, Broadcasts, Catalog, Descriptions, Events, Family, Keys, Schedules,
    ServerName, UserId, Webhooks,
};
use stream_metrics::Metrics;
use tokio::sync::oneshot;

use crate::UseCases;
use crate::server::{Server, StopPlan};
use crate::{
    Addresses, AdminOptions, AdminToken, ClientTimeouts, ConsoleOptions, DevelopmentTokens, EventFeed,
    HookServers, HttpApi, HttpOptions, IssuedToken, Limits, MetricsOptions, MetricsRoute, Readiness,
    TrustedProxies,
};
use client::{Answer, Client};

/// A running service whose every part a test can reach.
struct World {
    address: SocketAddr,
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
    readiness: Readiness,
    event_feed: EventFeed,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<u32>>,
}

/// Development sessions of user 1.
#[derive(Debug)]
struct OneUser;

impl DevelopmentTokens for OneUser {
    fn issue(&self) -> Option<IssuedToken> {
        let expires_at = ManualClock::default().now().plus(time::Duration::DAY);
        Some(IssuedToken { token: BearerToken::new("user-1"), user: UserId::new(1).ok()?, expires_at })
    }
}

/// The ports of a world's use cases.
struct Ports {
    streams: StreamPorts,
    sessions: SessionPorts,
    health: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
    event_feed: EventFeed,
    admin: Option<AdminOptions>,
}

/// The token of operators.
const OPERATOR: &str = "the-operators-own-token";

/// What operators need, in most worlds.
fn admin_options() -> Option<AdminOptions> {
    Some(AdminOptions {
        token: AdminToken::new(OPERATOR).unwrap(),
        examiner: Arc::new(FakeExaminer::default()),
    })
}

/// A feed of what this store tells.
fn feed_of(store: &Arc<MemoryStore>, clock: &Arc<ManualClock>) -> EventFeed {
    let options = EventOptions { reconnect_window: time::Duration::MINUTE, kept_for: time::Duration::WEEK };
    EventFeed::new(Events::new(&StreamPorts::of(store.clone()), clock.clone(), options))
}

impl World {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::default());
        Self::with(StreamPorts::of(store.clone()), store, 600)
    }

    fn with_key_requests_per_minute(requests: u32) -> Self {
        let store = Arc::new(MemoryStore::default());
        Self::with(StreamPorts::of(store.clone()), store, requests)
    }

    /// A world whose use cases ask `repository`, while its health and its sessions are those of `store`.
    fn with(repository: StreamPorts, store: Arc<MemoryStore>, key_requests: u32) -> Self {
        let sessions = SessionPorts::of(store.clone());
        Self::made_of(repository, sessions, store, key_requests, AddressForm::Key, HookServers::default())
    }

    /// A world whose addresses have this form, and which knows these media servers.
    fn on_air(form: AddressForm, servers: HookServers) -> Self {
        let store = Arc::new(MemoryStore::default());
        Self::made_of(
            StreamPorts::of(store.clone()),
            SessionPorts::of(store.clone()),
            store,
            600,
            form,
            servers,
        )
    }

    fn made_of(
        repository: StreamPorts,
        sessions: SessionPorts,
        store: Arc<MemoryStore>,
        key_requests: u32,
        form: AddressForm,
        hook_servers: HookServers,
    ) -> Self {
        Self::run(repository, sessions, store, key_requests, form, hook_servers, admin_options())
    }

    /// A world with these options for operators; without them its secret was given, too, so that no click signs in.
    fn with_admin(admin: Option<AdminOptions>) -> Self {
        let store = Arc::new(MemoryStore::default());
        let (streams, sessions) = (StreamPorts::of(store.clone()), SessionPorts::of(store.clone()));
        Self::run(streams, sessions, store, 600, AddressForm::Key, HookServers::default(), admin)
    }

    fn run(
        repository: StreamPorts,
        sessions: SessionPorts,
        store: Arc<MemoryStore>,
        key_requests: u32,
        form: AddressForm,
        hook_servers: HookServers,
        admin: Option<AdminOptions>,
    ) -> Self {
        let clock = Arc::new(ManualClock::default());
        let readiness = Readiness::starting();
        let event_feed = feed_of(&store, &clock);
        let ports = Ports {
            streams: repository,
            sessions,
            health: store.clone(),
            clock: clock.clone(),
            event_feed: event_feed.clone(),
            admin,
        };
        let api = Self::api(ports, &readiness, key_requests, form, hook_servers);
        let (stop, stopped) = oneshot::channel();
        let (tell_address, address) = std::sync::mpsc::channel();
        let server = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
            runtime.unwrap().block_on(async move {
                let server = Server::bind("127.0.0.1:0".parse().unwrap(), api).unwrap();
                tell_address.send(server.address().unwrap()).unwrap();
                let plan = StopPlan { notice: Duration::from_secs(1), deadline: Duration::from_secs(4) };
                let stop = async {
                    let _ = stopped.await;
                };
                server.run(stop, plan).await.unwrap()
            })
        });
        readiness.ready();
        let address = address.recv().unwrap();
        Self { address, store, clock, readiness, event_feed, stop: Some(stop), server: Some(server) }
    }

    /// The surface of such a world.
    fn api(
        ports: Ports,
        readiness: &Readiness,
        key_requests: u32,
        form: AddressForm,
        hook_servers: HookServers,
    ) -> HttpApi {
        let entropy: Arc<dyn Entropy> = Arc::new(SeededEntropy::default());
        let edge = [(ServerName::parse("edge").unwrap(), Family::NginxRtmp)];
        let options = HttpOptions {
            addresses: Addresses::new("rtmp://localhost:1935/live", "http://localhost:8083/live", form),
            hook_servers,
            hook_networks: Vec::new(),
            cors_origins: vec!["http://localhost:3000".to_owned(), "http://127.0.0.1:3000".to_owned()],
            limits: Limits::per_minute(key_requests, 60, 20),
            // Tests that send `X-Forwarded-For` are the proxy.
            trusted_proxies: TrustedProxies::new(["127.0.0.0/8".parse().unwrap()]),
            readiness: readiness.clone(),
            timeouts: ClientTimeouts {
                request_head: Duration::from_secs(5),
                request_body: Duration::from_millis(700),
                response_write: Duration::from_millis(700),
                keep_alive: Duration::from_secs(8),
                event_heartbeat: Duration::from_millis(300),
            },
            metrics: MetricsOptions {
                metrics: Metrics::new(ports.health.clone(), edge, &[("version", "test".to_owned())]),
                statistics: ports.health.clone(),
                route: MetricsRoute::Api,
            },
            trace_sampler: None,
            event_feed: ports.event_feed,
            console: Some(ConsoleOptions {
                development: ports.admin.as_ref().map(|_| Box::new(OneUser) as _),
            }),
            admin: ports.admin,
        };
        let clock: Arc<dyn Clock> = ports.clock;
        let authenticator = Authenticator::new(Arc::new(FakeTokens), clock.clone());
        let keys = Keys::new(&ports.streams, clock.clone(), entropy.clone());
        let blocks = Blocks::new(&ports.streams, clock.clone());
        let webhooks = Webhooks::new(&ports.streams, Arc::new(FakeSender), clock.clone(), entropy);
        let catalog = Catalog::new(&ports.streams, clock.clone());
        let descriptions = Descriptions::new(&ports.streams, clock.clone(), Categories::default());
        let schedules = Schedules::new(&ports.streams, clock.clone(), Categories::default());
        let broadcast_options = BroadcastOptions {
            form,
            application: "live".to_owned(),
            takeover: Takeover::SameAddress,
            reconnect_window: time::Duration::seconds(60),
        };
        let servers = Arc::new(MediaServers::default());
        let broadcasts = Broadcasts::new(ports.sessions, clock.clone(), servers, broadcast_options);
        HttpApi::new(
            UseCases { authenticator, keys, catalog, descriptions, schedules, webhooks, blocks, broadcasts },
            ports.health,
            clock,
            options,
        )
    }

    fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// One request on a connection of its own.
    fn send(&self, head: &str) -> Answer {
        self.connect().send(head)
    }

    fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: test\r\n"))
    }

    fn get_as(&self, token: &str, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n"))
    }

    fn post_as(&self, token: &str, path: &str) -> Answer {
        self.send(&format!(
            "POST {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\n"
        ))
    }

    /// A request with JSON as its body.
    fn send_json(&self, method: &str, token: &str, path: &str, json: &str) -> Answer {
        let mut client = self.connect();
        client.write(
            format!(
                "{method} {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {token}\r\n\
                 Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{json}",
                json.len()
            )
            .as_bytes(),
        );
        client.read(true)
    }

    /// A hook of a media server, with its content type and bytes.
    fn hook(&self, path: &str, content_type: &str, body: &str) -> Answer {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: test\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let mut client = self.connect();
        client.write(format!("{head}{body}").as_bytes());
        client.read(true)
    }

    /// A fresh key of this user.
    fn key_of(&self, user: u32) -> String {
        let answer = self.post_as(&format!("user-{user}"), "/api/streams/generate-key");
        assert_eq!(answer.status, 201, "{answer:?}");
        answer.json()["stream"]["stream_key"].as_str().unwrap().to_owned()
    }

    /// Tells the server to stop, and does not wait for it.
    fn begin_to_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Waits for the server's end; how many connections it cut.
    fn join(&mut self) -> u32 {
        self.server.take().unwrap().join().unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.begin_to_stop();
    }
}
