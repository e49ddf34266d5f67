//! Wiring: which adapter stands behind which port, and the life of `serve` from start to stop.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use stream_domain::ports::{Examiner, Statistics, StoreHealth, StreamPorts};
use stream_domain::{
    Authenticator, Blocks, Broadcasts, Catalog, Deliveries, Descriptions, Events, Keys, Schedules, Webhooks,
};
use stream_http::server::{Server, StopPlan};
use stream_http::{
    Addresses, AdminOptions, ClientTimeouts, ConsoleOptions, EventFeed, HookServers, HttpApi, HttpOptions,
    Limits, MetricsOptions, MetricsRoute, Readiness, TrustedProxies, UseCases,
};
use stream_metrics::{MeteredKeyStore, Metrics};
use tokio::sync::oneshot;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::background::{Background, Sending};
use crate::banner;
use crate::config::{Config, MetricsAddress};
use crate::development::development_tokens;
use crate::failure::Failure;
use crate::secret::Secret;
use crate::signals::Signals;
use crate::store::Store;
use crate::system::{OsEntropy, SystemClock};
use crate::wiring::{wire_media_servers, wire_sender, wire_tokens};

/// How long the port stays closed while the database is prepared.
///
/// A restart on a database that is up to date is ready before anyone can connect. When the database is away, or takes
/// longer to migrate, the port opens and readiness says so.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// How long background tasks may take to come to a pause when they end.
const LAST_STEPS: Duration = Duration::from_secs(1);

/// Makes what examines the installation for operators.
type MakeExaminer = fn(Arc<Config>, Store, Broadcasts, HookServers) -> Arc<dyn Examiner>;

/// `serve`: runs until SIGTERM or SIGINT.
pub(crate) async fn serve(config: Config, make_examiner: MakeExaminer) -> Result<(), Failure> {
    let config = Arc::new(config);
    let signals = Signals::take();
    let signals = signals.map_err(|error| Failure::new(format!("signals cannot be received: {error}")))?;
    let mut stop = std::pin::pin!(signals.stop());
    let secret = config.tokens.secret.read(&OsEntropy)?;
    let store = Store::open(&config.database)?;
    let ports = store.ports();
    let metrics = wire_metrics(&config, ports.statistics.clone());
    let streams = metered(ports.streams, &metrics);
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(OsEntropy));
    let authenticator = Authenticator::new(Arc::new(wire_tokens(&config.tokens, &secret)?), clock.clone());
    let sender = wire_sender(&config.webhooks)?;
    let webhooks = Webhooks::new(&streams, sender.clone(), clock.clone(), entropy.clone());
    let deliveries = Deliveries::new(&streams, sender, clock.clone(), entropy.clone());
    let keys = Keys::new(&streams, clock.clone(), entropy)
        .with_lifetime(config.broadcasts.key_lifetime)
        .with_pace(config.pace);
    let catalog = Catalog::new(&streams, clock.clone());
    let descriptions = Descriptions::new(&streams, clock.clone(), config.categories.clone());
    let schedules = Schedules::new(&streams, clock.clone(), config.categories.clone());
    let blocks = Blocks::new(&streams, clock.clone());
    let event_feed = EventFeed::new(Events::new(&streams, clock, config.broadcasts.event_options()));
    let (broadcasts, hook_servers) = wire_media_servers(&config.broadcasts, ports.sessions, Some(&metrics))?;
    let use_cases = UseCases {
        authenticator,
        keys: keys.clone(),
        catalog,
        descriptions,
        schedules: schedules.clone(),
        webhooks,
        blocks,
        broadcasts: broadcasts.clone(),
    };
    let readiness = Readiness::starting();
    let limits = Limits::per_minute(
        config.key_requests_per_minute,
        config.unknown_keys_per_minute,
        config.public_reads_per_minute,
    );
    let examiner = make_examiner(config.clone(), store.clone(), broadcasts.clone(), hook_servers.clone());
    let http = HttpParts {
        use_cases,
        examiner,
        health: ports.health.clone(),
        statistics: ports.statistics,
        metrics: metrics.clone(),
        hook_servers,
        limits: limits.clone(),
        readiness: readiness.clone(),
        event_feed: event_feed.clone(),
    };
    let api = wire_http(&config, &secret, http);
    banner::warn_of_settings(&config, &secret);

    if !store.may_come_back() {
        store.migrate().await?;
    }
    let running = TaskTracker::new();
    let background = Background {
        store: store.clone(),
        health: ports.health,
        keys,
        schedules,
        broadcasts,
        event_feed,
        sending: Sending {
            deliveries,
            metrics: metrics.webhooks().clone(),
            operators: config.webhooks.operators.clone(),
            running: running.clone(),
        },
        readiness,
        tasks: metrics.tasks().clone(),
        service: metrics.service().clone(),
        limits,
        sweep_interval: config.sweep_interval,
        running: running.clone(),
    };
    let (prepared, is_prepared) = oneshot::channel();
    let background = tokio::spawn(background.run(prepared));
    tokio::select! {
        _ = timeout(FIRST_LOOK, is_prepared) => {}
        () = &mut stop => {
            background.abort();
            store.close();
            tracing::info!("stopped before the port was opened");
            return Ok(());
        }
    }

    let served = listen(&config, api, &secret, stop).await;
    // A task that goes on would log after the reason why the process ends.
    background.abort();
    let _ = background.await;
    running.close();
    let _ = timeout(LAST_STEPS, running.wait()).await;
    store.close();
    match served? {
        0 => tracing::info!("stopped; everything that was accepted was answered"),
        cut => tracing::warn!(cut, "stopped at the deadline; connections that were still open were closed"),
    }
    Ok(())
}

/// Serves the API, and metrics at an address of their own where that is set, until `stop`; returns how many connections
/// had to be dropped.
async fn listen(
    config: &Config,
    api: HttpApi,
    secret: &Secret,
    stop: impl Future<Output = ()>,
) -> Result<u32, Failure> {
    let address = config.address;
    let for_operators = api.for_operators();
    let server = Server::bind(address, api).map_err(|error| cannot_listen(address, &error))?;
    let address = server.address().map_err(|error| cannot_listen(address, &error))?;
    let is_served = CancellationToken::new();
    let operators = serve_operators(config, for_operators, is_served.clone())?;
    banner::announce(config, address, secret);
    let served = server.run(stop, stop_plan(config)).await;
    is_served.cancel();
    operators.await;
    served.map_err(|error| Failure::new(format!("the server failed: {error}")))
}

fn stop_plan(config: &Config) -> StopPlan {
    // No load balancer watches what a person runs at a terminal, and Ctrl-C should not take seconds there.
    let notice = if std::io::stdout().is_terminal() { Duration::ZERO } else { config.shutdown_notice };
    StopPlan { notice, deadline: config.shutdown_deadline }
}

/// What is counted.
fn wire_metrics(config: &Config, statistics: Arc<dyn Statistics>) -> Metrics {
    let servers = config.broadcasts.media_servers.iter().map(|server| (server.name.clone(), server.family));
    let build =
        [("version", env!("CARGO_PKG_VERSION").to_owned()), ("store", config.database.url.kind().to_owned())];
    Metrics::new(statistics, servers, &build)
}

/// The same ports, with keys that are counted.
fn metered(streams: StreamPorts, metrics: &Metrics) -> StreamPorts {
    let keys = Arc::new(MeteredKeyStore::new(streams.keys, metrics.keys().clone()));
    StreamPorts { keys, ..streams }
}

/// Serves `METRICS_ADDRESS`, if it is set, until the service has stopped.
fn serve_operators(
    config: &Config,
    api: HttpApi,
    is_served: CancellationToken,
) -> Result<impl Future<Output = ()> + use<>, Failure> {
    let served = match config.metrics_address {
        MetricsAddress::Own(address) => {
            let failed = |error| {
                Failure::new(format!("cannot listen on {address}: {error}; choose another METRICS_ADDRESS"))
            };
            let server = Server::bind(address, api).map_err(failed)?;
            tracing::info!(address = %server.address().map_err(failed)?, "serves metrics");
            let plan = StopPlan { notice: Duration::ZERO, deadline: Duration::from_secs(1) };
            Some(tokio::spawn(async move { server.run(is_served.cancelled_owned(), plan).await }))
        }
        MetricsAddress::Api | MetricsAddress::Off => None,
    };
    Ok(async move {
        if let Some(served) = served
            && let Ok(Err(error)) = served.await
        {
            tracing::error!(%error, "the server of METRICS_ADDRESS failed");
        }
    })
}

/// What the HTTP surface works on.
struct HttpParts {
    use_cases: UseCases,
    examiner: Arc<dyn Examiner>,
    health: Arc<dyn StoreHealth>,
    statistics: Arc<dyn Statistics>,
    metrics: Metrics,
    hook_servers: HookServers,
    limits: Limits,
    readiness: Readiness,
    event_feed: EventFeed,
}

/// The HTTP surface.
fn wire_http(config: &Config, secret: &Secret, parts: HttpParts) -> HttpApi {
    let options = HttpOptions {
        addresses: Addresses::new(&config.rtmp_base, &config.hls_base, config.broadcasts.address_form)
            .with_alternatives(config.ingest_alternatives.clone()),
        cors_origins: config.cors_origins.clone(),
        limits: parts.limits,
        trusted_proxies: TrustedProxies::new(config.trusted_proxies.0.clone()),
        hook_servers: parts.hook_servers,
        hook_networks: config.hook_networks.0.clone(),
        readiness: parts.readiness,
        timeouts: ClientTimeouts { keep_alive: config.keep_alive, ..ClientTimeouts::default() },
        metrics: MetricsOptions {
            metrics: parts.metrics,
            statistics: parts.statistics,
            route: match config.metrics_address {
                MetricsAddress::Api => MetricsRoute::Api,
                MetricsAddress::Own(_) => MetricsRoute::Operators,
                MetricsAddress::Off => MetricsRoute::Off,
            },
        },
        trace_sampler: config.traces.as_ref().map(|traces| traces.sampler),
        event_feed: parts.event_feed,
        console: config
            .has_console
            .then(|| ConsoleOptions { development: development_tokens(&config.tokens, secret) }),
        admin: config.admin_token.clone().map(|token| AdminOptions { token, examiner: parts.examiner }),
    };
    let clock = Arc::new(SystemClock);
    HttpApi::new(parts.use_cases, parts.health, clock, options)
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot listen on {address}: {error}; choose another with HOST and PORT"))
}
