//! How a connection to one of the addresses in `DB_URL` is made.
//!
//! The driver's own `connect` would do, but for what is to be heard on the wire, and for naming the address that failed.

use std::sync::Arc;

use diesel_async::AsyncPgConnection;
use futures_util::StreamExt as _;
use stream_domain::ports::{Entropy, chain_of};
use tokio::task::JoinHandle;
use tokio_postgres::config::{SslMode, SslNegotiation, TargetSessionAttrs};
use tokio_postgres::tls::{MakeTlsConnect, TlsStream};
use tokio_postgres::{CancelToken, Client, Config, Connection, NoTls, SimpleQueryMessage};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::cure;
use crate::socket::{Address, Socket, hosts, open, resolve};
use crate::tls::Tls;
use crate::wire::{SqlState, Watched, WatchedTls, Wire};

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
    for (host, port) in hosts(config, entropy).map_err(|what| NotConnected::new(what.to_owned()))? {
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
    // What was said so far belongs to no statement.
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
                // The driver tells those who wait for an answer.
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
/// between, and the setting would apply to other clients, too.
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
