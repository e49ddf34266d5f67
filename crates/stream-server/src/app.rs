//! Wiring: the only file that names every adapter.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use stream_domain::broadcasts::BroadcastOptions;
use stream_domain::media_server::ServerProfile;
use stream_domain::ports::{
    Admissions, CatalogStore, History, KeyLookup, KeyStore, Kicks, Presence, SessionPorts, StoreError,
    StoreHealth, StreamPorts, UsersTable, chain_of,
};
use stream_domain::{Broadcasts, MediaServers, Streams};
use stream_http::server::{Server, StopPlan};
use stream_http::{
    Addresses, ClientTimeouts, GenerateKeyLimit, HookSecrets, HookServer, HookServers, HttpApi, HttpOptions,
    Readiness,
};
use stream_jwt::JwtVerifier;
use stream_postgres::{PostgresOptions, PostgresStore};
use stream_sqlite::{SqliteOptions, SqliteStore};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::background::Background;
use crate::config::{DbUrl, Settings};
use crate::failure::Failure;
use crate::secret::Secret;
use crate::signals::Signals;
use crate::system::{OsEntropy, SystemClock};
use crate::{banner, broadcasts, secret};

/// How long the port stays closed while the database is looked at.
///
/// A restart on a database that is there and migrated is ready before anybody can ask. One that is away, or takes longer
/// to migrate, is told of by a port that is open and not ready.
const FIRST_LOOK: Duration = Duration::from_secs(2);

/// A store, by what it is for.
struct Ports {
    streams: StreamPorts,
    sessions: SessionPorts,
    health: Arc<dyn StoreHealth>,
}

impl Ports {
    fn of<S>(store: &Arc<S>) -> Self
    where
        S: KeyStore
            + KeyLookup
            + CatalogStore
            + Admissions
            + Presence
            + Kicks
            + History
            + StoreHealth
            + 'static,
    {
        Self {
            streams: StreamPorts::of(store.clone()),
            sessions: SessionPorts::of(store.clone()),
            health: store.clone(),
        }
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
        match settings.database().map_err(Failure::new)? {
            DbUrl::Postgres(url) => {
                let options = PostgresOptions { url, pool_size: settings.db_pool_size.into(), timeout };
                let store = PostgresStore::new(&options, Arc::new(OsEntropy));
                store
                    .map(Self::Postgres)
                    .map_err(|error| Failure::new(format!("DB_URL: {}", chain_of(&error))))
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
            Self::Postgres(store) => Ports::of(&Arc::new(store)),
            Self::Sqlite(store) => Ports::of(&Arc::new(store)),
        }
    }

    /// How streams are tied to the platform's users, as far as was seen.
    pub(crate) fn users_table(&self) -> UsersTable {
        match self {
            Self::Postgres(store) => store.users_table(),
            Self::Sqlite(_) => UsersTable::NotUsed,
        }
    }

    /// Ties streams to the platform's users, if that can be done now.
    pub(crate) async fn tie_to_users(&self) -> Result<UsersTable, StoreError> {
        match self {
            Self::Postgres(store) => store.tie_to_users().await,
            Self::Sqlite(_) => Ok(UsersTable::NotUsed),
        }
    }

    /// Whether trouble at the first look may pass by itself; a file that cannot be used will not mend itself.
    pub(crate) fn may_come_back(&self) -> bool {
        matches!(self, Self::Postgres(_))
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
    let signals = Signals::take();
    let signals = signals.map_err(|error| Failure::new(format!("signals cannot be received: {error}")))?;
    let mut stop = std::pin::pin!(signals.stop());
    let (rtmp_base, hls_base) = settings.bases().map_err(Failure::new)?;
    let (secret, origin) = secret::find(&settings, &OsEntropy)?;
    let store = Store::open(&settings)?;
    let streams = wire(&settings, &store, &secret)?;
    let (broadcasts, hook_servers) = wire_media_servers(&settings, &store)?;
    let readiness = Readiness::starting();
    let limit = Arc::new(GenerateKeyLimit::per_minute(settings.generate_key_per_minute));
    let options = HttpOptions {
        addresses: Addresses::new(&rtmp_base, &hls_base, settings.addresses)
            .with_alternatives(settings.ingest_alternatives().map_err(Failure::new)?),
        cors_origins: settings.cors_origins.0.clone(),
        generate_key_limit: limit.clone(),
        hook_servers,
        hook_networks: settings.hook_networks.0.clone(),
        readiness: readiness.clone(),
        timeouts: ClientTimeouts {
            keep_alive: Duration::from_secs(settings.keep_alive.into()),
            ..ClientTimeouts::default()
        },
    };
    let (health, clock) = (store.ports().health, Arc::new(SystemClock));
    let api = HttpApi::new(streams.clone(), broadcasts.clone(), health.clone(), clock, options);
    banner::warn_of_settings(&settings, &secret, &origin);

    if !store.may_come_back() {
        store.migrate().await?;
    }
    let sweep_interval = Duration::from_secs(settings.sweep_interval.into());
    let background =
        Background { store: store.clone(), health, streams, broadcasts, readiness, limit, sweep_interval };
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

    let address = SocketAddr::new(settings.host, settings.port);
    let server = Server::bind(address, api).map_err(|error| cannot_listen(address, &error))?;
    let address = server.address().map_err(|error| cannot_listen(address, &error))?;
    banner::announce(&settings, address, &secret, &origin)?;
    let served = server.run(stop, stop_plan(&settings)).await;
    background.abort();
    store.close();
    match served.map_err(|error| Failure::new(format!("the server failed: {error}")))? {
        0 => tracing::info!("stopped; everything that was accepted was answered"),
        cut => tracing::warn!(cut, "stopped at the deadline; connections that were still open were cut"),
    }
    Ok(())
}

fn stop_plan(settings: &Settings) -> StopPlan {
    // No balancer looks at what a person runs at a terminal, and Ctrl-C should not take seconds there.
    let notice = if std::io::stdout().is_terminal() { 0 } else { settings.shutdown_notice };
    StopPlan {
        notice: Duration::from_secs(notice.into()),
        deadline: Duration::from_secs(settings.shutdown_deadline.into()),
    }
}

fn wire(settings: &Settings, store: &Store, secret: &Secret) -> Result<Streams, Failure> {
    let previous = settings.previous_secret().map(Secret::readings).unwrap_or_default();
    let others = secret.readings().iter().skip(1).chain(previous);
    let verifier = JwtVerifier::new(secret.main(), others, settings.user_id_claims.0.clone());
    let verifier = verifier.map_err(|error| Failure::new(error.to_string()))?;
    let verifier = verifier.requiring(settings.claim_rules());
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(OsEntropy));
    let streams = Streams::new(store.ports().streams, Arc::new(verifier), clock, entropy);
    Ok(streams.with_key_lifetime(settings.key_lifetime()))
}

/// The use cases of media servers, and the servers whose hooks are taken.
fn wire_media_servers(settings: &Settings, store: &Store) -> Result<(Broadcasts, HookServers), Failure> {
    let application = settings.application().map_err(Failure::new)?;
    let (mut servers, mut hook_servers) = (Vec::new(), HookServers::new());
    let entries = settings.media_servers().map_err(Failure::new)?;
    broadcasts::warn_of_unasked(&entries);
    for entry in entries {
        let host = entry.host.as_deref();
        let connect = |url: String| stream_media::connect(entry.family, &url, &application, host);
        let control = entry.control.map(connect);
        let control = control
            .transpose()
            .map_err(|error| Failure::new(format!("MEDIA_SERVERS: {}: {error}", entry.name)))?;
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

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Failure {
    Failure::new(format!("cannot listen on {address}: {error}; choose another with HOST and PORT"))
}
