//! What is logged and printed at start: where the service listens, which store it uses, which settings are doubtful, and
//! at a terminal how to try it.

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;

use stream_domain::UserId;
use stream_domain::broadcasts::admission::AddressForm;
use stream_domain::ports::Clock as _;
use stream_jwt::SharedSecret;

use crate::config::{Config, DbUrl};
use crate::secret::{Secret, SecretSource, Weakness, weakness_of};
use crate::system::SystemClock;

/// Warns of settings that are valid and probably a mistake.
pub(crate) fn warn_of_settings(config: &Config, secret: &Secret) {
    warn_of_secret("SECRET_KEY", secret);
    if let Some(previous) = &config.tokens.previous {
        warn_of_secret("SECRET_KEY_PREVIOUS", previous);
        tracing::info!(
            "tokens signed with SECRET_KEY_PREVIOUS are accepted too; unset it once they have expired"
        );
    }
    warn_of_admin_token(config);
    if let SecretSource::File(path) = &config.tokens.secret {
        tracing::info!(file = %path.display(), "SECRET_KEY is not set; using the one that was made for this installation");
    }
    if config.database.is_default {
        tracing::warn!(
            "DB_URL is not set, so streams are kept in a file of this service's own, data/streams.db; set DB_URL to the \
             platform's database, or to that file if it is meant"
        );
    }
    for near in &config.near_names {
        tracing::warn!(
            variable = near.name,
            setting = near.setting,
            "{} is set and read by nobody; this service reads {}. Rename the variable, or unset it",
            near.name,
            near.setting
        );
    }
    if config.broadcasts.address_form == AddressForm::Key {
        tracing::warn!(
            "ADDRESSES is key: the stream key is part of the address that viewers watch, so any of them could publish \
             with it. ADDRESSES=playback keeps it secret; docs/media-servers says how"
        );
    }
    warn_of_networks(config);
    warn_of_missing_control(config);
}

/// Warns of a setting that trusts every peer.
fn warn_of_networks(config: &Config) {
    if config.hook_networks.are_all() {
        tracing::warn!(
            "HOOK_NETWORKS holds every address: anybody who reaches this service can begin and end broadcasts in the \
             name of a media server without a secret"
        );
    }
}

/// Warns of media servers that can be neither listed nor told to kick, unless they report their publishers themselves.
fn warn_of_missing_control(config: &Config) {
    for server in config.broadcasts.media_servers.iter().filter(|server| server.control.is_none()) {
        if let Some(cure) = server.family.capabilities().liveness_settings {
            let lease = server.lease.whole_seconds();
            tracing::warn!(
                server = %server.name,
                family = server.family.as_str(),
                "MEDIA_SERVERS gives this media server no control: unless it says by itself that its publishers go on, \
                 each counts as off air {lease} seconds after it began, and a stop cuts nobody. To mend it, {cure}"
            );
        }
    }
}

/// Warns of a token of operators that stands in somebody's documentation, or repeats itself.
fn warn_of_admin_token(config: &Config) {
    let Some(token) = &config.admin_token else { return };
    match weakness_of(token.expose()) {
        Some(weakness @ (Weakness::Known | Weakness::Monotonous)) => tracing::warn!(
            setting = "ADMIN_TOKEN",
            "ADMIN_TOKEN {weakness}, so it can be guessed: anybody who does can stop and block everybody. Make one with: \
             openssl rand -hex 32"
        ),
        Some(Weakness::Short) | None => {}
    }
}

fn warn_of_secret(name: &str, secret: &Secret) {
    if let Some(weakness) = secret.weakness() {
        tracing::warn!(
            setting = name,
            "{name} {weakness}, so it can be guessed: anybody who does can sign in as anybody. Choose {} random bytes, in \
             the user-service as well, for example with: openssl rand -hex 32",
            SharedSecret::RECOMMENDED_BYTES
        );
    }
    if secret.is_untidy() {
        tracing::warn!(
            setting = name,
            "{name} has blanks, a line end or quotes around it. Tokens are accepted that were signed with it as it is, \
             and without them; take them off here and in the user-service"
        );
    }
}

/// Logs where the service listens and what it works on; at a terminal, prints it with a line to try.
pub(crate) fn announce(config: &Config, address: SocketAddr, secret: &Secret) {
    let version = env!("CARGO_PKG_VERSION");
    let database = &config.database.url;
    let (host, name) = database.host_and_name().unzip();
    let file = match database {
        DbUrl::Sqlite(path) => Some(path.display().to_string()),
        DbUrl::Postgres(_) => None,
    };
    tracing::info!(
        version,
        address = %address,
        store = if file.is_some() { "sqlite" } else { "postgresql" },
        database_host = host,
        database_name = name,
        file,
        media_servers = config.broadcasts.media_servers.len(),
        addresses = word_of(config.broadcasts.address_form),
        key_lifetime_hours = config.broadcasts.key_lifetime.hours(),
        "stream-service {version} listens on http://{address}"
    );
    if !std::io::stdout().is_terminal() {
        return;
    }
    let mut text = format!("stream-service {version} listens on http://{address}\n");
    text.push_str(&format!("Streams are kept in {database}.\n"));
    if config.has_console {
        text.push_str(&format!("Open http://{} in a browser.\n", host_to_try(address)));
    }
    // A secret that was given may be a platform's; only one that was made here signs a token for everyone to see.
    if let SecretSource::File(path) = &config.tokens.secret {
        text.push_str(&format!("Tokens are signed with the secret in {}.\n", path.display()));
        if let Some(line) = line_to_try(config, address, secret.main()) {
            text.push_str(&format!("\nTry it, as user 1, within the hour:\n\n  {line}\n\n"));
            text.push_str("An encoder such as OBS takes two of the answer's values: `ingest.server` as its Server and\n");
            text.push_str("`ingest.stream_key` as its Stream Key.\n\n");
        }
    }
    // A closed standard output is no reason not to serve.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// The word of `ADDRESSES`.
fn word_of(form: AddressForm) -> &'static str {
    match form {
        AddressForm::Key => "key",
        AddressForm::Playback => "playback",
        AddressForm::Rename => "rename",
    }
}

fn line_to_try(config: &Config, address: SocketAddr, secret: &SharedSecret) -> Option<String> {
    let user = UserId::new(1).ok()?;
    let token = config.tokens.rules.mint(secret, user, SystemClock.now(), time::Duration::HOUR)?;
    let host = host_to_try(address);
    Some(format!(
        "curl -X POST http://{host}/api/streams/generate-key -H 'Authorization: Bearer {}'",
        token.expose()
    ))
}

/// How this machine reaches the service.
fn host_to_try(address: SocketAddr) -> String {
    match address.ip().is_unspecified() {
        true => format!("localhost:{}", address.port()),
        false => address.to_string(),
    }
}
