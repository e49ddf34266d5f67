//! Figures for small charts: a page computes rates from two readings.

use actix_web::web::{Data, Json};
use serde::Serialize;
use stream_domain::Timestamp;
use stream_domain::ports::Counts;
use stream_metrics::{HookFigures, KeyFigures, LATENCY_BOUNDS, LatencyFigures, Metrics, RequestFigures};
use utoipa::ToSchema;

use super::api::AdminApi;
use super::gate::Operator;
use crate::error::ApiError;
use crate::rfc3339::Rfc3339;

/// What this instance counted since it began, and what the platform has now.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminFigures)]
pub(crate) struct FiguresView {
    /// When this instance began to count; another one than in the last reading means that all counts began anew.
    since: Rfc3339,
    /// When these figures were read.
    now: Rfc3339,
    /// The whole platform, as every instance tells it; `null` while the database cannot be asked.
    #[schema(required)]
    platform: Option<PlatformView>,
    hooks: HooksView,
    requests: RequestsView,
    keys: KeysView,
}

/// Streams and sessions of the whole platform.
#[derive(Serialize, ToSchema)]
#[schema(as = PlatformFigures)]
struct PlatformView {
    /// Streams whose key may publish.
    active_streams: u64,
    /// Those of them that are live.
    live_streams: u64,
    /// Open sessions of publishers.
    open_sessions: u64,
}

/// What media servers asked and reported.
#[derive(Serialize, ToSchema)]
#[schema(as = HookFigures)]
struct HooksView {
    /// Hooks that were answered with yes: a publisher may publish, or goes on.
    accepted: u64,
    /// Hooks that refused a publisher.
    refused: u64,
    /// Hooks that were rejected themselves, such as for a wrong secret.
    rejected: u64,
    /// Hooks by which nothing was asked.
    noted: u64,
    /// Why publishers were refused, the most frequent reason first.
    refusals: Vec<ReasonView>,
    /// Why hooks were rejected, the most frequent reason first.
    rejections: Vec<ReasonView>,
    latency: LatencyView,
}

/// Requests, hooks included.
#[derive(Serialize, ToSchema)]
#[schema(as = RequestFigures)]
struct RequestsView {
    /// Requests that were answered.
    total: u64,
    /// Requests that are being answered, this one included.
    in_flight: u64,
    /// How many were answered with each status.
    statuses: Vec<StatusView>,
    latency: LatencyView,
}

/// Keys.
#[derive(Serialize, ToSchema)]
#[schema(as = KeyFigures)]
struct KeysView {
    /// Keys that users were given.
    generated: u64,
    /// Streams that their users stopped.
    stopped: u64,
    /// Streams that sweeps marked as expired.
    expired: u64,
    /// Why requests for a key were refused, by error code, the most frequent first.
    refusals: Vec<ReasonView>,
}

/// How often something happened for a reason.
#[derive(Serialize, ToSchema)]
#[schema(as = ReasonFigure)]
struct ReasonView {
    /// The reason, as a word.
    reason: &'static str,
    /// How often.
    count: u64,
}

/// How often a status was answered.
#[derive(Serialize, ToSchema)]
#[schema(as = StatusFigure)]
struct StatusView {
    /// The HTTP status.
    status: u16,
    /// How often.
    count: u64,
}

/// How many took how long.
#[derive(Serialize, ToSchema)]
#[schema(as = LatencyFigures)]
struct LatencyView {
    /// Times in seconds, ascending.
    bounds: &'static [f64],
    /// How many took at most the bound of the same place and longer than the one before; the last, which has no bound, is
    /// how many took longer than all of them.
    counts: Vec<u64>,
    /// How long all of them took together, in seconds.
    sum: f64,
}

impl FiguresView {
    fn of(metrics: &Metrics, since: Timestamp, now: Timestamp) -> Self {
        Self {
            since: Rfc3339(since),
            now: Rfc3339(now),
            platform: metrics.platform().counts().map(PlatformView::from),
            hooks: metrics.hooks().figures().into(),
            requests: metrics.requests().figures().into(),
            keys: metrics.keys().figures().into(),
        }
    }
}

impl From<Counts> for PlatformView {
    fn from(counts: Counts) -> Self {
        Self {
            active_streams: counts.active,
            live_streams: counts.live,
            open_sessions: counts.open_sessions.iter().map(|(_, count)| count).sum(),
        }
    }
}

impl From<HookFigures> for HooksView {
    fn from(figures: HookFigures) -> Self {
        Self {
            accepted: figures.accepted,
            refused: total(&figures.refusals),
            rejected: total(&figures.rejections),
            noted: figures.noted,
            refusals: reasons(figures.refusals),
            rejections: reasons(figures.rejections),
            latency: figures.latency.into(),
        }
    }
}

impl From<RequestFigures> for RequestsView {
    fn from(figures: RequestFigures) -> Self {
        Self {
            total: figures.statuses.iter().map(|(_, count)| count).sum(),
            in_flight: figures.in_flight,
            statuses: figures
                .statuses
                .into_iter()
                .map(|(status, count)| StatusView { status, count })
                .collect(),
            latency: figures.latency.into(),
        }
    }
}

impl From<KeyFigures> for KeysView {
    fn from(figures: KeyFigures) -> Self {
        let KeyFigures { generated, stopped, expired, refusals } = figures;
        Self { generated, stopped, expired, refusals: reasons(refusals) }
    }
}

impl From<LatencyFigures> for LatencyView {
    fn from(LatencyFigures { counts, sum }: LatencyFigures) -> Self {
        Self { bounds: &LATENCY_BOUNDS, counts, sum: sum.as_secs_f64() }
    }
}

fn total(counts: &[(&'static str, u64)]) -> u64 {
    counts.iter().map(|(_, count)| count).sum()
}

fn reasons(counts: Vec<(&'static str, u64)>) -> Vec<ReasonView> {
    counts.into_iter().map(|(reason, count)| ReasonView { reason, count }).collect()
}

/// Shows figures for small charts.
///
/// Counts are of this instance, since it began: two readings tell what happened between them.
/// `platform` is of all instances, read from the database at most once for all requests at the same time.
/// They are there whatever `METRICS_ADDRESS` says.
#[utoipa::path(
    get,
    path = "/api/admin/figures",
    tag = "Admin",
    security(("admin_token" = [])),
    responses((status = 200, description = "The figures.", body = FiguresView)),
)]
pub(crate) async fn show_figures(
    _operator: Operator,
    api: Data<AdminApi>,
) -> Result<Json<FiguresView>, ApiError> {
    let metrics = api.metrics.look().await;
    Ok(Json(FiguresView::of(metrics, api.since, api.clock.now())))
}
