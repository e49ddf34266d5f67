//! Flags and environment variables as clap reads them; `--help` is generated from the comments here.
//!
//! Settings that may hold a password stay text here and are parsed afterwards, because clap shows the value that it
//! refuses.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Args, CommandFactory as _, Parser};
use stream_domain::broadcasts::admission::{AddressForm, Takeover};
use stream_domain::details::Categories;
use stream_domain::lifecycle::KeyLifetime;

use crate::config::bases::{HLS_BASE, RTMP_BASE};
use crate::config::claims::{ClaimNames, Names, RequiredClaims};
use crate::config::commands::Subcommand;
use crate::config::logs::{LogFormat, LogLevel};
use crate::config::metrics::MetricsAddress;
use crate::config::networks::Networks;
use crate::config::origins::{CORS_ORIGINS, Origins};
use crate::config::values::{
    GivenSecret, number, parse_addresses, parse_bool, parse_guard, parse_host, parse_path, parse_secret,
    parse_takeover,
};

/// Hands out stream keys, tells media servers who may publish, and viewers what is live.
#[derive(Parser)]
#[command(version, max_term_width = 120)]
pub(super) struct Arguments {
    #[command(subcommand)]
    pub(super) command: Option<Subcommand>,
    #[command(flatten)]
    pub(super) flags: Flags,
}

/// Every setting, as clap reads it; docs/operations/configure.md has the same table.
#[derive(Args)]
#[expect(clippy::doc_markdown, reason = "these comments are what --help prints")]
#[command(next_help_heading = "Settings, as flags or environment variables")]
pub(super) struct Flags {
    /// Database: postgresql://user:password@host/name, postgres://…, or sqlite://path; without it
    /// sqlite://data/streams.db, unless REQUIRE_DB_URL is set.
    #[arg(long, env = "DB_URL", global = true, hide_env_values = true, value_name = "URL")]
    pub(super) db_url: Option<String>,
    /// File that holds DB_URL, such as a secret of Docker or Kubernetes.
    #[arg(long, env = "DB_URL_FILE", global = true, hide_env_values = true, value_name = "PATH",
          value_parser = parse_path)]
    pub(super) db_url_file: Option<PathBuf>,
    /// true refuses to start without DB_URL; the container image sets it.
    #[arg(long, env = "REQUIRE_DB_URL", global = true, hide_env_values = true, value_name = "BOOL",
          default_value = "false", value_parser = parse_guard, action = clap::ArgAction::Set)]
    pub(super) require_db_url: bool,
    /// Secret that tokens are signed with, the user-service's. Required with PostgreSQL; with SQLite one is made.
    #[arg(long, env = "SECRET_KEY", global = true, hide_env_values = true, value_name = "SECRET",
          value_parser = parse_secret)]
    pub(super) secret_key: Option<GivenSecret>,
    /// File that holds SECRET_KEY; the line end at its end does not count.
    #[arg(long, env = "SECRET_KEY_FILE", global = true, hide_env_values = true, value_name = "PATH",
          value_parser = parse_path)]
    pub(super) secret_key_file: Option<PathBuf>,
    /// Secret before the last rotation; tokens signed with it are still accepted.
    #[arg(long, env = "SECRET_KEY_PREVIOUS", global = true, hide_env_values = true, value_name = "SECRET",
          value_parser = parse_secret)]
    pub(super) secret_key_previous: Option<GivenSecret>,
    /// File that holds SECRET_KEY_PREVIOUS.
    #[arg(long, env = "SECRET_KEY_PREVIOUS_FILE", global = true, hide_env_values = true, value_name = "PATH",
          value_parser = parse_path)]
    pub(super) secret_key_previous_file: Option<PathBuf>,
    /// Address to listen on.
    #[arg(long, env = "HOST", global = true, hide_env_values = true, default_value = "0.0.0.0", value_parser = parse_host)]
    pub(super) host: IpAddr,
    /// Port to listen on; 0 takes a free one.
    #[arg(long, env = "PORT", global = true, hide_env_values = true, default_value_t = 8082,
          value_parser = number(0_u16..=65_535))]
    pub(super) port: u16,
    /// Where publishers go; the key is appended.
    #[arg(long, env = "RTMP_BASE_URL", global = true, hide_env_values = true, value_name = "URL",
          default_value = RTMP_BASE)]
    pub(super) rtmp_base_url: String,
    /// Where viewers go; the key and /index.m3u8 are appended.
    #[arg(long, env = "HLS_BASE_URL", global = true, hide_env_values = true, value_name = "URL",
          default_value = HLS_BASE)]
    pub(super) hls_base_url: String,
    /// Where the key stands in addresses: key for …/{stream_key}, playback for …/{playback_id}?key={stream_key}, rename
    /// for media servers that rename.
    #[arg(long, env = "ADDRESSES", global = true, hide_env_values = true, value_name = "FORM",
          default_value = "key", value_parser = parse_addresses)]
    pub(super) addresses: AddressForm,
    /// Media servers, separated by blanks: name=family;secret=…;control=http://….
    #[arg(long, env = "MEDIA_SERVERS", global = true, hide_env_values = true, value_name = "SERVERS")]
    pub(super) media_servers: Option<String>,
    /// File that holds MEDIA_SERVERS, which has secrets.
    #[arg(long, env = "MEDIA_SERVERS_FILE", global = true, hide_env_values = true, value_name = "PATH",
          value_parser = parse_path)]
    pub(super) media_servers_file: Option<PathBuf>,
    /// Networks, besides loopback, whose hooks are taken from media servers without a secret, separated by commas:
    /// 10.0.0.0/8,192.168.1.7.
    #[arg(long, env = "HOOK_NETWORKS", global = true, hide_env_values = true, value_name = "NETWORKS",
          default_value = "", value_parser = Networks::parse, hide_default_value = true)]
    pub(super) hook_networks: Networks,
    /// Other ways to publish, separated by blanks: srt=srt://host:8890?streamid=publish:live/{playback_id}:key={stream_key}.
    #[arg(
        long,
        env = "INGEST_ALTERNATIVES",
        global = true,
        hide_env_values = true,
        value_name = "TEMPLATES"
    )]
    pub(super) ingest_alternatives: Option<String>,
    /// Who may take over from a publisher that is live: overdue, same-address or newest.
    #[arg(long, env = "TAKEOVER", global = true, hide_env_values = true, value_name = "WHO",
          default_value = "same-address", value_parser = parse_takeover)]
    pub(super) takeover: Takeover,
    /// Seconds within which a publisher that comes back goes on with the same broadcast.
    #[arg(long, env = "RECONNECT_WINDOW", global = true, hide_env_values = true, value_name = "SECONDS",
          default_value_t = 60, value_parser = number(0_u32..=86_400))]
    pub(super) reconnect_window: u32,
    /// Days for which events are kept.
    #[arg(long, env = "EVENT_RETENTION_DAYS", global = true, hide_env_values = true, value_name = "DAYS",
          default_value_t = 7, value_parser = number(1_u16..=365))]
    pub(super) event_retention_days: u16,
    /// Address that every event of everybody is delivered to, as a webhook.
    #[arg(long, env = "WEBHOOK_URL", global = true, hide_env_values = true, value_name = "URL")]
    pub(super) webhook_url: Option<String>,
    /// Secret that these deliveries are signed with: whsec_ and the base64 of 24 to 64 random bytes.
    #[arg(long, env = "WEBHOOK_SECRET", global = true, hide_env_values = true, value_name = "SECRET")]
    pub(super) webhook_secret: Option<String>,
    /// File that holds WEBHOOK_SECRET.
    #[arg(long, env = "WEBHOOK_SECRET_FILE", global = true, hide_env_values = true, value_name = "PATH",
          value_parser = parse_path)]
    pub(super) webhook_secret_file: Option<PathBuf>,
    /// Networks that are not public and that webhooks may be sent to all the same, over http as well, separated by commas.
    #[arg(long, env = "WEBHOOK_NETWORKS", global = true, hide_env_values = true, value_name = "NETWORKS",
          default_value = "", value_parser = Networks::parse, hide_default_value = true)]
    pub(super) webhook_networks: Networks,
    /// Token of operators for /api/admin, at least 16 characters; without it there is no such API.
    #[arg(long, env = "ADMIN_TOKEN", global = true, hide_env_values = true, value_name = "TOKEN")]
    pub(super) admin_token: Option<String>,
    /// File that holds ADMIN_TOKEN.
    #[arg(long, env = "ADMIN_TOKEN_FILE", global = true, hide_env_values = true, value_name = "PATH",
          value_parser = parse_path)]
    pub(super) admin_token_file: Option<PathBuf>,
    /// Origins whose pages may call the API with credentials, separated by commas; `none` for none.
    #[arg(long, env = "CORS_ORIGINS", global = true, hide_env_values = true, value_name = "ORIGINS",
          default_value = CORS_ORIGINS,
          value_parser = Origins::parse)]
    pub(super) cors_origins: Origins,
    /// off for no console, the page at / for broadcasters, viewers and operators.
    #[arg(long, env = "CONSOLE", global = true, hide_env_values = true, value_name = "BOOL",
          default_value = "on", value_parser = parse_guard, action = clap::ArgAction::Set)]
    pub(super) console: bool,
    /// Claims that may hold the user id, separated by commas; the first that a token has counts.
    #[arg(long, env = "USER_ID_CLAIMS", global = true, hide_env_values = true, value_name = "CLAIMS",
          default_value = "id,user_id,sub", value_parser = ClaimNames::parse)]
    pub(super) user_id_claims: ClaimNames,
    /// Names of this service, separated by commas; a token must be meant for one of them (aud).
    #[arg(long, env = "TOKEN_AUDIENCE", global = true, hide_env_values = true, value_name = "NAMES",
          value_parser = Names::parse)]
    pub(super) token_audience: Option<Names>,
    /// Who may issue tokens, separated by commas (iss).
    #[arg(long, env = "TOKEN_ISSUER", global = true, hide_env_values = true, value_name = "NAMES",
          value_parser = Names::parse)]
    pub(super) token_issuer: Option<Names>,
    /// Claims that a token must have, separated by commas, such as type=access,scope=stream.
    #[arg(long, env = "TOKEN_REQUIRED_CLAIMS", global = true, hide_env_values = true, value_name = "CLAIMS",
          value_parser = RequiredClaims::parse)]
    pub(super) token_required_claims: Option<RequiredClaims>,
    /// Keys that a user gets in a minute, from all instances together; 0 for any number [default: 60].
    #[arg(long, env = "GENERATE_KEY_PER_MINUTE", global = true, hide_env_values = true, value_name = "KEYS",
          value_parser = number(0_u32..=1_000_000))]
    pub(super) generate_key_per_minute: Option<u32>,
    /// Seconds after a stop in which a user gets no new key.
    #[arg(long, env = "GENERATE_KEY_COOLDOWN", global = true, hide_env_values = true, value_name = "SECONDS",
          default_value_t = 0, value_parser = number(0_u32..=86_400))]
    pub(super) generate_key_cooldown: u32,
    /// Keys that no stream has, for which a client may ask in a minute on this instance, and refused hooks that it may
    /// send, such as those with a wrong secret; 0 for any number.
    #[arg(long, env = "UNKNOWN_KEYS_PER_MINUTE", global = true, hide_env_values = true, value_name = "KEYS",
          default_value_t = 60, value_parser = number(0_u32..=1_000_000))]
    pub(super) unknown_keys_per_minute: u32,
    /// Reads of public lists and streams by an address of the internet in a minute on this instance; 0 for any number.
    #[arg(long, env = "PUBLIC_READS_PER_MINUTE", global = true, hide_env_values = true, value_name = "REQUESTS",
          default_value_t = 6000, value_parser = number(0_u32..=1_000_000))]
    pub(super) public_reads_per_minute: u32,
    /// Categories that streams may have, as slug=Name, separated by commas; empty for none.
    #[arg(long, env = "CATEGORIES", global = true, hide_env_values = true, value_name = "CATEGORIES",
          default_value = Categories::DEFAULT, value_parser = Categories::parse)]
    pub(super) categories: Categories,
    /// Networks of proxies whose X-Forwarded-For or Forwarded names their clients, separated by commas.
    #[arg(long, env = "TRUSTED_PROXIES", global = true, hide_env_values = true, value_name = "NETWORKS",
          default_value = "", value_parser = Networks::parse, hide_default_value = true)]
    pub(super) trusted_proxies: Networks,
    /// Hours that a new key lives; keys that were made before keep their end.
    #[arg(long, env = "KEY_LIFETIME_HOURS", global = true, hide_env_values = true, value_name = "HOURS",
          default_value_t = KeyLifetime::DEFAULT.hours(), value_parser = number(KeyLifetime::HOURS))]
    pub(super) key_lifetime_hours: u16,
    /// Connections to PostgreSQL at most; half serve reads and half writes.
    #[arg(long, env = "DB_POOL_SIZE", global = true, hide_env_values = true, value_name = "CONNECTIONS",
          default_value_t = 16, value_parser = number(2_u16..=1000))]
    pub(super) db_pool_size: u16,
    /// Seconds that a database operation may take, waiting for a connection included.
    #[arg(long, env = "DB_TIMEOUT", global = true, hide_env_values = true, value_name = "SECONDS",
          default_value_t = 5, value_parser = number(1_u16..=60))]
    pub(super) db_timeout: u16,
    /// Seconds between sweeps, which mark expired streams in the database.
    #[arg(long, env = "SWEEP_INTERVAL", global = true, hide_env_values = true, value_name = "SECONDS",
          default_value_t = 30, value_parser = number(1_u16..=3600))]
    pub(super) sweep_interval: u16,
    /// Seconds that a connection may wait for its next request; more than a balancer in front keeps its own.
    #[arg(long, env = "KEEP_ALIVE", global = true, hide_env_values = true, value_name = "SECONDS",
          default_value_t = 620, value_parser = number(5_u32..=86_400))]
    pub(super) keep_alive: u32,
    /// Seconds that the service goes on accepting after it was told to stop, while /health/ready says 503.
    #[arg(long, env = "SHUTDOWN_NOTICE", global = true, hide_env_values = true, value_name = "SECONDS",
          default_value_t = 5, value_parser = number(0_u16..=300))]
    pub(super) shutdown_notice: u16,
    /// Seconds that answers may take after that.
    #[arg(long, env = "SHUTDOWN_DEADLINE", global = true, hide_env_values = true, value_name = "SECONDS",
          default_value_t = 20, value_parser = number(1_u16..=300))]
    pub(super) shutdown_deadline: u16,
    /// Where Prometheus reads metrics: api for /metrics beside the API, an address with a port for one of its own, or
    /// none.
    #[arg(long, env = "METRICS_ADDRESS", global = true, hide_env_values = true, value_name = "ADDRESS",
          default_value = "api", value_parser = MetricsAddress::parse)]
    pub(super) metrics_address: MetricsAddress,
    /// Collector of traces, by OTLP over HTTP, such as http://localhost:4318; the standard OTEL_ variables count.
    #[arg(
        long,
        env = "OTEL_EXPORTER_OTLP_ENDPOINT",
        global = true,
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(super) otel_exporter_otlp_endpoint: Option<String>,
    /// How much to log: off, error, warn, info, debug or trace [default: info, or debug with FLASK_DEBUG].
    #[arg(long, env = "LOG_LEVEL", global = true, hide_env_values = true, value_name = "LEVEL",
          value_parser = LogLevel::parse)]
    pub(super) log_level: Option<LogLevel>,
    /// How to log: text, json, or auto for text on a terminal and JSON elsewhere.
    #[arg(long, env = "LOG_FORMAT", global = true, hide_env_values = true, value_name = "FORMAT",
          default_value = "auto", value_parser = LogFormat::parse)]
    pub(super) log_format: LogFormat,
    /// true logs at debug level unless LOG_LEVEL is set; kept from the earlier service.
    #[arg(long, env = "FLASK_DEBUG", global = true, hide_env_values = true, value_name = "BOOL",
          default_value = "false", value_parser = parse_bool, action = clap::ArgAction::Set)]
    pub(super) flask_debug: bool,
}

/// The environment variables of all settings.
pub(crate) fn variables() -> Vec<String> {
    let command = Arguments::command();
    let variables = command.get_arguments().filter_map(clap::Arg::get_env);
    variables.map(|name| name.to_string_lossy().into_owned()).collect()
}

/// The whole command line, from which completions and man pages are made.
pub(crate) fn whole() -> clap::Command {
    Arguments::command()
}
