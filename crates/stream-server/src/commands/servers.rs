//! `servers`: the media servers of the settings, and those that were heard of.

use serde_json::{Value, json};
use stream_domain::broadcasts::{ControlState, KnownServer};
use stream_domain::ports::chain_of;

use crate::commands::desk::Desk;
use crate::commands::output::{Format, instant, or_dash, second, show, table};
use crate::failure::Failure;

/// Lists media servers by name.
pub(super) async fn list(desk: &Desk, format: Format) -> Result<(), Failure> {
    let known = desk.broadcasts.look_at_servers().await?;
    let views = known.iter().map(view).collect::<Vec<_>>();
    show(format, &json!({ "servers": views }), || {
        let header = ["SERVER", "FAMILY", "CONTROL", "PUBLISHERS", "OPEN", "LAST SESSION", "LAST REFUSAL"];
        table(&header, known.iter().map(row).collect())
    })
}

/// A few words for the control interface.
fn control(known: &KnownServer) -> &'static str {
    match known.control() {
        ControlState::Unlisted => "not in MEDIA_SERVERS",
        state => state.as_str(),
    }
}

fn view(known: &KnownServer) -> Value {
    let activity = known.activity.as_ref();
    json!({
        "name": known.server.as_str(),
        "family": known.family.map(|family| family.as_str()),
        "control": control(known),
        "error": known.error().map(|error| chain_of(error)),
        "publishers": known.publishers(),
        "open_sessions": activity.map_or(0, |activity| activity.open_sessions),
        "last_session_at": activity.and_then(|activity| activity.last_session_at).map(instant),
        "last_refusal_at": activity.and_then(|activity| activity.last_refusal_at).map(instant),
        "last_heartbeat_at": activity.and_then(|activity| activity.last_heartbeat_at).map(instant),
    })
}

fn row(known: &KnownServer) -> Vec<String> {
    let activity = known.activity.as_ref();
    vec![
        known.server.to_string(),
        or_dash(known.family.map(|family| family.as_str())),
        control(known).to_owned(),
        or_dash(known.publishers()),
        activity.map_or(0, |activity| activity.open_sessions).to_string(),
        second(activity.and_then(|activity| activity.last_session_at)),
        second(activity.and_then(|activity| activity.last_refusal_at)),
    ]
}
