//! The collector of traces, as the exporter asks it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use stream_domain::ports::chain_of;
use tokio::runtime::Builder;
use tokio::time::timeout;

/// The most that is read of an answer, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// A collector, and whether it took what it was sent last.
#[derive(Debug)]
pub(super) struct Collector {
    connector: HttpsConnector<HttpConnector>,
    limit: Duration,
    is_failing: AtomicBool,
}

impl Collector {
    /// It has this long to answer.
    pub(super) fn new(connector: HttpsConnector<HttpConnector>, limit: Duration) -> Self {
        Self { connector, limit, is_failing: AtomicBool::new(false) }
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = Client::builder(TokioExecutor::new()).build(self.connector.clone());
        let (head, body) = client.request(request.map(Full::new)).await?.into_parts();
        let body = Limited::new(body, MAX_ANSWER).collect().await?.to_bytes();
        Ok(Response::from_parts(head, body))
    }

    /// Logs the first failure of several, and the end of them.
    fn note(&self, failure: Option<String>) {
        let was_failing = self.is_failing.swap(failure.is_some(), Ordering::Relaxed);
        match failure {
            Some(error) if !was_failing => {
                tracing::warn!(
                    error,
                    advice = "look at OTEL_EXPORTER_OTLP_ENDPOINT and OTEL_EXPORTER_OTLP_HEADERS",
                    "traces cannot be sent to their collector, and are lost until it takes them"
                );
            }
            None if was_failing => tracing::info!("the collector takes traces again"),
            Some(_) | None => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        // The exporter has a thread of its own, which belongs to no runtime, and waits there.
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let sent = runtime.block_on(async { timeout(self.limit, self.send(request)).await });
        let sent = sent.map_err(HttpError::from).and_then(|sent| sent);
        self.note(match &sent {
            Ok(answer) if answer.status().is_success() => None,
            Ok(answer) => Some(format!("it answered with status {}", answer.status())),
            Err(error) => Some(chain_of(&**error)),
        });
        sent
    }
}
