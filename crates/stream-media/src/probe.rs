//! A look at an address from here, as an examination needs it: whether something answers, and what its headers say.
//!
//! It follows no redirects and reads no more of the body than a playlist has.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use stream_domain::ports::{BoxedSource, chain_of};
use tokio::time::timeout;

/// The most that is read of a body, in bytes; of a longer one nothing is shown.
const MAX_BODY: usize = 256 * 1024;

/// Looks at addresses, `http://` and `https://`.
#[derive(Clone)]
pub struct Probe {
    client: Client<HttpsConnector<HttpConnector>, Empty<&'static [u8]>>,
    limit: Duration,
}

impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Probe").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// What an address answered.
#[derive(Debug, Clone)]
pub struct Probed {
    /// The status.
    pub status: u16,
    /// The body; what is no UTF-8 is replaced.
    pub body: String,
    headers: HeaderMap,
}

impl Probed {
    /// The text of a header; `None` where it is missing or no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Connects over HTTP and HTTPS; certificates are checked against the operating system's authorities.
pub fn https_connector() -> Result<HttpsConnector<HttpConnector>, BoxedSource> {
    let mut roots = RootCertStore::empty();
    // Those that cannot be read are missing, and show when a server is asked.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build())
}

impl Probe {
    /// Each look takes at most `limit`.
    pub fn new(limit: Duration) -> Result<Self, BoxedSource> {
        let client =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(https_connector()?);
        Ok(Self { client, limit })
    }

    /// Asks by GET with these headers; an error says why nothing answered, and never shows the address.
    pub async fn get(&self, url: &str, headers: &[(&str, &str)]) -> Result<Probed, String> {
        let looked = timeout(self.limit, self.look(url, headers)).await;
        looked.unwrap_or_else(|_elapsed| Err(format!("no answer within {} seconds", self.limit.as_secs())))
    }

    async fn look(&self, url: &str, headers: &[(&str, &str)]) -> Result<Probed, String> {
        let asked =
            headers.iter().fold(Request::get(url), |asked, (name, value)| asked.header(*name, *value));
        // What is wrong with it would show the address, which may hold a secret.
        let asked = asked.body(Empty::new()).map_err(|_| "the address is no URL".to_owned())?;
        let answer = self.client.request(asked).await.map_err(|error| chain_of(&error))?;
        let (head, body) = answer.into_parts();
        let body =
            Limited::new(body, MAX_BODY).collect().await.map(|body| body.to_bytes()).unwrap_or_default();
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Probed { status: head.status.as_u16(), body, headers: head.headers })
    }
}
