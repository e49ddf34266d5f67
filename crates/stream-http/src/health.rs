//! What operators and orchestrators ask.
//!
//! Neither answer shows the inside: a stable word is for everybody, the cause is in the log.

use std::sync::atomic::{AtomicU8, Ordering};

use actix_web::HttpResponse;
use actix_web::web::{Data, Json};
use serde::Serialize;
use stream_domain::ports::{UsersTable, chain_of};
use time::OffsetDateTime;

use crate::error::ErrorCode;
use crate::readiness::NotReady;
use crate::state::HttpState;

/// How long a balancer is asked to wait, in seconds.
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
pub(crate) struct LivenessView {
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
    fn from(why: NotReady) -> Self {
        let code = match why {
            NotReady::DatabaseUnreachable | NotReady::DatabaseReadOnly => ErrorCode::StoreUnavailable,
            _ => ErrorCode::NotReady,
        };
        Self { error: why.sentence(), code: code.as_str(), reason: why.as_str() }
    }
}

/// What the last look at the store found, so that the log has each change once and not each probe.
#[derive(Debug, Default)]
pub(crate) struct LastLook(AtomicU8);

impl LastLook {
    fn is_new(&self, why: Option<NotReady>) -> bool {
        let code = why.and_then(|why| NotReady::ALL.iter().position(|known| *known == why));
        let code = code.map_or(0, |place| u8::try_from(place + 1).unwrap_or(u8::MAX));
        self.0.swap(code, Ordering::Relaxed) != code
    }
}

/// Whether the service takes work: what it knows of itself, and else what the store says.
async fn look(state: &HttpState) -> Result<UsersTable, NotReady> {
    if let Some(why) = state.readiness.not_ready_reason() {
        return Err(why);
    }
    let found = state.health.check().await;
    let why = found.as_ref().err().map(NotReady::from);
    if state.last_look.is_new(why) {
        match &found {
            Ok(_) => tracing::info!("the database can be worked with again"),
            Err(error) => {
                let reason = why.map(NotReady::as_str);
                tracing::warn!(
                    reason,
                    error = chain_of(error),
                    "not ready: the database cannot be worked with"
                );
            }
        }
    }
    found.map_err(|error| NotReady::from(&error))
}

/// `GET /health`: 200 while the service takes work and the store does, with how it is tied to the platform's users.
pub(crate) async fn show_health(state: Data<HttpState>) -> HttpResponse {
    let found = look(&state).await;
    let why = found.as_ref().err().copied();
    let view = HealthView {
        status: if why.is_none() { "healthy" } else { "unhealthy" },
        service: "stream-service",
        database: if why.is_none_or(NotReady::is_connected) { "connected" } else { "disconnected" },
        timestamp: state.clock.now().to_utc(),
        users_table: found.ok().map(|users_table| match users_table {
            UsersTable::NotUsed => "not_used",
            UsersTable::Missing => "missing",
            UsersTable::NotReferenced => "not_referenced",
            UsersTable::ReferencedByNewStreams => "referenced_by_new_streams",
            UsersTable::Referenced => "referenced",
        }),
        not_ready: why.map(NotReadyView::from),
    };
    match why {
        None => HttpResponse::Ok().json(view),
        Some(_) => HttpResponse::ServiceUnavailable().insert_header(RETRY_AFTER).json(view),
    }
}

/// `GET /health/live`: 200 as long as the process answers at all.
pub(crate) async fn show_liveness() -> Json<LivenessView> {
    Json(LivenessView { status: "alive" })
}

/// `GET /health/ready`: 200 once the migrations are done, while the store takes reads and writes, every background task
/// runs and nobody is stopping the service.
pub(crate) async fn show_readiness(state: Data<HttpState>) -> HttpResponse {
    match look(&state).await {
        Ok(_) => HttpResponse::Ok().json(LivenessView { status: "ready" }),
        Err(why) => {
            let not_ready = NotReadyView { code: ErrorCode::NotReady.as_str(), ..why.into() };
            let view = UnreadyView { status: "not_ready", not_ready };
            HttpResponse::ServiceUnavailable().insert_header(RETRY_AFTER).json(view)
        }
    }
}
