//! The hosts of `DB_URL`, their addresses, and sockets to them.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use stream_domain::ports::Entropy;
use tokio::net::{TcpStream, UnixStream};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, LoadBalanceHosts};
use tokio_util::either::Either;

/// How long a connection to one address may take to be made, unless the URL says otherwise.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Where a server listens.
#[derive(Debug, Clone)]
pub(crate) struct Address {
    place: Place,
    port: u16,
    /// What its certificate is to be made out to.
    pub(crate) name: String,
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

pub(crate) type Socket = Either<TcpStream, UnixStream>;

/// A host as it stands in the URL.
pub(crate) struct NamedHost {
    pub(crate) name: String,
    place: Host,
}

/// The hosts with their ports, in the order in which to try them.
pub(crate) fn hosts(config: &Config, entropy: &dyn Entropy) -> Result<Vec<(NamedHost, u16)>, &'static str> {
    let (names, addresses, ports) = (config.get_hosts(), config.get_hostaddrs(), config.get_ports());
    let count = names.len().max(addresses.len());
    let fits = |length: usize| length == 0 || length == count;
    if count == 0 || !fits(names.len()) || !fits(addresses.len()) || !(fits(ports.len()) || ports.len() == 1)
    {
        return Err("DB_URL names no host, or not as many hosts as addresses or ports");
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

/// The addresses of a host.
pub(crate) async fn resolve(host: &NamedHost, port: u16) -> std::io::Result<Vec<Address>> {
    let at = |place| Address { place, port, name: host.name.clone() };
    match &host.place {
        Host::Unix(folder) => Ok(vec![at(Place::Folder(folder.clone()))]),
        Host::Tcp(name) => {
            let found = tokio::net::lookup_host((name.as_str(), port)).await?;
            Ok(found.map(|address| at(Place::Ip(address.ip()))).collect())
        }
    }
}

/// Connects to an address, in time.
pub(crate) async fn open(address: &Address, config: &Config) -> std::io::Result<Socket> {
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
