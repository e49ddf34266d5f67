//! What is told at start: where the service is, which store it uses, what is doubtful about its settings, and to a person
//! at a terminal how to try it.

use std::io::{IsTerminal as _, Write as _};
use std::net::SocketAddr;

use stream_domain::UserId;
use stream_domain::admission::AddressForm;
use stream_domain::ports::Clock as _;
use stream_jwt::SharedSecret;

use crate::config::{DbUrl, Settings};
use crate::failure::Failure;
use crate::secret::{Origin, Secret};
use crate::system::SystemClock;

/// Warns of whatever in the settings looks right and hardly is.
pub(crate) fn warn_of_settings(settings: &Settings, secret: &Secret, origin: &Origin) {
    warn_of_secret("SECRET_KEY", secret);
    if let Some(previous) = settings.previous_secret() {
        warn_of_secret("SECRET_KEY_PREVIOUS", previous);
        tracing::info!(
            "tokens signed with SECRET_KEY_PREVIOUS are accepted too; unset it once they have expired"
        );
    }
    if let Origin::File(path) = origin {
        tracing::info!(file = %path.display(), "SECRET_KEY is not set; using the one that was made for this installation");
    }
    if !settings.has_db_url() {
        tracing::warn!(
            "DB_URL is not set, so streams are kept in a file of this service's own, data/streams.db; set DB_URL to the \
             platform's database, or to that file if it is meant"
        );
    }
    for near in &settings.near_names {
        tracing::warn!(
            variable = near.name,
            setting = near.setting,
            "{} is set and read by nobody; this service reads {}. Rename the variable, or unset it",
            near.name,
            near.setting
        );
    }
    if settings.addresses == AddressForm::Key {
        tracing::warn!(
            "ADDRESSES is key: the stream key is part of the address that viewers watch, so any of them could publish \
             with it. ADDRESSES=playback keeps it secret; docs/media-servers says how"
        );
    }
    warn_of_networks(settings);
}

/// Warns of a setting that trusts everybody.
fn warn_of_networks(settings: &Settings) {
    if settings.hook_networks.are_all() {
        tracing::warn!(
            "HOOK_NETWORKS holds every address: anybody who reaches this service can begin and end broadcasts in the \
             name of a media server without a secret"
        );
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

/// Says where the service listens and what it works on: as an event, and in words to a person at a terminal.
pub(crate) fn announce(
    settings: &Settings,
    address: SocketAddr,
    secret: &Secret,
    origin: &Origin,
) -> Result<(), Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let database = settings.database().map_err(Failure::new)?;
    let (host, name) = database.host_and_name().unzip();
    let file = match &database {
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
        media_servers = settings.media_servers().map_err(Failure::new)?.len(),
        addresses = settings.addresses_word(),
        key_lifetime_hours = settings.key_lifetime().hours(),
        "stream-service {version} listens on http://{address}"
    );
    if !std::io::stdout().is_terminal() {
        return Ok(());
    }
    let mut text = format!("stream-service {version} listens on http://{address}\n");
    text.push_str(&format!("Streams are kept in {database}.\n"));
    // A secret that was given may be a platform's; only one that was made here signs a token for everybody to see.
    if let Origin::File(path) = origin {
        text.push_str(&format!("Tokens are signed with the secret in {}.\n", path.display()));
        if let Some(line) = try_it(settings, address, secret.main()) {
            text.push_str(&format!("\nTry it, as user 1, within the hour:\n\n  {line}\n\n"));
            text.push_str("An encoder such as OBS takes two of the answer's values: `ingest.server` as its Server and\n");
            text.push_str("`ingest.stream_key` as its Stream Key.\n\n");
        }
    }
    // A closed standard output is no reason not to serve.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(())
}

fn try_it(settings: &Settings, address: SocketAddr, secret: &SharedSecret) -> Option<String> {
    let user = UserId::new(1).ok()?;
    let token = settings.claim_rules().mint(secret, user, SystemClock.now(), time::Duration::HOUR)?;
    let host = match address.ip().is_unspecified() {
        true => format!("localhost:{}", address.port()),
        false => address.to_string(),
    };
    Some(format!(
        "curl -X POST http://{host}/api/streams/generate-key -H 'Authorization: Bearer {}'",
        token.expose()
    ))
}
