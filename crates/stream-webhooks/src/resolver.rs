//! The addresses of names, without those that are refused.
//!
//! It is asked as each connection is made, so a name cannot lead elsewhere after it was judged.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use hyper_util::client::legacy::connect::dns::Name;
use tokio::sync::Semaphore;
use tower_service::Service;

use crate::networks::{Networks, Scheme};

/// Asks for the addresses of a name.
pub(crate) type LookUp = Arc<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// How many names the operating system is asked for at once.
///
/// Each question takes a thread for as long as nobody answers it, and these threads are shared with others.
const QUESTIONS: usize = 64;

/// Asks the operating system.
pub(crate) fn system() -> LookUp {
    let permits = Arc::new(Semaphore::new(QUESTIONS));
    Arc::new(move |name| {
        let permits = permits.clone();
        Box::pin(async move {
            let permit = permits.acquire_owned().await.map_err(io::Error::other)?;
            let ask = move || {
                // Kept until there is an answer, even if nobody waits for it any more.
                let _permit = permit;
                let addresses = (name.as_str(), 0).to_socket_addrs()?;
                Ok(addresses.map(|address| address.ip()).collect())
            };
            tokio::task::spawn_blocking(ask).await.map_err(io::Error::other)?
        })
    })
}

/// Finds addresses that may be sent to by one scheme.
#[derive(Clone)]
pub(crate) struct Resolver {
    pub(crate) look_up: LookUp,
    pub(crate) networks: Arc<Networks>,
    pub(crate) scheme: Scheme,
}

/// Why a name has no address that may be sent to.
///
/// It is not told whether it has others: that would tell which names there are in this network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// It has none that is public or allowed.
    NotPublic,
    /// It has none that plain HTTP is allowed for.
    NotPlain,
}

impl Resolver {
    /// The addresses that a name leads to now and that may be sent to: at least one.
    pub(crate) async fn resolve(self, name: String) -> Result<Vec<IpAddr>, Unusable> {
        // Of what went wrong nothing is told: it may name servers of this network.
        let found = (self.look_up)(name).await.unwrap_or_default();
        let usable: Vec<_> = found.into_iter().filter(|ip| self.networks.permit(self.scheme, *ip)).collect();
        match (usable.is_empty(), self.scheme) {
            (false, _) => Ok(usable),
            (true, Scheme::Https) => Err(Unusable::NotPublic),
            (true, Scheme::Http) => Err(Unusable::NotPlain),
        }
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Unusable;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let resolver = self.clone();
        Box::pin(async move {
            let usable = resolver.resolve(name.as_str().to_owned()).await?;
            // The port is filled in by what connects.
            let usable: Vec<_> = usable.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect();
            Ok(usable.into_iter())
        })
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotPublic => "the address is refused: its name leads to no public address",
            Self::NotPlain => {
                "the address is refused: its name leads nowhere that plain http:// is allowed for"
            }
        })
    }
}

impl std::error::Error for Unusable {}
