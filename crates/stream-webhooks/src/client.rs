//! The client: one attempt, from the look-up of the name to the beginning of the answer.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{Method, Request};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use ipnet::IpNet;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use stream_domain::ports::{BoxedSource, RefusedUrl, WebhookAnswer, WebhookMessage, WebhookSender};
use tokio::time::{Instant, timeout_at};

use crate::answer::{beginning_of, retry_after, text_of};
use crate::failure::words_of;
use crate::message::{body_of, signatures};
use crate::networks::{Networks, Scheme};
use crate::resolver::{LookUp, Resolver, system};
use crate::target::Target;

/// How long an attempt may take.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How long a connection is kept for the next message.
const KEEP_ALIVE: Duration = Duration::from_secs(30);

/// How many connections to an endpoint are kept.
const KEPT_CONNECTIONS: usize = 4;

const AGENT: &str = concat!("stream-server/", env!("CARGO_PKG_VERSION"));

type Body = Full<Cursor<Vec<u8>>>;

/// Sends messages to endpoints.
#[derive(Clone)]
pub struct WebhookClient {
    encrypted: Client<HttpsConnector<HttpConnector<Resolver>>, Body>,
    plain: Client<HttpConnector<Resolver>, Body>,
    networks: Networks,
    look_up: LookUp,
    timeout: Duration,
}

/// What tests replace.
pub(crate) struct Surroundings {
    pub(crate) look_up: LookUp,
    pub(crate) roots: Vec<CertificateDer<'static>>,
    pub(crate) timeout: Duration,
}

impl std::fmt::Debug for WebhookClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookClient").field("networks", &self.networks).finish_non_exhaustive()
    }
}

impl WebhookClient {
    /// Sends to public addresses, and to these networks, to which it also sends without encryption.
    ///
    /// Certificates are checked against the operating system's authorities.
    pub fn new(networks: Vec<IpNet>) -> Result<Self, BoxedSource> {
        // Those that cannot be read are missing, and show when an endpoint is sent to.
        let roots = rustls_native_certs::load_native_certs().certs;
        Self::within(Networks(networks), Surroundings { look_up: system(), roots, timeout: TIMEOUT })
    }

    pub(crate) fn within(networks: Networks, surroundings: Surroundings) -> Result<Self, BoxedSource> {
        let Surroundings { look_up, roots: certificates, timeout } = surroundings;
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates);
        let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = |scheme| {
            let resolver = Resolver { look_up: look_up.clone(), networks: networks.clone(), scheme };
            let mut connector = HttpConnector::new_with_resolver(resolver);
            connector.enforce_http(scheme == Scheme::Http);
            connector.set_nodelay(true);
            connector
        };
        let https = HttpsConnectorBuilder::new().with_tls_config(tls).https_only().enable_http1();
        let mut client = Client::builder(TokioExecutor::new());
        client.pool_timer(TokioTimer::new()).pool_idle_timeout(KEEP_ALIVE);
        client.pool_max_idle_per_host(KEPT_CONNECTIONS);
        Ok(Self {
            encrypted: client.build(https.wrap_connector(connector(Scheme::Https))),
            plain: client.build(connector(Scheme::Http)),
            networks,
            look_up,
            timeout,
        })
    }

    /// Whether an address may be sent to at the moment, and if not, why.
    pub async fn look_up(&self, url: &str) -> Result<(), String> {
        let target = Target::parse(url, &self.networks).map_err(|refused| format!("it {}", refused.0))?;
        let Some(name) = target.url.domain() else {
            return Ok(());
        };
        let (look_up, networks) = (self.look_up.clone(), self.networks.clone());
        let resolver = Resolver { look_up, networks, scheme: target.scheme };
        resolver.resolve(name.to_owned()).await.map(drop).map_err(|error| error.to_string())
    }

    async fn attempt(&self, message: &WebhookMessage, answer: &mut WebhookAnswer) -> Result<(), String> {
        let deadline = Instant::now() + self.timeout;
        // Once more, since other networks may be allowed now.
        let target = Target::parse(&message.url, &self.networks);
        let target = target.map_err(|refused| format!("the address {}", refused.0))?;
        let body = body_of(&message.event).ok_or("the event's facts are no JSON")?;
        let timestamp = message.at.unix_micros().div_euclid(1_000_000);
        let request = Request::builder()
            .method(Method::POST)
            .uri(target.url.as_str())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, AGENT)
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signatures(&message.secrets, &message.id, timestamp, &body))
            .body(Full::new(Cursor::new(body.into_bytes())))
            .map_err(|_| "the address cannot be requested")?;
        let asked = match target.scheme {
            Scheme::Https => self.encrypted.request(request),
            Scheme::Http => self.plain.request(request),
        };
        let too_slow = || format!("no answer within {} seconds", self.timeout.as_secs());
        let response = timeout_at(deadline, asked).await.map_err(|_elapsed| too_slow())?;
        let (head, body) = response.map_err(|error| words_of(&error))?.into_parts();
        answer.status = Some(head.status.as_u16());
        answer.retry_after = retry_after(&head.headers, message.at);
        let mut kept = Vec::new();
        // The status counts, whatever becomes of the body.
        let _elapsed = timeout_at(deadline, beginning_of(body, &mut kept)).await;
        answer.body = text_of(&kept);
        Ok(())
    }
}

#[async_trait]
impl WebhookSender for WebhookClient {
    fn check_url(&self, url: &str) -> Result<String, RefusedUrl> {
        Target::parse(url, &self.networks).map(|target| target.url.into())
    }

    async fn send(&self, message: &WebhookMessage) -> WebhookAnswer {
        let began = Instant::now();
        let mut answer = WebhookAnswer::default();
        answer.error = self.attempt(message, &mut answer).await.err();
        answer.took = began.elapsed();
        answer
    }
}
