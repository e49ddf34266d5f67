//! Composition: the resources of the surface, each with the state that it needs, in the order in which they are matched.

use std::sync::Arc;

use actix_web::middleware::from_fn;
use actix_web::web::{self, Data, ServiceConfig};
use ipnet::IpNet;
use stream_domain::broadcasts::Hooks;
use stream_domain::ports::{Clock, StoreHealth};
use stream_domain::{Authenticator, Blocks, Broadcasts, Catalog, Descriptions, Keys, Schedules, Webhooks};
use stream_metrics::RequestMetrics;

use crate::addresses::Addresses;
use crate::admin::{self, AdminApi, AdminOptions, AdminParts, Gate};
use crate::broadcasts::{self, BroadcastsApi};
use crate::catalog::{self, CatalogApi, Pages};
use crate::client_address::TrustedProxies;
use crate::console::{self, ConsoleApi, ConsoleOptions};
use crate::cors;
use crate::details::{self, DetailsApi};
use crate::docs::{self, DocsApi};
use crate::events::{self, EventFeed, EventsApi};
use crate::health::{self, HealthApi};
use crate::hooks::{self, HookServers, HooksApi};
use crate::keys::{self, KeysApi};
use crate::limits::{Limits, PublicReads};
use crate::metrics::{self, MetricsApi, MetricsOptions, MetricsRoute};
use crate::readiness::{AfterStart, Readiness};
use crate::routing::not_found;
use crate::schedules::{self, SchedulesApi};
use crate::tasks::TokioTasks;
use crate::timeouts::ClientTimeouts;
use crate::trace::TraceSampler;
use crate::turns::Turns;
use crate::webhooks::{self, WebhooksApi};

/// What the settings say about the surface.
#[derive(Debug)]
pub struct HttpOptions {
    /// Where streams are published to and watched.
    pub addresses: Addresses,
    /// The origins whose pages may call the API with credentials.
    pub cors_origins: Vec<String>,
    /// The limits on what users and clients may ask for.
    pub limits: Limits,
    /// The proxies that say who their clients are.
    pub trusted_proxies: TrustedProxies,
    /// The media servers that may send hooks.
    pub hook_servers: HookServers,
    /// The networks, besides loopback, whose media servers may send hooks without a secret.
    pub hook_networks: Vec<IpNet>,
    /// Whether the service is ready.
    pub readiness: Readiness,
    /// How long the service waits for slow clients.
    pub timeouts: ClientTimeouts,
    /// What is counted, and where it is shown.
    pub metrics: MetricsOptions,
    /// Which requests are traced; `None` for none.
    pub trace_sampler: Option<TraceSampler>,
    /// What happens, for those who read it as it does.
    pub event_feed: EventFeed,
    /// What operators need; without it their routes are not there.
    pub admin: Option<AdminOptions>,
    /// The console; `None` for none.
    pub console: Option<ConsoleOptions>,
}

/// The use cases of the domain that the surface calls.
#[derive(Debug, Clone)]
pub struct UseCases {
    /// Users by their tokens.
    pub authenticator: Authenticator,
    /// Keys and the streams of users.
    pub keys: Keys,
    /// What everybody may see.
    pub catalog: Catalog,
    /// What owners say of their streams.
    pub descriptions: Descriptions,
    /// What they have planned.
    pub schedules: Schedules,
    /// Where their events are delivered to.
    pub webhooks: Webhooks,
    /// Who may not stream.
    pub blocks: Blocks,
    /// What media servers ask and report.
    pub broadcasts: Broadcasts,
}

/// The whole surface, built once and shared by all workers.
#[derive(Clone)]
pub struct HttpApi {
    pub(crate) readiness: Readiness,
    pub(crate) timeouts: ClientTimeouts,
    is_for_operators: bool,
    metrics_route: MetricsRoute,
    requests: RequestMetrics,
    trace_sampler: Option<TraceSampler>,
    metrics: Data<MetricsApi>,
    cors_origins: Arc<[String]>,
    authenticator: Data<Authenticator>,
    keys: Data<KeysApi>,
    catalog: Data<CatalogApi>,
    details: Data<DetailsApi>,
    schedules: Data<SchedulesApi>,
    events: Data<EventsApi>,
    webhooks: Data<WebhooksApi>,
    broadcasts: Data<BroadcastsApi>,
    hooks: Data<HooksApi>,
    /// `None` where operators have no token.
    admin: Option<Data<AdminApi>>,
    health: Data<HealthApi>,
    docs: Data<DocsApi>,
    console: Option<Data<ConsoleApi>>,
}

impl std::fmt::Debug for HttpApi {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpApi").field("readiness", &self.readiness).finish_non_exhaustive()
    }
}

impl HttpApi {
    /// Builds the surface on top of the use cases.
    pub fn new(
        use_cases: UseCases,
        health: Arc<dyn StoreHealth>,
        clock: Arc<dyn Clock>,
        options: HttpOptions,
    ) -> Self {
        let UseCases { authenticator, keys, catalog, descriptions, schedules, webhooks, blocks, broadcasts } =
            use_cases;
        let HttpOptions { addresses, readiness, timeouts, metrics, trace_sampler, limits, .. } = options;
        let console = options
            .console
            .map(|console| Data::new(ConsoleApi::new(console, &addresses, options.admin.is_some())));
        let health = Data::new(HealthApi::new(health, clock.clone(), readiness.clone()));
        let MetricsOptions { metrics, statistics, route } = metrics;
        let metrics_api = MetricsApi::new(metrics.clone(), statistics, clock.clone(), health.clone());
        let metrics_api = Data::new(metrics_api);
        let admin = options.admin.map(|AdminOptions { token, examiner }| {
            let (guesses, proxies) = (limits.guesses.clone(), options.trusted_proxies.clone());
            let gate = Gate { token, guesses, proxies, clock: clock.clone() };
            let parts = AdminParts {
                keys: keys.clone(),
                catalog: catalog.clone(),
                descriptions: descriptions.clone(),
                blocks,
                broadcasts: broadcasts.clone(),
                examiner,
                metrics: metrics_api.clone(),
            };
            Data::new(AdminApi::new(gate, parts, &readiness))
        });
        let turns: Arc<Turns> = Arc::default();
        let reads = PublicReads { limit: limits.public_reads, proxies: options.trusted_proxies.clone() };
        let details = DetailsApi::new(descriptions.clone(), &readiness, reads.clone());
        let schedules_api = SchedulesApi::new(schedules.clone(), &readiness, turns.clone(), reads.clone());
        let pages = Pages::new(catalog.clone(), addresses.clone(), turns.clone());
        let catalog = CatalogApi {
            catalog: AfterStart::new(catalog, &readiness),
            descriptions,
            addresses: addresses.clone(),
            turns: turns.clone(),
            pages,
            reads,
        };
        let hooks = Hooks::new(broadcasts.clone(), Arc::new(TokioTasks));
        let broadcasts = AfterStart::new(broadcasts, &readiness);
        Self {
            timeouts,
            is_for_operators: false,
            metrics_route: route,
            requests: metrics.requests().clone(),
            trace_sampler,
            metrics: metrics_api,
            cors_origins: options.cors_origins.into(),
            authenticator: Data::new(authenticator),
            keys: Data::new(KeysApi {
                keys: AfterStart::new(keys, &readiness),
                schedules,
                limit: limits.generate_key,
                guesses: limits.guesses.clone(),
                proxies: options.trusted_proxies.clone(),
                metrics: metrics.keys().clone(),
                addresses,
                turns,
            }),
            catalog: Data::new(catalog),
            details: Data::new(details),
            schedules: Data::new(schedules_api),
            events: Data::new(EventsApi::new(options.event_feed, &readiness, timeouts.event_heartbeat)),
            webhooks: Data::new(WebhooksApi::new(webhooks, &readiness)),
            broadcasts: Data::new(BroadcastsApi { broadcasts, clock: clock.clone() }),
            hooks: Data::new(HooksApi::new(
                AfterStart::new(hooks, &readiness),
                clock,
                options.hook_servers,
                options.hook_networks,
                metrics.hooks().clone(),
                limits.guesses,
                options.trusted_proxies,
            )),
            admin,
            health,
            docs: Data::new(DocsApi::new()),
            console,
            readiness,
        }
    }

    /// The same, with the routes of operators alone: `/metrics` and `/health`.
    #[must_use]
    pub fn for_operators(&self) -> Self {
        Self { is_for_operators: true, ..self.clone() }
    }

    /// Ends the responses that would go on for as long as their clients listen.
    pub(crate) fn end_streams(&self) {
        self.events.feed.close();
    }

    /// Registers every route, with what all of them share.
    ///
    /// The first match counts, so fixed names come before `{stream_key}`.
    pub(crate) fn routes(&self, config: &mut ServiceConfig) {
        config.app_data(self.readiness.clone()).app_data(self.timeouts);
        // Operators have figures of their own.
        if self.metrics_route != MetricsRoute::Off || self.admin.is_some() {
            config.app_data(self.requests.clone());
        }
        if let Some(sampler) = self.trace_sampler {
            config.app_data(sampler);
        }
        let shows_metrics = match self.metrics_route {
            MetricsRoute::Api => true,
            MetricsRoute::Operators => self.is_for_operators,
            MetricsRoute::Off => false,
        };
        if shows_metrics {
            metrics::routes(config, &self.metrics);
        }
        health::routes(config, &self.health);
        if !self.is_for_operators {
            self.public_routes(config);
        }
        config.default_service(web::to(not_found));
    }

    /// Registers the routes of users, viewers and media servers.
    fn public_routes(&self, config: &mut ServiceConfig) {
        config
            .app_data(self.authenticator.clone())
            .configure(|config| catalog::routes(config, &self.catalog, &self.cors_origins))
            .configure(|config| schedules::public_routes(config, &self.schedules, &self.cors_origins))
            .service(
                web::scope("/api")
                    .configure(bench_routes)
                    .wrap(cors::listed_origins(&self.cors_origins))
                    .wrap(from_fn(cors::complete_preflight))
                    .configure(broadcasts::fixed_routes)
                    .configure(|config| keys::routes(config, &self.keys))
                    .configure(|config| broadcasts::routes(config, &self.broadcasts))
                    .configure(|config| details::routes(config, &self.details))
                    .configure(|config| schedules::routes(config, &self.schedules))
                    .configure(|config| events::routes(config, &self.events))
                    .configure(|config| webhooks::routes(config, &self.webhooks))
                    .configure(|config| {
                        if let Some(api) = &self.admin {
                            admin::routes(config, api);
                        }
                    })
                    .default_service(web::to(not_found)),
            )
            .configure(|config| hooks::routes(config, &self.hooks))
            .configure(|config| docs::routes(config, &self.docs));
        if let Some(api) = &self.console {
            console::routes(config, api);
        }
    }
}

/// The routes of benchmarks.
fn bench_routes(_config: &mut ServiceConfig) {
    #[cfg(feature = "bench_routes")]
    _config.service(crate::routing::get("/bench/{length}", web::to(crate::bench_routes::show_fixed_bytes)));
}
