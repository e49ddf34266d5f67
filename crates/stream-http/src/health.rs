//! Health and readiness, for operators and orchestrators.
//!
//! Responses hold a stable code for everybody; the cause, with hosts and roles, is in the log alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use actix_web::HttpResponse;
use actix_web::web::{self, Data, Json, ServiceConfig};
use serde::Serialize;
use stream_domain::ports::{Clock, StoreHealth, UsersTable, chain_of};
use time::OffsetDateTime;
use utoipa::ToSchema;
use utoipa::openapi::Object;

use crate::error::ErrorCode;
use crate::readiness::{NotReady, Readiness};
use crate::rfc3339::Rfc3339;
use crate::routing::get;
use crate::schemas::words;

/// How long a load balancer is asked to wait, in seconds.
const RETRY_AFTER: (&str, &str) = ("Retry-After", "2");

/// Whether the service accepts requests and its database accepts reads and writes.
#[derive(Serialize, ToSchema)]
#[schema(as = Health)]
pub(crate) struct HealthView {
    #[schema(schema_with = health)]
    status: &'static str,
    /// Always `stream-service`.
    service: &'static str,
    #[schema(schema_with = database)]
    database: &'static str,
    /// When the response was made.
    #[schema(value_type = Rfc3339)]
    #[serde(with = "time::serde::rfc3339")]
    timestamp: OffsetDateTime,
    #[schema(schema_with = users_table, required = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    users_table: Option<&'static str>,
    #[schema(ignore)]
    #[serde(flatten)]
    not_ready: Option<NotReadyView>,
}

/// Whether the process answers, or is ready.
#[derive(Serialize, ToSchema)]
#[schema(as = Alive)]
pub(crate) struct LivenessView {
    #[schema(schema_with = liveness)]
    status: &'static str,
}

/// Why the service is not ready.
#[derive(Serialize, ToSchema)]
#[schema(as = NotReady)]
pub(crate) struct UnreadyView {
    #[schema(schema_with = not_ready)]
    status: &'static str,
    #[serde(flatten)]
    not_ready: NotReadyView,
}

/// Why the service is not ready; the cause, with hosts and roles, is in the log alone.
#[derive(Serialize, ToSchema)]
#[schema(as = NotReadyReason)]
pub(crate) struct NotReadyView {
    /// A sentence for a person.
    error: &'static str,
    #[schema(schema_with = not_ready_code)]
    code: &'static str,
    #[schema(schema_with = reason)]
    reason: &'static str,
}

/// The words of the status of `/health`.
fn health() -> Object {
    words("`healthy` with 200, `unhealthy` with 503.", ["healthy", "unhealthy"])
}

/// The words of `database`.
fn database() -> Object {
    let description = "`disconnected` while the database does not respond or has not been checked yet.";
    words(description, ["connected", "disconnected"])
}

/// The words of the status of `/health/live` and `/health/ready`.
fn liveness() -> Object {
    words("`alive`, or `ready` where readiness was asked for.", ["alive", "ready"])
}

/// The word of the status of a service that is not ready.
fn not_ready() -> Object {
    words("Always `not_ready`.", ["not_ready"])
}

/// The codes of a service that is not ready.
fn not_ready_code() -> Object {
    words("A stable code.", [ErrorCode::StoreUnavailable, ErrorCode::NotReady].map(ErrorCode::as_str))
}

/// The words of `reason`.
fn reason() -> Object {
    words("Why, as a word.", NotReady::ALL.iter().map(|reason| reason.as_str()))
}

/// The words of `users_table`.
fn users_table() -> Object {
    use UsersTable::{Missing, NotReferenced, NotUsed, Referenced, ReferencedByNewStreams};
    let description = "How streams reference the platform's users; only with 200.";
    words(description, [NotUsed, Missing, NotReferenced, ReferencedByNewStreams, Referenced].map(word_of))
}

/// The word for how streams reference the platform's users.
fn word_of(users_table: UsersTable) -> &'static str {
    match users_table {
        UsersTable::NotUsed => "not_used",
        UsersTable::Missing => "missing",
        UsersTable::NotReferenced => "not_referenced",
        UsersTable::ReferencedByNewStreams => "referenced_by_new_streams",
        UsersTable::Referenced => "referenced",
    }
}

impl From<NotReady> for NotReadyView {
    fn from(reason: NotReady) -> Self {
        let code = match reason {
            NotReady::DatabaseUnreachable | NotReady::DatabaseReadOnly => ErrorCode::StoreUnavailable,
            _ => ErrorCode::NotReady,
        };
        Self { error: reason.sentence(), code: code.as_str(), reason: reason.as_str() }
    }
}

/// What is checked.
pub(crate) struct HealthApi {
    store: Arc<dyn StoreHealth>,
    clock: Arc<dyn Clock>,
    readiness: Readiness,
    last_check: LastCheck,
}

impl HealthApi {
    pub(crate) fn new(store: Arc<dyn StoreHealth>, clock: Arc<dyn Clock>, readiness: Readiness) -> Self {
        Self { store, clock, readiness, last_check: LastCheck::default() }
    }

    /// Whether the database was prepared.
    pub(crate) fn is_started(&self) -> bool {
        self.readiness.is_started()
    }

    /// Whether the service is ready, as it knows itself, and else as the store says.
    pub(crate) async fn check(&self) -> Result<UsersTable, NotReady> {
        if let Some(reason) = self.readiness.not_ready_reason() {
            return Err(reason);
        }
        let found = self.store.check().await;
        let reason = found.as_ref().err().map(NotReady::from);
        if self.last_check.is_new(reason) {
            match &found {
                Ok(_) => tracing::info!("the database is usable again"),
                Err(error) => {
                    let reason = reason.map(NotReady::as_str);
                    tracing::warn!(reason, error = chain_of(error), "not ready: the database is not usable");
                }
            }
        }
        found.map_err(|error| NotReady::from(&error))
    }
}

/// The result of the last check, so that the log has a line for each change and not for each probe.
#[derive(Debug, Default)]
struct LastCheck(AtomicU8);

impl LastCheck {
    fn is_new(&self, reason: Option<NotReady>) -> bool {
        let code = reason.and_then(|reason| NotReady::ALL.iter().position(|known| *known == reason));
        let code = code.map_or(0, |place| u8::try_from(place + 1).unwrap_or(u8::MAX));
        self.0.swap(code, Ordering::Relaxed) != code
    }
}

/// Registers the routes below `/health`.
pub(crate) fn routes(config: &mut ServiceConfig, api: &Data<HealthApi>) {
    config
        .app_data(api.clone())
        .service(get("/health", web::to(show_health)))
        .service(get("/health/live", web::to(show_liveness)))
        .service(get("/health/ready", web::to(show_readiness)));
}

/// Shows whether the service is healthy.
///
/// For monitors and load balancers: 200 while the service accepts requests and its database accepts reads and writes.
#[utoipa::path(
    get,
    path = "/health",
    tag = "Health",
    responses(
        (status = 200, description = "The service is healthy.", body = HealthView),
        (
            status = 503, description = "The service is not ready, or its database is unusable.",
            body = ref("#/components/schemas/Unhealthy"),
        ),
    ),
)]
pub(crate) async fn show_health(api: Data<HealthApi>) -> HttpResponse {
    let found = api.check().await;
    let reason = found.as_ref().err().copied();
    let view = HealthView {
        status: if reason.is_none() { "healthy" } else { "unhealthy" },
        service: "stream-service",
        database: if reason.is_none_or(NotReady::is_connected) { "connected" } else { "disconnected" },
        timestamp: api.clock.now().to_utc(),
        users_table: found.ok().map(word_of),
        not_ready: reason.map(NotReadyView::from),
    };
    match reason {
        None => HttpResponse::Ok().json(view),
        Some(_) => HttpResponse::ServiceUnavailable().insert_header(RETRY_AFTER).json(view),
    }
}

/// Shows that the process answers.
///
/// For orchestrators: 200 as long as the process answers at all.
#[utoipa::path(
    get,
    path = "/health/live",
    tag = "Health",
    responses((status = 200, description = "The process answers.", body = LivenessView)),
)]
pub(crate) async fn show_liveness() -> Json<LivenessView> {
    Json(LivenessView { status: "alive" })
}

/// Shows whether the service is ready.
///
/// For orchestrators: 200 once the migrations are done, while the store takes reads and writes, every background task
/// runs and the service is not stopping.
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "Health",
    responses(
        (status = 200, description = "The service is ready.", body = LivenessView),
        (status = 503, description = "The service is not ready.", body = UnreadyView),
    ),
)]
pub(crate) async fn show_readiness(api: Data<HealthApi>) -> HttpResponse {
    match api.check().await {
        Ok(_) => HttpResponse::Ok().json(LivenessView { status: "ready" }),
        Err(reason) => {
            let not_ready = NotReadyView { code: ErrorCode::NotReady.as_str(), ..reason.into() };
            let view = UnreadyView { status: "not_ready", not_ready };
            HttpResponse::ServiceUnavailable().insert_header(RETRY_AFTER).json(view)
        }
    }
}
