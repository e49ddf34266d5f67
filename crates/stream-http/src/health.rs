//! What operators and orchestrators ask.

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use serde::Serialize;
use stream_domain::ports::UsersTable;
use time::OffsetDateTime;

use crate::error::ErrorCode;
use crate::state::HttpState;

#[derive(Serialize)]
struct HealthView {
    status: &'static str,
    service: &'static str,
    database: &'static str,
    #[serde(with = "time::serde::rfc3339")]
    timestamp: OffsetDateTime,
    #[serde(skip_serializing_if = "Option::is_none")]
    users_table: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

#[derive(Serialize)]
pub(crate) struct LivenessView {
    status: &'static str,
}

#[derive(Serialize)]
struct UnreadyView {
    status: &'static str,
    error: String,
    code: &'static str,
}

/// `GET /health`: 200 while the store answers, with how it is tied to the platform's users.
pub(crate) async fn show_health(state: Data<HttpState>) -> HttpResponse {
    let mut view = HealthView {
        status: "healthy",
        service: "stream-service",
        database: "connected",
        timestamp: state.clock.now().to_utc(),
        users_table: None,
        error: None,
        code: None,
    };
    match state.health.check().await {
        Ok(users_table) => {
            view.users_table = Some(match users_table {
                UsersTable::NotUsed => "not_used",
                UsersTable::Missing => "missing",
                UsersTable::NotReferenced => "not_referenced",
                UsersTable::ReferencedByNewStreams => "referenced_by_new_streams",
                UsersTable::Referenced => "referenced",
            });
            HttpResponse::Ok().json(view)
        }
        Err(error) => {
            tracing::warn!(error = &error as &dyn std::error::Error, "the store does not answer");
            (view.status, view.database) = ("unhealthy", "disconnected");
            view.error = Some(ErrorCode::StoreUnavailable.sentence());
            view.code = Some(ErrorCode::StoreUnavailable.as_str());
            HttpResponse::ServiceUnavailable().insert_header(("Retry-After", "2")).json(view)
        }
    }
}

/// `GET /health/live`: 200 as long as the process answers at all.
pub(crate) async fn show_liveness() -> Json<LivenessView> {
    Json(LivenessView { status: "alive" })
}

/// `GET /health/ready`: 200 once the migrations are done, while the store answers and nobody is stopping the service.
pub(crate) async fn show_readiness(state: Data<HttpState>) -> HttpResponse {
    let objection = match state.readiness.objection() {
        Some(objection) => Some(objection),
        None => state.health.check().await.err().map(|error| format!("{error}: {}", error.innermost_cause())),
    };
    match objection {
        None => HttpResponse::Ok().json(LivenessView { status: "ready" }),
        Some(error) => {
            let view = UnreadyView { status: "not_ready", error, code: ErrorCode::NotReady.as_str() };
            HttpResponse::ServiceUnavailable().insert_header(("Retry-After", "2")).json(view)
        }
    }
}
