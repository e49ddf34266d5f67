//! How a connection to one of the addresses in `DB_URL` is made.
//!
//! The driver's own `connect` would do, but for what is to be heard on the wire, and for naming the address that failed.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use diesel_async::AsyncPgConnection;
use futures_util::StreamExt as _;
use socket2::{SockRef, TcpKeepalive};
use stream_domain::ports::{Entropy, chain_of};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio_postgres::config::{Host, LoadBalanceHosts, SslMode, SslNegotiation, TargetSessionAttrs};
use tokio_postgres::tls::{MakeTlsConnect, TlsStream};
use tokio_postgres::{CancelToken, Client, Config, Connection, NoTls, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::either::Either;

use crate::cure;
use crate::tls::Tls;
use crate::wire::{SqlState, Watched, WatchedTls, Wire};

/// How long a connection to one address may take to be made, unless the URL says otherwise.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Why there is no connection; names each address that was tried.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what}")]
pub(crate) struct NotConnected {
    what: String,
    /// What the server said, if one said something.
    pub(crate) state: Option<SqlState>,
}

impl NotConnected {
    pub(crate) fn new(what: String) -> Self {
        Self { what, state: None }
    }

    /// The same for those who come while no attempt is made.
    pub(crate) fn while_pausing(&self) -> Self {
        let what = format!("the next attempt to connect is due shortly; the last one failed: {}", self.what);
        Self { what, ..*self }
    }

    /// Of several addresses that failed, the last that said why counts.
    fn and(&self, next: &Self) -> Self {
        Self { what: format!("{}; {}", self.what, next.what), state: next.state.or(self.state) }
    }
}

/// Where a server listens.
#[derive(Debug, Clone)]
struct Address {
    place: Place,
    port: u16,
    /// What its certificate is to be made out to.
    name: String,
}

#[derive(Debug, Clone)]
enum Place {
    Ip(IpAddr),
    Folder(PathBuf),
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Folder(folder) => write!(f, "{}/.s.PGSQL.{}", folder.display(), self.port),
            Place::Ip(ip) if self.name == ip.to_string() => write!(f, "{}:{}", self.name, self.port),
            Place::Ip(ip) => write!(f, "{}:{} ({ip})", self.name, self.port),
        }
    }
}

type Socket = Either<TcpStream, UnixStream>;

/// What a connection consists of.
pub(crate) struct Connected {
    pub(crate) connection: AsyncPgConnection,
    /// Carries the bytes; to abort it closes the connection, whatever goes on there.
    pub(crate) driver: JoinHandle<()>,
    pub(crate) wire: Arc<Wire>,
    pub(crate) canceller: Canceller,
    /// Whether the settings were set, which they are not behind a pooler.
    pub(crate) has_settings: bool,
}

/// Connects to the first address that answers and is of the kind that `target_session_attrs` wants.
///
/// `settings` are calls of `set_config`, or nothing.
pub(crate) async fn connect(
    config: &Config,
    tls: &Tls,
    entropy: &dyn Entropy,
    settings: &str,
) -> Result<Connected, NotConnected> {
    let mut failed: Option<NotConnected> = None;
    let mut fail = |error: NotConnected| {
        failed = Some(match failed.take() {
            Some(before) => before.and(&error),
            None => error,
        });
    };
    for (host, port) in hosts(config, entropy)? {
        let addresses = match resolve(&host, port).await {
            Ok(addresses) => addresses,
            Err(error) => {
                fail(NotConnected::new(format!("{}:{port}: {error}", host.name)));
                continue;
            }
        };
        for address in addresses {
            match connect_to(&address, config, tls, settings).await {
                Ok(connected) => return Ok(connected),
                Err(error) => {
                    fail(NotConnected { what: format!("{address}: {}", error.what), ..error });
                }
            }
        }
    }
    Err(failed.unwrap_or_else(|| NotConnected::new("the host has no address".to_owned())))
}

/// A host as it stands in the URL.
struct NamedHost {
    name: String,
    place: Host,
}

/// The hosts with their ports, in the order in which to try them.
fn hosts(config: &Config, entropy: &dyn Entropy) -> Result<Vec<(NamedHost, u16)>, NotConnected> {
    let (names, addresses, ports) = (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
    let count = names.len().max(addresses.len());
    let fits = |length: usize| length == 0 || length == count;
    if count == 0 || !fits(names.len()) || !fits(addresses.len()) || !(fits(ports.len()) || ports.len() == 1)
    {
        let what = "DB_URL names no host, or not as many hosts as addresses or ports";
        return Err(NotConnected::new(what.to_owned()));
    }
    let mut hosts: Vec<(NamedHost, u16)> = (0..count)
        .map(|place| {
            let named = names.get(place);
            let host = match addresses.get(place) {
                Some(ip) => Host::Tcp(ip.to_string()),
                None => named.cloned().expect("there is a host or an address at each place"),
            };
            let name = match named.unwrap_or(&host) {
                Host::Tcp(name) => name.clone(),
                Host::Unix(folder) => folder.display().to_string(),
            };
            let port = ports.get(place).or(ports.first()).copied().unwrap_or(5432);
            (NamedHost { name, place: host }, port)
        })
        .collect();
    if config.get_load_balance_hosts() == LoadBalanceHosts::Random {
        let mut byte = [0];
        // Without randomness the order is that of the URL.
        let _ = entropy.fill(&mut byte);
        hosts.rotate_left(usize::from(byte[0]) % count);
    }
    Ok(hosts)
}

async fn resolve(host: &NamedHost, port: u16) -> std::io::Result<Vec<Address>> {
    let at = |place| Address { place, port, name: host.name.clone() };
    match &host.place {
        Host::Unix(folder) => Ok(vec![at(Place::Folder(folder.clone()))]),
        Host::Tcp(name) => {
            let found = tokio::net::lookup_host((name.as_str(), port)).await?;
            Ok(found.map(|address| at(Place::Ip(address.ip()))).collect())
        }
    }
}

async fn open(address: &Address, config: &Config) -> std::io::Result<Socket> {
    let connecting = async {
        let socket: Socket = match &address.place {
            Place::Folder(folder) => {
                Either::Right(UnixStream::connect(folder.join(format!(".s.PGSQL.{}", address.port))).await?)
            }
            Place::Ip(ip) => {
                let stream = TcpStream::connect((*ip, address.port)).await?;
                stream.set_nodelay(true)?;
                let socket = SockRef::from(&stream);
                #[cfg(target_os = "linux")]
                socket.set_tcp_user_timeout(config.get_tcp_user_timeout().copied())?;
                if config.get_keepalives() {
                    let mut keepalive = TcpKeepalive::new().with_time(config.get_keepalives_idle());
                    if let Some(interval) = config.get_keepalives_interval() {
                        keepalive = keepalive.with_interval(interval);
                    }
                    if let Some(retries) = config.get_keepalives_retries() {
                        keepalive = keepalive.with_retries(retries);
                    }
                    socket.set_tcp_keepalive(&keepalive)?;
                }
                Either::Left(stream)
            }
        };
        Ok(socket)
    };
    let limit = config.get_connect_timeout().copied().unwrap_or(CONNECT_TIMEOUT);
    tokio::time::timeout(limit, connecting).await.unwrap_or_else(|_elapsed| {
        Err(std::io::Error::new(std::io::ErrorKind::TimedOut, format!("no connection within {limit:?}")))
    })
}

async fn connect_to(
    address: &Address,
    config: &Config,
    tls: &Tls,
    settings: &str,
) -> Result<Connected, NotConnected> {
    let said = |error: tokio_postgres::Error| {
        let state = error.code().and_then(|state| SqlState::parse(state.code()));
        NotConnected { what: cure::told(&error), state }
    };
    let socket = open(address, config).await.map_err(|error| NotConnected::new(error.to_string()))?;
    let wire = Arc::new(Wire::default());
    let (client, driver) = match tls {
        Tls::Off => {
            let stream = Watched::new(socket, wire.clone(), false);
            let (client, connection) = config.connect_raw(stream, NoTls).await.map_err(said)?;
            (client, drive(connection))
        }
        Tls::On(connector) => {
            let is_asked = config.get_ssl_mode() != SslMode::Disable
                && config.get_ssl_negotiation() == SslNegotiation::Postgres;
            let stream = Watched::new(socket, wire.clone(), is_asked);
            let connect = tls_connect(connector, &address.name)?;
            let (client, connection) = config.connect_raw(stream, connect).await.map_err(said)?;
            (client, drive(connection))
        }
    };
    require_attributes(&client, config.get_target_session_attrs()).await?;
    let has_settings = set(&client, &wire, settings).await.map_err(said)?;
    let canceller = Canceller { token: client.cancel_token(), address: address.clone() };
    let connection = AsyncPgConnection::try_from(client)
        .await
        .map_err(|error| NotConnected { what: chain_of(&error), state: wire.take_error() })?;
    // What was said so far belongs to nobody's statement.
    wire.take_error();
    Ok(Connected { connection, driver, wire, canceller, has_settings })
}

type RustlsConnect = <MakeRustlsConnect as MakeTlsConnect<Watched<Socket>>>::TlsConnect;

fn tls_connect(connector: &MakeRustlsConnect, name: &str) -> Result<WatchedTls<RustlsConnect>, NotConnected> {
    let connect = MakeTlsConnect::<Watched<Socket>>::make_tls_connect(&mut connector.clone(), name);
    connect.map(WatchedTls).map_err(|error| NotConnected::new(error.to_string()))
}

/// Carries the bytes until either side ends the connection.
fn drive<T>(mut connection: Connection<Watched<Socket>, T>) -> JoinHandle<()>
where
    T: TlsStream + Send + Unpin + 'static,
{
    let mut messages = futures_util::stream::poll_fn(move |cx| connection.poll_message(cx));
    tokio::spawn(async move {
        while let Some(message) = messages.next().await {
            if let Err(error) = message {
                // Those who wait for an answer are told by the driver.
                tracing::debug!(error = chain_of(&error), "a connection to the database ended");
                return;
            }
        }
    })
}

/// A server that is not of the wanted kind is passed over as one that is not there.
async fn require_attributes(client: &Client, wanted: TargetSessionAttrs) -> Result<(), NotConnected> {
    let (wanted, otherwise) = match wanted {
        TargetSessionAttrs::ReadWrite => ("off", "the database takes no writes"),
        TargetSessionAttrs::ReadOnly => ("on", "the database is not read-only"),
        _ => return Ok(()),
    };
    let failed = |error: tokio_postgres::Error| NotConnected::new(chain_of(&error));
    let is_read_only = client.simple_query("SHOW transaction_read_only").await.map_err(failed)?;
    let mut rows = is_read_only.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    if rows.next() == Some(wanted) {
        return Ok(());
    }
    Err(NotConnected { what: otherwise.to_owned(), state: SqlState::parse("25006") })
}

/// Sets what holds for the session, unless the server's process is not the one that was told: then a pooler stands in
/// between, and the setting would be somebody else's too.
async fn set(client: &Client, wire: &Wire, settings: &str) -> Result<bool, tokio_postgres::Error> {
    if settings.is_empty() {
        return Ok(false);
    }
    let statement = format!("SELECT {settings} WHERE pg_backend_pid() = {}", wire.process());
    let rows = client.simple_query(&statement).await?;
    Ok(rows.iter().any(|message| matches!(message, SimpleQueryMessage::Row(_))))
}

/// Asks the server to end what a connection is doing.
#[derive(Clone)]
pub(crate) struct Canceller {
    token: CancelToken,
    address: Address,
}

impl Canceller {
    /// Whether it helped shows in the statement itself.
    pub(crate) async fn cancel(&self, config: &Config, tls: &Tls) -> Result<(), NotConnected> {
        let failed = |error: tokio_postgres::Error| NotConnected::new(chain_of(&error));
        let socket =
            open(&self.address, config).await.map_err(|error| NotConnected::new(error.to_string()))?;
        let stream = Watched::new(socket, Arc::default(), false);
        match tls {
            Tls::Off => self.token.cancel_query_raw(stream, NoTls).await.map_err(failed),
            Tls::On(connector) => {
                let connect = tls_connect(connector, &self.address.name)?;
                self.token.cancel_query_raw(stream, connect).await.map_err(failed)
            }
        }
    }
}
