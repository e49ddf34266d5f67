//! Broadcasts: the sessions of a user's streams, and the publishers that were refused.

use std::sync::Arc;

use actix_web::web::{self, Data, Json, Path, ServiceConfig};
use serde::Serialize;
use stream_domain::broadcasts::admission::Attempt;
use stream_domain::ports::Clock;
use stream_domain::{Broadcasts, Session, StreamId, Timestamp};

use crate::auth::SignedIn;
use crate::error::{ApiError, ErrorCode, sentence_of};
use crate::readiness::AfterStart;
use crate::rfc3339::Rfc3339;
use crate::routing::get;

/// What the handlers of broadcasts need.
pub(crate) struct BroadcastsApi {
    pub(crate) broadcasts: AfterStart<Broadcasts>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Registers the routes below `/api` with a fixed name, which a key's route would match too.
pub(crate) fn fixed_routes(config: &mut ServiceConfig) {
    config.service(get("/streams/attempts", web::to(list_attempts)));
}

/// Registers the other routes below `/api`; lookups of keys are not matched against them first, which costs.
pub(crate) fn routes(config: &mut ServiceConfig, api: &Data<BroadcastsApi>) {
    config.app_data(api.clone()).service(get("/streams/{id}/sessions", web::to(list_sessions)));
}

/// The JSON of a stream's sessions.
#[derive(Serialize)]
struct SessionsView {
    sessions: Vec<SessionView>,
}

/// The JSON of a session.
#[derive(Serialize)]
struct SessionView {
    id: i64,
    server: String,
    protocol: String,
    address: Option<String>,
    epoch: i32,
    live_since: Rfc3339,
    started_at: Rfc3339,
    last_seen_at: Rfc3339,
    ended_at: Option<Rfc3339>,
    end_reason: Option<&'static str>,
}

impl SessionView {
    /// The session as it is at `now`.
    fn at(now: Timestamp, session: &Session) -> Self {
        let ended = session.ended_at(now);
        Self {
            id: session.id.0,
            server: session.publisher.server.to_string(),
            protocol: session.publisher.protocol.clone(),
            address: session.publisher.address.map(|address| address.to_string()),
            epoch: session.epoch,
            live_since: Rfc3339(session.live_since),
            started_at: Rfc3339(session.started_at),
            last_seen_at: Rfc3339(session.last_seen_at),
            ended_at: ended.map(|(at, _)| Rfc3339(at)),
            end_reason: ended.map(|(_, reason)| reason.as_str()),
        }
    }
}

/// The JSON of a user's refused publishers.
#[derive(Serialize)]
struct AttemptsView {
    attempts: Vec<AttemptView>,
}

/// The JSON of a refused publisher.
#[derive(Serialize)]
struct AttemptView {
    stream_id: i32,
    server: String,
    address: Option<String>,
    reason: &'static str,
    message: String,
    first_at: Rfc3339,
    last_at: Rfc3339,
}

impl From<&Attempt> for AttemptView {
    fn from(attempt: &Attempt) -> Self {
        Self {
            stream_id: attempt.stream_id.0,
            server: attempt.server.to_string(),
            address: attempt.address.map(|address| address.to_string()),
            reason: attempt.refusal.as_str(),
            message: sentence_of(attempt.refusal),
            first_at: Rfc3339(attempt.first_at),
            last_at: Rfc3339(attempt.last_at),
        }
    }
}

/// `GET /api/streams/{id}/sessions`: the sessions of one of the user's streams, newest first.
async fn list_sessions(
    SignedIn(user): SignedIn,
    id: Path<String>,
    api: Data<BroadcastsApi>,
) -> Result<Json<SessionsView>, ApiError> {
    let not_found = || ApiError::new(ErrorCode::StreamNotFound, "You have no such stream.");
    let stream = StreamId(id.parse().map_err(|_| not_found())?);
    let sessions = api.broadcasts.get()?.list_sessions(user, stream).await?.ok_or_else(not_found)?;
    let now = api.clock.now();
    let sessions = sessions.iter().map(|session| SessionView::at(now, session)).collect();
    Ok(Json(SessionsView { sessions }))
}

/// `GET /api/streams/attempts`: the last refused publishers with the user's keys, newest first.
async fn list_attempts(
    SignedIn(user): SignedIn,
    api: Data<BroadcastsApi>,
) -> Result<Json<AttemptsView>, ApiError> {
    let attempts = api.broadcasts.get()?.list_attempts(user).await?;
    Ok(Json(AttemptsView { attempts: attempts.iter().map(AttemptView::from).collect() }))
}
