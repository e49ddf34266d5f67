//! Every setting of `serve`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use stream_domain::details::Categories;
use stream_domain::pace::KeyPace;
use stream_http::AdminToken;

use crate::config::broadcasts::BroadcastConfig;
use crate::config::database::DatabaseConfig;
use crate::config::flags::Flags;
use crate::config::metrics::MetricsAddress;
use crate::config::near_names::NearName;
use crate::config::networks::Networks;
use crate::config::tokens::TokenConfig;
use crate::config::traces::TracesConfig;
use crate::config::webhooks::WebhookConfig;
use crate::config::{admin, alternatives, bases};

/// How many keys a user gets in a minute unless `GENERATE_KEY_PER_MINUTE` is set: more than a person asks for.
const KEYS_PER_MINUTE: u32 = 60;

/// How many requests for keys a user may send in a minute then; clients that race for one key are answered.
const KEY_REQUESTS_PER_MINUTE: u32 = 600;

/// Every setting of `serve`.
pub(crate) struct Config {
    /// Where to listen; port 0 takes a free one.
    pub(crate) address: SocketAddr,
    /// The database.
    pub(crate) database: DatabaseConfig,
    /// How tokens are verified.
    pub(crate) tokens: TokenConfig,
    /// Where publishers go; a URL.
    pub(crate) rtmp_base: String,
    /// Where viewers go.
    pub(crate) hls_base: String,
    /// How publishers are admitted, and at which media servers.
    pub(crate) broadcasts: BroadcastConfig,
    /// Where events are delivered to.
    pub(crate) webhooks: WebhookConfig,
    /// What operators show to the API; without it they have none.
    pub(crate) admin_token: Option<AdminToken>,
    /// Other ways to publish: protocol and template.
    pub(crate) ingest_alternatives: Vec<(String, String)>,
    /// Networks that may send hooks without a secret.
    pub(crate) hook_networks: Networks,
    /// Origins whose pages may send credentials.
    pub(crate) cors_origins: Vec<String>,
    /// Whether there is a console.
    pub(crate) has_console: bool,
    /// How soon after others a user gets a key.
    pub(crate) pace: KeyPace,
    /// Key requests per user and minute on this instance, whatever becomes of them; 0 is no limit.
    pub(crate) key_requests_per_minute: u32,
    /// Unknown keys per client and minute; 0 is no limit.
    pub(crate) unknown_keys_per_minute: u32,
    /// Reads of what is public per client of the internet and minute; 0 is no limit.
    pub(crate) public_reads_per_minute: u32,
    /// What streams may be about.
    pub(crate) categories: Categories,
    /// Proxies that say who their clients are.
    pub(crate) trusted_proxies: Networks,
    /// The pause between sweeps.
    pub(crate) sweep_interval: Duration,
    /// How long a connection may be idle.
    pub(crate) keep_alive: Duration,
    /// How long the service accepts connections after it was told to stop.
    pub(crate) shutdown_notice: Duration,
    /// How long answers may take after that.
    pub(crate) shutdown_deadline: Duration,
    /// Where Prometheus reads.
    pub(crate) metrics_address: MetricsAddress,
    /// Where traces go, if anywhere.
    pub(crate) traces: Option<TracesConfig>,
    /// Variables that look like settings and are read by nobody.
    pub(crate) near_names: Vec<NearName>,
}

impl Config {
    /// Parses every setting; an error names the setting.
    pub(super) fn parse(
        flags: Flags,
        near_names: Vec<NearName>,
        environment: &BTreeMap<String, String>,
    ) -> Result<Self, String> {
        let named = |name: &'static str| move |reason: String| format!("{name}: {reason}");
        let rtmp_base = bases::parse_rtmp_base(&flags.rtmp_base_url).map_err(named("RTMP_BASE_URL"))?;
        let hls_base = bases::parse_hls_base(&flags.hls_base_url).map_err(named("HLS_BASE_URL"))?;
        let tokens = TokenConfig::parse(&flags, &near_names)?;
        let database = DatabaseConfig::parse(&flags, &near_names)?;
        let broadcasts = BroadcastConfig::parse(&flags)?;
        let webhooks = WebhookConfig::parse(&flags)?;
        let admin_token = admin::parse(&flags, &tokens, &broadcasts).map_err(named("ADMIN_TOKEN"))?;
        let templates = flags.ingest_alternatives.as_deref().unwrap_or_default();
        let ingest_alternatives =
            alternatives::parse(templates, flags.addresses).map_err(named("INGEST_ALTERNATIVES"))?;
        let traces = TracesConfig::parse(flags.otel_exporter_otlp_endpoint.as_deref(), environment)?;
        let seconds = |count: u16| Duration::from_secs(count.into());
        Ok(Self {
            address: SocketAddr::new(flags.host, flags.port),
            broadcasts,
            webhooks,
            admin_token,
            database,
            tokens,
            rtmp_base,
            hls_base,
            ingest_alternatives,
            hook_networks: flags.hook_networks,
            cors_origins: flags.cors_origins.0,
            has_console: flags.console,
            pace: KeyPace {
                per_minute: NonZeroU32::new(flags.generate_key_per_minute.unwrap_or(KEYS_PER_MINUTE)),
                cooldown: time::Duration::seconds(flags.generate_key_cooldown.into()),
            },
            key_requests_per_minute: flags.generate_key_per_minute.unwrap_or(KEY_REQUESTS_PER_MINUTE),
            unknown_keys_per_minute: flags.unknown_keys_per_minute,
            public_reads_per_minute: flags.public_reads_per_minute,
            categories: flags.categories,
            trusted_proxies: flags.trusted_proxies,
            sweep_interval: seconds(flags.sweep_interval),
            keep_alive: Duration::from_secs(flags.keep_alive.into()),
            shutdown_notice: seconds(flags.shutdown_notice),
            shutdown_deadline: seconds(flags.shutdown_deadline),
            metrics_address: flags.metrics_address,
            traces,
            near_names,
        })
    }
}
