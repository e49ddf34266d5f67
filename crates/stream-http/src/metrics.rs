//! `GET /metrics`: what Prometheus reads.
//!
//! Scrapes at the same time share one look at the database, so that strangers who ask often cost it little.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use stream_coalesce::{BatchRead, Batcher, Limits};
use stream_domain::ports::{Clock, Statistics, chain_of};
use stream_metrics::{Format, Metrics, ServiceState};
use tokio::time::timeout;

use crate::health::HealthApi;
use crate::readiness::NotReady;
use crate::routing::get;

/// How long the database may take; Prometheus waits for 10 seconds unless it is told otherwise.
const TIMEOUT: Duration = Duration::from_secs(4);

const LIMITS: Limits =
    Limits { max_waiting: 64, max_batch: 64, slow_after: Duration::from_secs(60), max_slow: 0 };

/// What is counted, and where it is shown.
#[derive(Clone)]
pub struct MetricsOptions {
    /// The metrics.
    pub metrics: Metrics,
    /// What the store counts.
    pub statistics: Arc<dyn Statistics>,
    /// Where `GET /metrics` is.
    pub route: MetricsRoute,
}

/// Where `GET /metrics` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsRoute {
    /// Beside the other routes.
    Api,
    /// Among those of [`HttpApi::for_operators`](crate::HttpApi::for_operators) alone.
    Operators,
    /// Nowhere; requests are not counted.
    Off,
}

impl std::fmt::Debug for MetricsOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MetricsOptions").field("route", &self.route).finish_non_exhaustive()
    }
}

/// What the handler of metrics needs.
pub(crate) struct MetricsApi {
    metrics: Metrics,
    looks: Batcher<Look>,
}

impl MetricsApi {
    pub(crate) fn new(
        metrics: Metrics,
        statistics: Arc<dyn Statistics>,
        clock: Arc<dyn Clock>,
        health: Data<HealthApi>,
    ) -> Self {
        metrics.platform().begin(clock.now());
        let look = Look { metrics: metrics.clone(), statistics, clock, health };
        Self { metrics, looks: Batcher::new(look, LIMITS) }
    }
}

impl MetricsApi {
    /// Reads the counts of the platform again, as a scrape does; without the database there are none then.
    pub(crate) async fn look(&self) -> &Metrics {
        let _ = self.looks.submit(()).await;
        &self.metrics
    }
}

/// Registers the route.
pub(crate) fn routes(config: &mut ServiceConfig, api: &Data<MetricsApi>) {
    config.app_data(api.clone()).service(get("/metrics", web::to(show_metrics)));
}

/// Shows every metric to Prometheus.
///
/// In `OpenMetrics` text where `Accept` names it, else in Prometheus's text format. The path is not there with
/// `METRICS_ADDRESS`, which moves it to an address of its own.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "Health",
    responses((
        status = 200, description = "The metrics.",
        content((String = "text/plain"), (String = "application/openmetrics-text")),
    )),
)]
pub(crate) async fn show_metrics(request: HttpRequest, api: Data<MetricsApi>) -> HttpResponse {
    // Without a look at the database, `stream_database_up` says so.
    let metrics = api.look().await;
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let format = Format::of_accept(accept.unwrap_or_default());
    HttpResponse::Ok().content_type(format.content_type()).body(metrics.render(format))
}

/// Looks at the database for all scrapes that wait.
struct Look {
    metrics: Metrics,
    statistics: Arc<dyn Statistics>,
    clock: Arc<dyn Clock>,
    health: Data<HealthApi>,
}

impl BatchRead for Look {
    type Request = ();
    type Response = ();
    type Error = ();

    async fn read(&self, scrapes: Vec<()>) -> Result<Vec<()>, ()> {
        let platform = self.metrics.platform();
        let counting = async {
            // Before that there may be no tables.
            if self.health.is_started()
                && let Err(error) = platform.refresh(&*self.statistics, self.clock.now()).await
            {
                tracing::debug!(error = chain_of(&error), "the metrics of the platform could not be read");
            }
        };
        let looked = timeout(TIMEOUT, async { tokio::join!(self.health.check(), counting) }).await;
        let state = match looked {
            Ok((Ok(_), ())) => ServiceState::Ready,
            Ok((Err(reason), ())) => ServiceState::NotReady(reason.as_str()),
            Err(_elapsed) => {
                platform.forget();
                ServiceState::NotReady(NotReady::DatabaseUnreachable.as_str())
            }
        };
        self.metrics.service().set_state(state);
        Ok(scrapes)
    }
}
