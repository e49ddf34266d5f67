//! The media servers, as operators see them.

use actix_web::web::{Data, Json};
use serde::Serialize;
use stream_domain::Timestamp;
use stream_domain::broadcasts::{ControlState, KnownServer};
use stream_domain::ports::{ServerActivity, chain_of};
use utoipa::ToSchema;
use utoipa::openapi::Object;

use super::api::AdminApi;
use super::gate::Operator;
use crate::batches::store_error;
use crate::error::ApiError;
use crate::rfc3339::Rfc3339;
use crate::schemas::words;
use crate::trace::use_case;

/// The media servers, by name.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminServerList)]
pub(crate) struct ServersView {
    servers: Vec<ServerView>,
}

/// A media server, as the settings, the database and its control interface know it.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminServer)]
struct ServerView {
    /// Its name in `MEDIA_SERVERS`, or in its hooks.
    name: String,
    /// Its family; `null` if `MEDIA_SERVERS` does not name it.
    #[schema(required)]
    family: Option<&'static str>,
    /// Whether it has a control interface, which lists publishers and kicks them.
    has_control: bool,
    #[schema(schema_with = control)]
    control: &'static str,
    /// Why its control interface gave no list.
    #[schema(required)]
    error: Option<String>,
    /// How many publishers it lists; `null` without a list.
    #[schema(required)]
    publishers: Option<usize>,
    /// How many of its sessions are open, as the database has them.
    open_sessions: u32,
    /// When its last session began.
    #[schema(required)]
    last_session_at: Option<Rfc3339>,
    /// When a publisher was last refused there.
    #[schema(required)]
    last_refusal_at: Option<Rfc3339>,
    /// When it last said that it is running; `null` if it sends no heartbeats.
    #[schema(required)]
    last_heartbeat_at: Option<Rfc3339>,
    /// The latest of these three.
    #[schema(required)]
    last_heard_at: Option<Rfc3339>,
}

/// The words of `control`.
fn control() -> Object {
    let description = "How its control interface stands; `none` without one, and `unlisted` if `MEDIA_SERVERS` does not name the \
                       media server.";
    words(description, ControlState::ALL.map(ControlState::as_str))
}

impl From<&KnownServer> for ServerView {
    fn from(known: &KnownServer) -> Self {
        let activity = known.activity.as_ref();
        let at = |read: fn(&ServerActivity) -> Option<Timestamp>| activity.and_then(read).map(Rfc3339);
        let control = known.control();
        Self {
            name: known.server.to_string(),
            family: known.family.map(|family| family.as_str()),
            has_control: !matches!(control, ControlState::None | ControlState::Unlisted),
            control: control.as_str(),
            error: known.error().map(|error| chain_of(error)),
            publishers: known.publishers(),
            open_sessions: activity.map_or(0, |activity| activity.open_sessions),
            last_session_at: at(|activity| activity.last_session_at),
            last_refusal_at: at(|activity| activity.last_refusal_at),
            last_heartbeat_at: at(|activity| activity.last_heartbeat_at),
            last_heard_at: at(ServerActivity::last_heard_at),
        }
    }
}

/// Lists the media servers.
///
/// Those that `MEDIA_SERVERS` names, and those that were heard of, by name; each control interface is asked now.
#[utoipa::path(
    get,
    path = "/api/admin/servers",
    tag = "Admin",
    security(("admin_token" = [])),
    responses((status = 200, description = "The media servers.", body = ServersView)),
)]
pub(crate) async fn list_servers(
    _operator: Operator,
    api: Data<AdminApi>,
) -> Result<Json<ServersView>, ApiError> {
    api.broadcasts.get()?;
    let known = use_case("broadcasts.look_at_servers", api.servers.submit(())).await.map_err(store_error)?;
    Ok(Json(ServersView { servers: known.iter().map(ServerView::from).collect() }))
}
