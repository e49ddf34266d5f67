//! Wiring: the only file that names every adapter.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use stream_domain::broadcasts::BroadcastOptions;
use stream_domain::media_server::ServerProfile;
use stream_domain::ports::{
    SessionRepository, StoreError, StoreHealth, StreamRepository, UsersTable, chain_of, jittered,
};
use stream_domain::{Broadcasts, MediaServers, Streams};
use stream_http::server::{Server, StopPlan};
use stream_http::{
    Addresses, GenerateKeyLimit, HookSecrets, HookServer, HookServers, HttpOptions, HttpState, NotReady,
    Patience, Readiness,
};
use stream_jwt::{JwtVerifier, SharedSecret};
use stream_postgres::{PostgresOptions, PostgresStore};
use stream_sqlite::{SqliteOptions, SqliteStore};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::config::{DbUrl, Settings};
use crate::system::{OsEntropy, SystemClock};
use crate::{banner, broadcasts, secret};

/// The pauses between attempts to reach a database that is away at start: from the first to the longest.
const PAUSES: std::ops::RangeInclusive<Duration> = Duration::from_millis(500)..=Duration::from_secs(10);

/// How long media servers are given, after a start, to say who is live before sessions are ended as lost.
const FIRST_SWEEP: Duration = Duration::from_secs(10);

/// How often a missing `users` table is looked for, and how seldom one that cannot be referred to.
const USERS_INTERVALS: std::ops::RangeInclusive<Duration> =
    Duration::from_secs(30)..=Duration::from_secs(3_600);

/// Why the program ends, in a sentence that names what to do.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl Failure {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self(format!("the database: {}", chain_of(&error)))
    }
}

/// A store, by what it is for.
struct Ports {
    streams: Arc<dyn StreamRepository>,
    sessions: Arc<dyn SessionRepository>,
    health: Arc<dyn StoreHealth>,
}

impl Ports {
    fn of(store: Arc<impl StreamRepository + SessionRepository + StoreHealth + 'static>) -> Self {
        Self { streams: store.clone(), sessions: store.clone(), health: store }
    }
}

/// The store that the settings choose.
#[derive(Clone)]
pub(crate) enum Store {
    Postgres(PostgresStore),
    Sqlite(SqliteStore),
}

impl Store {
    /// Prepares the store; connects later.
    pub(crate) fn open(settings: &Settings) -> Result<Self, Failure> {
        let timeout = settings.timeout();
        match settings.database().map_err(Failure)? {
            DbUrl::Postgres(url) => {
                let options = PostgresOptions { url, pool_size: settings.db_pool_size.into(), timeout };
                let store = PostgresStore::new(&options, Arc::new(OsEntropy));
                store.map(Self::Postgres).map_err(|error| Failure(format!("DB_URL: {}", chain_of(&error))))
            }
            DbUrl::Sqlite(path) => Ok(Self::Sqlite(SqliteStore::new(&SqliteOptions { path, timeout }))),
        }
    }

    pub(crate) async fn migrate(&self) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Postgres(store) => store.migrate().await,
            Self::Sqlite(store) => store.migrate().await,
        }
    }

    pub(crate) async fn plan_migration(&self) -> Result<String, StoreError> {
        match self {
            Self::Postgres(store) => Ok(store.plan_migration().await?.to_string()),
            Self::Sqlite(store) => Ok(store.plan_migration().await?.to_string()),
        }
    }

    fn ports(&self) -> Ports {
        match self.clone() {
            Self::Postgres(store) => Ports::of(Arc::new(store)),
            Self::Sqlite(store) => Ports::of(Arc::new(store)),
        }
    }

    fn close(&self) {
        match self {
            Self::Postgres(store) => store.close(),
            Self::Sqlite(store) => store.close(),
        }
    }
}

/// `serve`: runs until SIGTERM or SIGINT.
pub(crate) async fn serve(settings: Settings) -> Result<(), Failure> {
    let (rtmp_base, hls_base) = settings.bases().map_err(Failure)?;
    let (secret, origin) = secret::find(&settings, &OsEntropy)?;
    let store = Store::open(&settings)?;
    let streams = wire(&settings, &store, &secret)?;
    let (broadcasts, hook_servers) = wire_media_servers(&settings, &store)?;
    let readiness = Readiness::starting();
    let limit = Arc::new(GenerateKeyLimit::per_minute(settings.generate_key_per_minute));
    let options = HttpOptions {
        addresses: Addresses::new(&rtmp_base, &hls_base, settings.addresses),
        cors_origins: settings.cors_origins.0.clone(),
        generate_key_limit: limit.clone(),
        hook_servers,
        readiness: readiness.clone(),
        patience: Patience::default(),
    };
    if let Store::Sqlite(store) = &store {
        // A file that cannot be used will not mend itself.
        store.migrate().await?;
        readiness.ready();
    }
    let (health, clock) = (store.ports().health, Arc::new(SystemClock));
    let state = HttpState::new(streams.clone(), broadcasts.clone(), health, clock, &OsEntropy, options);
    let address = SocketAddr::new(settings.host, settings.port);
    let server = Server::bind(address, state).map_err(|error| cannot_listen(address, &error))?;
    let address = server.address().map_err(|error| cannot_listen(address, &error))?;

    banner::warn_of_secrets(&settings, &secret, &origin);
    banner::warn_of_addresses(&settings);
    banner::announce(&settings, address, &secret, &origin);
    let chores = keep_house(settings.clone(), store.clone(), (streams, broadcasts), readiness, limit);
    let chores = tokio::spawn(chores);
    let plan = StopPlan {
        notice: Duration::from_secs(settings.shutdown_notice.into()),
        deadline: Duration::from_secs(settings.shutdown_deadline.into()),
    };
    let served = server.run(stop_signal(), plan).await;
    chores.abort();
    store.close();
    match served.map_err(|error| Failure(format!("the server failed: {error}")))? {
        0 => tracing::info!("stopped; everything that was accepted was answered"),
        cut => tracing::warn!(cut, "stopped at the deadline; connections that were still open were cut"),
    }
    Ok(())
}

fn wire(settings: &Settings, store: &Store, secret: &SharedSecret) -> Result<Streams, Failure> {
    let previous = settings.secret_key_previous.as_deref().filter(|text| !text.is_empty());
    let previous = previous.and_then(|text| SharedSecret::new(text).ok());
    let verifier = JwtVerifier::new(secret, previous.as_ref(), settings.user_id_claims.0.clone());
    let verifier = verifier.map_err(|error| Failure(error.to_string()))?.requiring(settings.claim_rules());
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(OsEntropy));
    let streams = Streams::new(store.ports().streams, Arc::new(verifier), clock, entropy);
    Ok(streams.with_key_lifetime(settings.key_lifetime()))
}

/// The use cases of media servers, and the servers whose hooks are taken.
fn wire_media_servers(settings: &Settings, store: &Store) -> Result<(Broadcasts, HookServers), Failure> {
    let application = settings.application().map_err(Failure)?;
    let (mut servers, mut hook_servers) = (Vec::new(), HookServers::new());
    let entries = settings.media_servers().map_err(Failure)?;
    broadcasts::warn_of_unasked(&entries);
    for entry in entries {
        let host = entry.host.as_deref();
        let connect = |url: String| stream_media::connect(entry.family, &url, &application, host);
        let control = entry.control.map(connect);
        let control = control
            .transpose()
            .map_err(|error| Failure(format!("MEDIA_SERVERS: {}: {error}", entry.name)))?;
        let secrets = HookSecrets::new(entry.secrets);
        let hooks = HookServer { family: entry.family, secrets, host: entry.host };
        hook_servers.insert(entry.name.clone(), hooks);
        servers.push((entry.name, ServerProfile { family: entry.family, lease: entry.lease, control }));
    }
    let options = BroadcastOptions {
        form: settings.addresses,
        application,
        takeover: settings.takeover,
        reconnect_window: time::Duration::seconds(settings.reconnect_window.into()),
    };
    let sessions = store.ports().sessions;
    let servers = Arc::new(MediaServers::new(servers).with_key_lifetime(settings.key_lifetime()));
    Ok((Broadcasts::new(sessions, Arc::new(SystemClock), servers, options), hook_servers))
}

/// Everything that happens without a request: migrations, sweeps, and waiting for the users table.
async fn keep_house(
    settings: Settings,
    store: Store,
    (streams, broadcasts): (Streams, Broadcasts),
    readiness: Readiness,
    limit: Arc<GenerateKeyLimit>,
) {
    if let Store::Postgres(store) = &store {
        prepare(store, &readiness).await;
        tokio::spawn(wait_for_users(store.clone()));
    }
    readiness.ready();
    tracing::info!("ready");
    // They end with this task.
    let mut attendants = JoinSet::new();
    attendants.spawn(broadcasts::warn_of_silent(broadcasts.clone()));
    for server in broadcasts.servers().controlled() {
        attendants.spawn(broadcasts::cut(broadcasts.clone(), server.clone()));
        attendants.spawn(broadcasts::compare(broadcasts.clone(), server.clone()));
    }
    let began = Instant::now();
    let mut ticks = tokio::time::interval(Duration::from_secs(settings.sweep_interval.into()));
    loop {
        ticks.tick().await;
        limit.forget_quiet_users();
        match streams.sweep().await {
            Ok(0) => {}
            Ok(expired) => tracing::info!(expired, "marked expired streams"),
            Err(error) => {
                tracing::warn!(error = chain_of(&error), "could not mark expired streams yet");
            }
        }
        // Those whom a media server still lists were not lost; it is asked first.
        if began.elapsed() < FIRST_SWEEP {
            continue;
        }
        match broadcasts.sweep().await {
            Ok(0) => {}
            Ok(lost) => tracing::info!(lost, "sessions ended without a word from their media servers"),
            Err(error) => tracing::warn!(error = chain_of(&error), "could not end lost sessions yet"),
        }
    }
}

/// Migrates, again and again with growing pauses while the database is away.
async fn prepare(store: &PostgresStore, readiness: &Readiness) {
    let mut pause = *PAUSES.start();
    loop {
        match store.migrate().await {
            Ok(done) if done.is_empty() => return tracing::info!("the database is up to date"),
            Ok(done) => return tracing::info!(migrations = done.join(", "), "migrated the database"),
            Err(error) => {
                let why = chain_of(&error);
                tracing::warn!(error = why, pause_ms = pause.as_millis(), "the database is not ready");
                readiness.still_starting(NotReady::from(&error));
            }
        }
        sleep(jittered(pause, &OsEntropy)).await;
        pause = (pause * 2).min(*PAUSES.end());
    }
}

/// Adds the foreign key to the platform's users, now or once their table appears; says each thing once.
async fn wait_for_users(store: PostgresStore) {
    let (mut told, mut pause) = (String::new(), *USERS_INTERVALS.start());
    // The migration has just looked.
    let mut tied: Result<UsersTable, StoreError> = Ok(store.users_table());
    loop {
        let cannot_be = matches!(tied, Ok(UsersTable::NotReferenced) | Err(_));
        let state = match tied {
            Ok(UsersTable::Referenced) => return tracing::info!("streams refer to the platform's users"),
            Ok(UsersTable::ReferencedByNewStreams) => {
                return tracing::warn!(
                    "new streams refer to the platform's users; some older ones name users who do not exist, or this \
                     role may not check them"
                );
            }
            Ok(UsersTable::Missing | UsersTable::NotUsed) => {
                "there is no users table yet: streams are kept without a foreign key until it appears"
                    .to_owned()
            }
            // The migration said why.
            Ok(UsersTable::NotReferenced) => String::new(),
            Err(error) => format!("streams cannot refer to the users table: {}", error.innermost_cause()),
        };
        if state != told {
            if !state.is_empty() {
                tracing::warn!("{state}");
            }
            told = state;
        }
        sleep(pause).await;
        pause = if cannot_be { (pause * 2).min(*USERS_INTERVALS.end()) } else { *USERS_INTERVALS.start() };
        tied = store.tie_to_users().await;
    }
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Failure {
    Failure(format!("cannot listen on {address}: {error}; choose another with HOST and PORT"))
}

/// Comes with SIGTERM or SIGINT; a second one ends the process at once.
async fn stop_signal() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be received; stop the process with SIGKILL");
        return std::future::pending().await;
    };
    let mut either = async move || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    either().await;
    tracing::info!("stopping: no longer ready, answering what comes");
    tokio::spawn(async move {
        either().await;
        tracing::warn!("told to stop a second time; stopping at once");
        std::process::exit(1);
    });
}
