//! Broadcasts: the sessions of a user's streams, and the publishers that were refused.

use std::sync::Arc;

use actix_web::web::{self, Data, Json, Path, ServiceConfig};
use serde::Serialize;
use stream_domain::broadcasts::admission::{Attempt, Refusal};
use stream_domain::broadcasts::session::EndReason;
use stream_domain::ports::Clock;
use stream_domain::{Broadcasts, Session, Timestamp};
use utoipa::ToSchema;
use utoipa::openapi::Object;

use crate::auth::SignedIn;
use crate::error::{ApiError, ErrorCode, sentence_of};
use crate::readiness::AfterStart;
use crate::rfc3339::Rfc3339;
use crate::routing::{get, stream_number};
use crate::schemas::{words, words_or_null};
use crate::trace::use_case;

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

/// The last sessions of a stream, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = SessionList)]
pub(crate) struct SessionsView {
    #[schema(max_items = 100)]
    sessions: Vec<SessionView>,
}

/// One publisher's connection to one media server.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
struct SessionView {
    /// The session's number.
    id: i64,
    /// The media server's name in `MEDIA_SERVERS`.
    server: String,
    /// What the media server calls the publisher's protocol, such as `rtmp`.
    protocol: String,
    /// The publisher's IP address; `null` where the media server does not report it.
    #[schema(required)]
    address: Option<String>,
    /// Counts the stream's broadcasts; sessions of one broadcast share it and `live_since`.
    epoch: i32,
    /// When the broadcast began.
    live_since: Rfc3339,
    /// When the publisher was admitted.
    started_at: Rfc3339,
    /// When the publisher was last reported.
    last_seen_at: Rfc3339,
    /// When the session ended; `null` while it is open.
    #[schema(required)]
    ended_at: Option<Rfc3339>,
    #[schema(schema_with = end_reason, required)]
    end_reason: Option<&'static str>,
}

/// The words of `end_reason`.
fn end_reason() -> Object {
    words_or_null("How the session ended; `null` while it is open.", EndReason::ALL.map(EndReason::as_str))
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

/// The last refused publishers with the user's keys, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = AttemptList)]
pub(crate) struct AttemptsView {
    #[schema(max_items = 100)]
    attempts: Vec<AttemptView>,
}

/// A publisher that was refused; attempts with the same reason, address and server are one.
#[derive(Serialize, ToSchema)]
#[schema(as = Attempt)]
struct AttemptView {
    /// The number of the stream whose key or playback id the publisher had.
    stream_id: i32,
    /// The media server's name in `MEDIA_SERVERS`.
    server: String,
    /// The publisher's IP address; `null` where it is unknown, or nothing but a playback id was shown.
    #[schema(required)]
    address: Option<String>,
    #[schema(schema_with = refusal)]
    reason: &'static str,
    /// What to correct, as a sentence for a person.
    message: String,
    /// When it was first refused, to the second.
    first_at: Rfc3339,
    /// When it was last refused, to the second.
    last_at: Rfc3339,
}

/// The words of `reason`.
fn refusal() -> Object {
    words("Why it was refused.", Refusal::ALL.map(Refusal::as_str))
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

/// Lists the sessions of a stream.
///
/// The last 100 sessions of one of the user's streams, newest first; they are kept for 30 days.
#[utoipa::path(
    get,
    path = "/api/streams/{id}/sessions",
    tag = "Broadcasts",
    security(("token" = [])),
    params(("id" = i32, Path, description = "The stream's number.")),
    responses((status = 200, description = "The sessions.", body = SessionsView)),
    extensions(("x-error-codes" = json!([ErrorCode::StreamNotFound]))),
)]
pub(crate) async fn list_sessions(
    SignedIn(user): SignedIn,
    id: Path<String>,
    api: Data<BroadcastsApi>,
) -> Result<Json<SessionsView>, ApiError> {
    let listed = api.broadcasts.get()?.list_sessions(user, stream_number(&id)?);
    let sessions = use_case("broadcasts.list_sessions", listed).await?;
    let sessions = sessions.ok_or_else(ApiError::no_such_stream)?;
    let now = api.clock.now();
    let sessions = sessions.iter().map(|session| SessionView::at(now, session)).collect();
    Ok(Json(SessionsView { sessions }))
}

/// Lists refused publishers.
///
/// The last 100 publishers that were refused and had one of the user's keys or playback ids anywhere in their address,
/// newest first; they are kept for 30 days.
#[utoipa::path(
    get,
    path = "/api/streams/attempts",
    tag = "Broadcasts",
    security(("token" = [])),
    responses((status = 200, description = "The attempts.", body = AttemptsView)),
)]
pub(crate) async fn list_attempts(
    SignedIn(user): SignedIn,
    api: Data<BroadcastsApi>,
) -> Result<Json<AttemptsView>, ApiError> {
    let attempts = use_case("broadcasts.list_attempts", api.broadcasts.get()?.list_attempts(user)).await?;
    Ok(Json(AttemptsView { attempts: attempts.iter().map(AttemptView::from).collect() }))
}
