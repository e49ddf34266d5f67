//! Settings: from the environment or from flags, each with its default, each checked at start.

mod alternatives;
mod claims;
mod database;
mod files;
mod networks;
mod origins;

use std::convert::Infallible;
use std::fmt::Display;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, CommandFactory as _, Parser};
use stream_domain::admission::{AddressForm, Takeover};
use stream_domain::lifecycle::KeyLifetime;
use stream_jwt::ClaimRules;
use tracing::level_filters::LevelFilter;
use url::Url;

pub(crate) use crate::config::database::DbUrl;
use crate::config::files::GivenSecret;

use crate::commands::Command;
use crate::config::claims::{ClaimNames, Names, RequiredClaims};
use crate::config::networks::Networks;
use crate::config::origins::Origins;
use crate::media_servers::{self, Entry};
use crate::near_names::NearName;
use crate::secret::Secret;
use crate::value;

const RTMP_BASE: &str = "rtmp://localhost:1935/live";
const HLS_BASE: &str = "http://localhost:8083/live";
const CORS_ORIGINS: &str = "http://localhost:3000,http://127.0.0.1:3000,http://localhost:3001";

/// Hands out stream keys, tells media servers who may publish, and viewers what is live.
#[derive(Parser)]
#[command(version, max_term_width = 120)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// Everything that can be set; docs/operations.md has the same table.
#[derive(Args, Clone)]
#[expect(clippy::doc_markdown, reason = "these comments are what --help prints")]
#[command(next_help_heading = "Settings, as flags or environment variables")]
pub(crate) struct Settings {
    /// Database: postgresql://user:password@host/name, postgres://…, or sqlite://path; without it
    /// sqlite://data/streams.db, unless REQUIRE_DB_URL is set.
    #[arg(long, env = "DB_URL", global = true, hide_env_values = true, value_name = "URL")]
    db_url: Option<String>,
    /// File that holds DB_URL, such as a secret of Docker or Kubernetes.
    #[arg(long, env = "DB_URL_FILE", global = true, hide_env_values = true, value_name = "PATH",
          value_parser = parse_path)]
    db_url_file: Option<PathBuf>,
    /// true refuses to start without DB_URL; the container image sets it.
    #[arg(long, env = "REQUIRE_DB_URL", global = true, hide_env_values = true, value_name = "BOOL",
          default_value = "false", value_parser = parse_guard, action = clap::ArgAction::Set)]
    require_db_url: bool,
    /// Secret that tokens are signed with, the user-service's. Required with PostgreSQL; with SQLite one is made.
    #[arg(long, env = "SECRET_KEY", global = true, hide_env_values = true, value_name = "SECRET",
          value_parser = parse_secret)]
    secret_key: Option<GivenSecret>,
    /// File that holds SECRET_KEY; the line end at its end does not count.
    #[arg(long, env = "SECRET_KEY_FILE", global = true, hide_env_values = true, value_name = "PATH",
          value_parser = parse_path)]
    secret_key_file: Option<PathBuf>,
    /// Secret before the last rotation; tokens signed with it are still accepted.
    #[arg(long, env = "SECRET_KEY_PREVIOUS", global = true, hide_env_values = true, value_name = "SECRET",
          value_parser = parse_secret)]
    secret_key_previous: Option<GivenSecret>,
    /// File that holds SECRET_KEY_PREVIOUS.
    #[arg(long, env = "SECRET_KEY_PREVIOUS_FILE", global = true, hide_env_values = true, value_name = "PATH",
          value_parser = parse_path)]
    secret_key_previous_file: Option<PathBuf>,
    /// Address to listen on.
    #[arg(long, env = "HOST", global = true, hide_env_values = true, default_value = "0.0.0.0", value_parser = parse_host)]
    pub(crate) host: IpAddr,
    /// Port to listen on; 0 takes a free one.
    #[arg(long, env = "PORT", global = true, hide_env_values = true, default_value_t = 8082,
          value_parser = number(0_u16..=65_535))]
    pub(crate) port: u16,
    /// Where publishers go; the key is appended.
    #[arg(long, env = "RTMP_BASE_URL", global = true, hide_env_values = true, value_name = "URL",
          default_value = RTMP_BASE)]
    rtmp_base_url: String,
    /// Where viewers go; the key and /index.m3u8 are appended.
    #[arg(long, env = "HLS_BASE_URL", global = true, hide_env_values = true, value_name = "URL",
          default_value = HLS_BASE)]
    hls_base_url: String,
    /// Where the key stands in addresses: key for …/{stream_key}, playback for …/{playback_id}?key={stream_key}, rename
    /// for media servers that rename.
    #[arg(long, env = "ADDRESSES", global = true, hide_env_values = true, value_name = "FORM",
          default_value = "key", value_parser = parse_addresses)]
    pub(crate) addresses: AddressForm,
    /// Media servers, separated by blanks: name=family;secret=…;control=http://….
    #[arg(long, env = "MEDIA_SERVERS", global = true, hide_env_values = true, value_name = "SERVERS")]
    media_servers: Option<String>,
    /// File that holds MEDIA_SERVERS, which has secrets.
    #[arg(long, env = "MEDIA_SERVERS_FILE", global = true, hide_env_values = true, value_name = "PATH",
          value_parser = parse_path)]
    media_servers_file: Option<PathBuf>,
    /// Networks, besides loopback, whose hooks are taken from media servers without a secret, separated by commas:
    /// 10.0.0.0/8,192.168.1.7.
    #[arg(long, env = "HOOK_NETWORKS", global = true, hide_env_values = true, value_name = "NETWORKS",
          default_value = "", value_parser = Networks::parse, hide_default_value = true)]
    pub(crate) hook_networks: Networks,
    /// Other ways to publish, separated by blanks: srt=srt://host:8890?streamid=publish:live/{playback_id}:key={stream_key}.
    #[arg(
        long,
        env = "INGEST_ALTERNATIVES",
        global = true,
        hide_env_values = true,
        value_name = "TEMPLATES"
    )]
    ingest_alternatives: Option<String>,
    /// Who may take over from a publisher that is live: overdue, same-address or newest.
    #[arg(long, env = "TAKEOVER", global = true, hide_env_values = true, value_name = "WHO",
          default_value = "same-address", value_parser = parse_takeover)]
    pub(crate) takeover: Takeover,
    /// Seconds within which a publisher that comes back goes on with the same broadcast.
    #[arg(long, env = "RECONNECT_WINDOW", global = true, hide_env_values = true, value_name = "SECONDS",
          default_value_t = 60, value_parser = number(0_u32..=86_400))]
    pub(crate) reconnect_window: u32,
    /// Origins whose pages may call the API with credentials, separated by commas; `none` for none.
    #[arg(long, env = "CORS_ORIGINS", global = true, hide_env_values = true, value_name = "ORIGINS",
          default_value = CORS_ORIGINS,
          value_parser = Origins::parse)]
    pub(crate) cors_origins: Origins,
    /// Claims that may hold the user id, separated by commas; the first that a token has counts.
    #[arg(long, env = "USER_ID_CLAIMS", global = true, hide_env_values = true, value_name = "CLAIMS",
          default_value = "id,user_id,sub", value_parser = ClaimNames::parse)]
    pub(crate) user_id_claims: ClaimNames,
    /// Names of this service, separated by commas; a token must be meant for one of them (aud).
    #[arg(long, env = "TOKEN_AUDIENCE", global = true, hide_env_values = true, value_name = "NAMES",
          value_parser = Names::parse)]
    token_audience: Option<Names>,
    /// Who may issue tokens, separated by commas (iss).
    #[arg(long, env = "TOKEN_ISSUER", global = true, hide_env_values = true, value_name = "NAMES",
          value_parser = Names::parse)]
    token_issuer: Option<Names>,
    /// Claims that a token must have, separated by commas, such as type=access,scope=stream.
    #[arg(long, env = "TOKEN_REQUIRED_CLAIMS", global = true, hide_env_values = true, value_name = "CLAIMS",
          value_parser = RequiredClaims::parse)]
    token_required_claims: Option<RequiredClaims>,
    /// Key requests per user and minute on this instance; 0 for any number.
    #[arg(
        long,
        env = "GENERATE_KEY_PER_MINUTE",
        global = true,
        hide_env_values = true,
        value_name = "REQUESTS",
        default_value_t = 600, value_parser = number(0_u32..=1_000_000))]
    pub(crate) generate_key_per_minute: u32,
    /// Hours that a new key lives; keys that were made before keep their end.
    #[arg(long, env = "KEY_LIFETIME_HOURS", global = true, hide_env_values = true, value_name = "HOURS",
          default_value_t = KeyLifetime::DEFAULT.hours(), value_parser = number(KeyLifetime::HOURS))]
    key_lifetime_hours: u16,
    /// Connections to PostgreSQL at most; half serve reads and half writes.
    #[arg(long, env = "DB_POOL_SIZE", global = true, hide_env_values = true, value_name = "CONNECTIONS",
          default_value_t = 16, value_parser = number(2_u16..=1000))]
    pub(crate) db_pool_size: u16,
    /// Seconds that a database operation may take, waiting for a connection included.
    #[arg(long, env = "DB_TIMEOUT", global = true, hide_env_values = true, value_name = "SECONDS",
          default_value_t = 5, value_parser = number(1_u16..=60))]
    pub(crate) db_timeout: u16,
    /// Seconds between sweeps, which mark expired streams in the database.
    #[arg(long, env = "SWEEP_INTERVAL", global = true, hide_env_values = true, value_name = "SECONDS",
          default_value_t = 30, value_parser = number(1_u16..=3600))]
    pub(crate) sweep_interval: u16,
    /// Seconds that a connection may wait for its next request; more than a balancer in front keeps its own.
    #[arg(long, env = "KEEP_ALIVE", global = true, hide_env_values = true, value_name = "SECONDS",
          default_value_t = 620, value_parser = number(5_u32..=86_400))]
    pub(crate) keep_alive: u32,
    /// Seconds that the service goes on accepting after it was told to stop, while /health/ready says 503.
    #[arg(long, env = "SHUTDOWN_NOTICE", global = true, hide_env_values = true, value_name = "SECONDS",
          default_value_t = 5, value_parser = number(0_u16..=300))]
    pub(crate) shutdown_notice: u16,
    /// Seconds that answers may take after that.
    #[arg(long, env = "SHUTDOWN_DEADLINE", global = true, hide_env_values = true, value_name = "SECONDS",
          default_value_t = 20, value_parser = number(1_u16..=300))]
    pub(crate) shutdown_deadline: u16,
    /// How much to log: off, error, warn, info, debug or trace [default: info, or debug with FLASK_DEBUG].
    #[arg(long, env = "LOG_LEVEL", global = true, hide_env_values = true, value_name = "LEVEL",
          value_parser = LogLevel::parse)]
    pub(crate) log_level: Option<LogLevel>,
    /// How to log: text, json, or auto for text on a terminal and JSON elsewhere.
    #[arg(long, env = "LOG_FORMAT", global = true, hide_env_values = true, value_name = "FORMAT",
          default_value = "auto", value_parser = LogFormat::parse)]
    pub(crate) log_format: LogFormat,
    /// true logs at debug level unless LOG_LEVEL is set; kept from the earlier service.
    #[arg(long, env = "FLASK_DEBUG", global = true, hide_env_values = true, value_name = "BOOL",
          default_value = "false", value_parser = parse_bool, action = clap::ArgAction::Set)]
    pub(crate) flask_debug: bool,
    /// Variables that were hardly meant for anybody else, and are read by nobody.
    #[arg(skip)]
    pub(crate) near_names: Vec<NearName>,
}

/// The variables of all settings.
pub(crate) fn names() -> Vec<String> {
    let command = Arguments::command();
    let variables = command.get_arguments().filter_map(clap::Arg::get_env);
    variables.map(|name| name.to_string_lossy().into_owned()).collect()
}

impl Settings {
    /// Where publishers and viewers go; parsed here for the same reason.
    pub(crate) fn bases(&self) -> Result<(String, String), String> {
        let rtmp =
            parse_rtmp_base(&self.rtmp_base_url).map_err(|reason| format!("RTMP_BASE_URL: {reason}"))?;
        let hls = parse_hls_base(&self.hls_base_url).map_err(|reason| format!("HLS_BASE_URL: {reason}"))?;
        Ok((rtmp, hls))
    }

    /// The media servers; parsed here for the same reason.
    pub(crate) fn media_servers(&self) -> Result<Vec<Entry>, String> {
        let text = value::plain(self.media_servers.as_deref().unwrap_or_default());
        media_servers::parse(text, self.key_lifetime()).map_err(|reason| format!("MEDIA_SERVERS: {reason}"))
    }

    /// Other ways to publish, by protocol; parsed here for the same reason.
    pub(crate) fn ingest_alternatives(&self) -> Result<Vec<(String, String)>, String> {
        let templates =
            value::plain(self.ingest_alternatives.as_deref().unwrap_or_default()).split_whitespace();
        let read = |template| alternatives::parse(template, self.addresses);
        let all: Result<_, _> = templates.map(read).collect();
        all.map_err(|reason: String| format!("INGEST_ALTERNATIVES: {reason}"))
    }

    /// The application that publishers go to: the path of the base of their addresses.
    pub(crate) fn application(&self) -> Result<String, String> {
        let (rtmp, _) = self.bases()?;
        let path = Url::parse(&rtmp).map(|url| url.path().trim_matches('/').to_owned());
        path.map_err(|_| "RTMP_BASE_URL: it must be a URL".to_owned())
    }

    /// The word of `ADDRESSES`.
    pub(crate) fn addresses_word(&self) -> &'static str {
        match self.addresses {
            AddressForm::Key => "key",
            AddressForm::Playback => "playback",
            AddressForm::Rename => "rename",
        }
    }

    /// How long keys live.
    pub(crate) fn key_lifetime(&self) -> KeyLifetime {
        KeyLifetime::from_hours(self.key_lifetime_hours).unwrap_or_default()
    }

    /// What a token must say besides whose it is.
    pub(crate) fn claim_rules(&self) -> ClaimRules {
        let names = |setting: &Option<Names>| setting.clone().map(|names| names.0).unwrap_or_default();
        ClaimRules {
            audiences: names(&self.token_audience),
            issuers: names(&self.token_issuer),
            required: self.token_required_claims.clone().map(|claims| claims.0).unwrap_or_default(),
        }
    }

    /// How long a database operation may take.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.db_timeout.into())
    }

    /// The level that counts.
    pub(crate) fn level(&self) -> LevelFilter {
        let default = if self.flask_debug { LevelFilter::DEBUG } else { LevelFilter::INFO };
        self.log_level.and_then(|level| level.0).unwrap_or(default)
    }
}

/// A level, or an empty setting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct LogLevel(Option<LevelFilter>);

impl LogLevel {
    fn parse(text: &str) -> Result<Self, String> {
        let text = value::plain(text);
        if text.is_empty() {
            return Ok(Self(None));
        }
        // The earlier service's names for the same levels are known too.
        let level = match text.to_ascii_lowercase().as_str() {
            "off" => LevelFilter::OFF,
            "error" | "critical" => LevelFilter::ERROR,
            "warn" | "warning" => LevelFilter::WARN,
            "info" => LevelFilter::INFO,
            "debug" => LevelFilter::DEBUG,
            "trace" => LevelFilter::TRACE,
            _ => return Err("it must be off, error, warn, info, debug or trace".to_owned()),
        };
        Ok(Self(Some(level)))
    }
}

/// The form of log lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// For people.
    Text,
    /// For collectors, one object a line.
    Json,
}

impl LogFormat {
    /// Reads the word.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match value::plain(text).to_ascii_lowercase().as_str() {
            "auto" => Ok(Self::Auto),
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("it must be one of auto, text, json".to_owned()),
        }
    }
}

/// Reads a whole number of this range.
fn number<N>(range: RangeInclusive<N>) -> impl Fn(&str) -> Result<N, String> + Clone + Send + Sync + 'static
where
    N: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    move |text| {
        let number = value::plain(text).parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("it must be a whole number from {} to {}", range.start(), range.end()))
    }
}

fn parse_addresses(text: &str) -> Result<AddressForm, String> {
    match value::plain(text) {
        "key" | "" => Ok(AddressForm::Key),
        "playback" => Ok(AddressForm::Playback),
        "rename" => Ok(AddressForm::Rename),
        _ => Err("it must be key, playback or rename".to_owned()),
    }
}

fn parse_takeover(text: &str) -> Result<Takeover, String> {
    let all = [Takeover::Overdue, Takeover::SameAddress, Takeover::Newest];
    let text = value::plain(text);
    let text = if text.is_empty() { Takeover::SameAddress.as_str() } else { text };
    let known = all.into_iter().find(|takeover| takeover.as_str() == text);
    known.ok_or_else(|| "it must be overdue, same-address or newest".to_owned())
}

fn parse_host(text: &str) -> Result<IpAddr, String> {
    value::plain(text)
        .parse()
        .map_err(|_| "it must be an IP address, such as 0.0.0.0, 127.0.0.1 or ::".to_owned())
}

fn parse_secret(text: &str) -> Result<GivenSecret, Infallible> {
    Ok(GivenSecret(Secret::given(text).ok()))
}

/// A guard that is set and says nothing is no guard that is off.
fn parse_guard(text: &str) -> Result<bool, String> {
    if value::plain(text).is_empty() { Err("it must be true or false".to_owned()) } else { parse_bool(text) }
}

fn parse_path(text: &str) -> Result<PathBuf, Infallible> {
    Ok(PathBuf::from(value::plain(text)))
}

fn parse_bool(text: &str) -> Result<bool, String> {
    match value::plain(text).to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" | "" => Ok(false),
        _ => Err("it must be true or false".to_owned()),
    }
}

fn parse_rtmp_base(text: &str) -> Result<String, String> {
    parse_base(if text.is_empty() { RTMP_BASE } else { text }, &["rtmp", "rtmps"])
}

fn parse_hls_base(text: &str) -> Result<String, String> {
    parse_base(if text.is_empty() { HLS_BASE } else { text }, &["http", "https"])
}

fn parse_base(text: &str, schemes: &[&str]) -> Result<String, String> {
    let right = |url: &Url| {
        let plain = url.query().is_none() && url.fragment().is_none();
        let anonymous = url.username().is_empty() && url.password().is_none();
        let named = url.host_str().is_some_and(|host| !host.is_empty());
        plain && anonymous && named && schemes.contains(&url.scheme())
    };
    let has_blanks = text.chars().any(|character| character.is_whitespace() || character.is_control());
    match Url::parse(text) {
        Ok(url) if right(&url) && !has_blanks => Ok(text.to_owned()),
        _ => Err(format!(
            "it must be a URL of the form {}://host/path, without user, ?, # and blanks",
            schemes.join(":// or ")
        )),
    }
}

#[cfg(test)]
mod tests;
