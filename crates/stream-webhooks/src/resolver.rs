//! Names, resolved to addresses that may be sent to.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use hyper_util::client::legacy::connect::dns::Name;
use tower_service::Service;

use crate::networks::{Networks, Scheme};

/// Asks for the addresses of a name.
pub(crate) type LookUp =
    Arc<dyn Fn(String) -> BoxFuture<'static, std::io::Result<Vec<IpAddr>>> + Send + Sync>;

/// Why a name leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ResolveError {
    /// There is no such name, or nobody says.
    #[error("the name cannot be resolved")]
    Unknown,
    /// None of its addresses may be sent to; which, its owner knows or must not know.
    #[error("the name leads to an address that is not public")]
    Refused,
}

/// Resolves names each time that something is connected to, and leaves out what must not be reached.
#[derive(Clone)]
pub(crate) struct Resolver {
    pub(crate) look_up: LookUp,
    pub(crate) networks: Networks,
    pub(crate) scheme: Scheme,
}

impl Resolver {
    /// The addresses of a name that may be sent to; the port is not known here.
    pub(crate) async fn resolve(self, name: String) -> Result<std::vec::IntoIter<SocketAddr>, ResolveError> {
        let found = (self.look_up)(name).await.map_err(|_| ResolveError::Unknown)?;
        if found.is_empty() {
            return Err(ResolveError::Unknown);
        }
        let allowed = found.into_iter().filter(|address| self.networks.may_reach(*address, self.scheme));
        let allowed: Vec<SocketAddr> = allowed.map(|address| SocketAddr::new(address, 0)).collect();
        if allowed.is_empty() { Err(ResolveError::Refused) } else { Ok(allowed.into_iter()) }
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = ResolveError;
    type Future = BoxFuture<'static, Result<Self::Response, ResolveError>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), ResolveError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(self.clone().resolve(name.as_str().to_owned()))
    }
}

/// Asks the operating system.
pub(crate) fn system() -> LookUp {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name, 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}
