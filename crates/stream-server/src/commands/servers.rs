//! `servers`: the media servers of the settings, and those that were heard of.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use serde_json::{Value, json};
use stream_domain::ServerName;
use stream_domain::media_server::ServerProfile;
use stream_domain::ports::{Listing, MediaServerError, ServerActivity, chain_of};

use crate::commands::desk::Desk;
use crate::commands::output::{Format, instant, or_dash, second, show, table};
use crate::failure::Failure;

/// What is known of a media server.
#[derive(Default)]
struct Known<'a> {
    profile: Option<&'a ServerProfile>,
    activity: Option<ServerActivity>,
    /// What its control interface answers; `None` without one.
    answer: Option<Result<Listing, MediaServerError>>,
}

/// Lists media servers by name.
pub(super) async fn list(desk: &Desk, format: Format) -> Result<(), Failure> {
    let mut known: BTreeMap<ServerName, Known<'_>> = BTreeMap::new();
    for activity in desk.broadcasts.list_server_activity().await? {
        let server = activity.server.clone();
        known.entry(server).or_default().activity = Some(activity);
    }
    let asked = desk.broadcasts.servers().all().map(async |(server, profile)| {
        let answer = match &profile.control {
            Some(control) => Some(control.publishers().await),
            None => None,
        };
        (server, profile, answer)
    });
    for (server, profile, answer) in join_all(asked).await {
        let known = known.entry(server.clone()).or_default();
        (known.profile, known.answer) = (Some(profile), answer);
    }
    let views = known.iter().map(|(server, known)| view(server, known)).collect::<Vec<_>>();
    show(format, &json!({ "servers": views }), || {
        let header = ["SERVER", "FAMILY", "CONTROL", "PUBLISHERS", "OPEN", "LAST SESSION", "LAST REFUSAL"];
        table(&header, known.iter().map(|(server, known)| row(server, known)).collect())
    })
}

/// One word for the control interface.
fn control(known: &Known<'_>) -> &'static str {
    match (&known.answer, known.profile) {
        (Some(Ok(_)), _) => "reachable",
        (Some(Err(MediaServerError::Unreachable(_))), _) => "unreachable",
        (Some(Err(MediaServerError::Forbidden)), _) => "forbidden",
        (Some(Err(MediaServerError::Unexpected(_))), _) => "unexpected",
        (None, Some(_)) => "none",
        (None, None) => "not in MEDIA_SERVERS",
    }
}

fn publishers(known: &Known<'_>) -> Option<usize> {
    known.answer.as_ref()?.as_ref().ok().map(|listing| listing.publishers.len())
}

fn view(server: &ServerName, known: &Known<'_>) -> Value {
    let activity = known.activity.as_ref();
    let error = known.answer.as_ref().and_then(|answer| answer.as_ref().err()).map(|error| chain_of(error));
    json!({
        "name": server.as_str(),
        "family": known.profile.map(|profile| profile.family.as_str()),
        "control": control(known),
        "error": error,
        "publishers": publishers(known),
        "open_sessions": activity.map_or(0, |activity| activity.open_sessions),
        "last_session_at": activity.and_then(|activity| activity.last_session_at).map(instant),
        "last_refusal_at": activity.and_then(|activity| activity.last_refusal_at).map(instant),
        "last_heartbeat_at": activity.and_then(|activity| activity.last_heartbeat_at).map(instant),
    })
}

fn row(server: &ServerName, known: &Known<'_>) -> Vec<String> {
    let activity = known.activity.as_ref();
    vec![
        server.to_string(),
        or_dash(known.profile.map(|profile| profile.family.as_str())),
        control(known).to_owned(),
        or_dash(publishers(known)),
        activity.map_or(0, |activity| activity.open_sessions).to_string(),
        second(activity.and_then(|activity| activity.last_session_at)),
        second(activity.and_then(|activity| activity.last_refusal_at)),
    ]
}
