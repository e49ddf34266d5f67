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

use crate::error::ErrorCode;
use crate::readiness::{NotReady, Readiness};
use crate::routing::get;

/// How long a load balancer is asked to wait, in seconds.
const RETRY_AFTER: (&str, &str) = ("Retry-After", "2");

#[derive(Serialize)]
struct HealthView {
    status: &'static str,
    service: &'static str,
    database: &'static str,
    #[serde(with = "time::serde::rfc3339")]
    timestamp: OffsetDateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    users_table: Option<&'static str>,
    #[serde(flatten)]
    not_ready: Option<NotReadyView>,
}

#[derive(Serialize)]
struct LivenessView {
    status: &'static str,
}

#[derive(Serialize)]
struct UnreadyView {
    status: &'static str,
    #[serde(flatten)]
    not_ready: NotReadyView,
}

#[derive(Serialize)]
struct NotReadyView {
    error: &'static str,
    code: &'static str,
    reason: &'static str,
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

/// `GET /health`: 200 while the service and its store are ready, with how streams reference the platform's users.
async fn show_health(api: Data<HealthApi>) -> HttpResponse {
    let found = api.check().await;
    let reason = found.as_ref().err().copied();
    let view = HealthView {
        status: if reason.is_none() { "healthy" } else { "unhealthy" },
        service: "stream-service",
        database: if reason.is_none_or(NotReady::is_connected) { "connected" } else { "disconnected" },
        timestamp: api.clock.now().to_utc(),
        users_table: found.ok().map(|users_table| match users_table {
            UsersTable::NotUsed => "not_used",
            UsersTable::Missing => "missing",
            UsersTable::NotReferenced => "not_referenced",
            UsersTable::ReferencedByNewStreams => "referenced_by_new_streams",
            UsersTable::Referenced => "referenced",
        }),
        not_ready: reason.map(NotReadyView::from),
    };
    match reason {
        None => HttpResponse::Ok().json(view),
        Some(_) => HttpResponse::ServiceUnavailable().insert_header(RETRY_AFTER).json(view),
    }
}

/// `GET /health/live`: 200 as long as the process answers at all.
async fn show_liveness() -> Json<LivenessView> {
    Json(LivenessView { status: "alive" })
}

/// `GET /health/ready`: 200 once the migrations are done, while the store takes reads and writes, every background task
/// runs and the service is not stopping.
async fn show_readiness(api: Data<HealthApi>) -> HttpResponse {
    match api.check().await {
        Ok(_) => HttpResponse::Ok().json(LivenessView { status: "ready" }),
        Err(reason) => {
            let not_ready = NotReadyView { code: ErrorCode::NotReady.as_str(), ..reason.into() };
            let view = UnreadyView { status: "not_ready", not_ready };
            HttpResponse::ServiceUnavailable().insert_header(RETRY_AFTER).json(view)
        }
    }
}
