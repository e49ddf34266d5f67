//! Sends messages to endpoints.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ipnet::IpNet;
use rustls::pki_types::CertificateDer;
use stream_domain::ports::{BoxedSource, RefusedUrl, WebhookAnswer, WebhookMessage, WebhookSender};
use tokio::time::{Instant, timeout};

use crate::answer::{retry_after, text_of};
use crate::connector::{Connector, connector, tls};
use crate::exchange::{Failure, exchange};
use crate::failure;
use crate::message::request;
use crate::networks::{Networks, Scheme};
use crate::resolver::{LookUp, Resolver, system};
use crate::target::Target;

/// How long an attempt may take: shorter than a delivery belongs to its sender.
const LIMIT: Duration = Duration::from_secs(15);

/// Sends messages as signed webhooks, over HTTPS to public addresses, and over HTTP too to those that are allowed.
#[derive(Clone)]
pub struct WebhookClient {
    networks: Arc<Networks>,
    look_up: LookUp,
    limit: Duration,
    https: Connector,
    http: Connector,
}

/// What tests have otherwise.
pub(crate) struct Options {
    pub(crate) networks: Vec<IpNet>,
    /// How long an attempt may take.
    pub(crate) limit: Duration,
    /// How names are asked for.
    pub(crate) look_up: LookUp,
    /// Authorities beside those of the operating system.
    pub(crate) extra_roots: Vec<CertificateDer<'static>>,
}

impl fmt::Debug for WebhookClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut client = f.debug_struct("WebhookClient");
        client.field("networks", &self.networks).field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl WebhookClient {
    /// A client that may send to these networks although they are not public; nothing is sent yet.
    pub fn new(networks: Vec<IpNet>) -> Result<Self, BoxedSource> {
        Self::with(Options { networks, limit: LIMIT, look_up: system(), extra_roots: Vec::new() })
    }

    pub(crate) fn with(options: Options) -> Result<Self, BoxedSource> {
        let Options { networks, limit, look_up, extra_roots } = options;
        let networks = Arc::new(Networks(networks));
        let tls = tls(extra_roots)?;
        // So that a name with an address that says nothing leaves time for its others.
        let connecting = limit / 3 * 2;
        let connector = |scheme| {
            let resolver = Resolver { look_up: look_up.clone(), networks: networks.clone(), scheme };
            connector(resolver, tls.clone(), connecting)
        };
        let (https, http) = (connector(Scheme::Https), connector(Scheme::Http));
        Ok(Self { networks, look_up, limit, https, http })
    }

    /// Whether this address may be sent to now, asking for its name and sending nothing; an error says why not.
    pub async fn look_up(&self, url: &str) -> Result<(), String> {
        let target = self.target(url)?;
        if target.literal().is_some() {
            return Ok(());
        }
        let resolver = Resolver {
            look_up: self.look_up.clone(),
            networks: self.networks.clone(),
            scheme: target.scheme,
        };
        let found = timeout(self.limit, resolver.resolve(target.name().to_owned())).await;
        let found = found.map_err(|_| failure::timed_out(self.limit))?;
        found.map(|_| ()).map_err(|unusable| unusable.to_string())
    }

    fn target(&self, url: &str) -> Result<Target, String> {
        Target::read(url, &self.networks).map_err(|why| failure::refused(&why))
    }

    async fn attempt(&self, message: &WebhookMessage, began: Instant) -> Result<WebhookAnswer, String> {
        // It was checked when it was stored; since then the operator may have thought otherwise.
        let target = self.target(&message.url)?;
        let request = request(message, &target)?;
        let connector = match target.scheme {
            Scheme::Https => self.https.clone(),
            Scheme::Http => self.http.clone(),
        };
        let answered = exchange(connector, target.uri, request, began + self.limit).await;
        let (head, body) = answered.map_err(|failure| match failure {
            Failure::TimedOut => failure::timed_out(self.limit),
            Failure::Failed(why) => why,
        })?;
        let took = time::Duration::try_from(began.elapsed()).unwrap_or_default();
        Ok(WebhookAnswer {
            status: Some(head.status.as_u16()),
            retry_after: retry_after(&head.headers, message.at.plus(took)),
            body: text_of(&body),
            ..WebhookAnswer::default()
        })
    }
}

#[async_trait]
impl WebhookSender for WebhookClient {
    fn check_url(&self, url: &str) -> Result<String, RefusedUrl> {
        Target::read(url, &self.networks).map(|target| target.url.into()).map_err(RefusedUrl)
    }

    async fn send(&self, message: &WebhookMessage) -> WebhookAnswer {
        let began = Instant::now();
        let answered = self.attempt(message, began).await;
        let answer =
            answered.unwrap_or_else(|error| WebhookAnswer { error: Some(error), ..WebhookAnswer::default() });
        WebhookAnswer { took: began.elapsed(), ..answer }
    }
}
