//! Each media server: its control interface, its hooks, and when it was last heard of.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use stream_domain::media_server::ServerProfile;
use stream_domain::ports::{Clock as _, Listing, MediaServerError, ServerActivity, chain_of};
use stream_domain::{Finding, ServerName, Timestamp};
use tokio::time::timeout;

use super::hooks;
use super::port::Here;
use super::surroundings::{LIMIT, Surroundings};
use crate::commands::output::instant;
use crate::system::SystemClock;

/// Examines every media server of the settings, side by side.
pub(super) async fn examine(around: &Surroundings<'_>, here: &Here, has_database: bool) -> Vec<Finding> {
    let servers: Vec<(&ServerName, &ServerProfile)> = around.broadcasts.servers().all().collect();
    if servers.is_empty() {
        return vec![Finding::warning(
            "media servers",
            "MEDIA_SERVERS names none, so no publisher can be listed or kicked",
            "name each in MEDIA_SERVERS with its secret and its control interface; docs/media-servers says how",
        )];
    }
    let mut heard: BTreeMap<ServerName, ServerActivity> = BTreeMap::new();
    if has_database && let Ok(Ok(all)) = timeout(LIMIT, around.broadcasts.list_server_activity()).await {
        heard = all.into_iter().map(|activity| (activity.server.clone(), activity)).collect();
    }
    let looks = servers.into_iter().map(async |(server, profile)| {
        let (mut findings, hooks) =
            tokio::join!(look_at_control(server, profile), hooks::examine(around, here, server, profile));
        findings.extend(hooks);
        if has_database && !profile.family.capabilities().has_gate {
            findings.push(last_heard(server, heard.get(server), SystemClock.now()));
        }
        findings
    });
    join_all(looks).await.concat()
}

async fn look_at_control(server: &ServerName, profile: &ServerProfile) -> Vec<Finding> {
    let subject = format!("media server {server}");
    let Some(control) = &profile.control else {
        return vec![match profile.family.capabilities().liveness_settings {
            Some(cure) => Finding::warning(
                subject,
                "it has no control interface, so nobody can be kicked, and live streams may be missed",
                cure,
            ),
            None => Finding::ok(subject, "this family has no control interface that could be asked"),
        }];
    };
    let asked = timeout(LIMIT, control.publishers()).await;
    vec![match asked {
        Ok(Ok(Listing { publishers, .. })) => Finding::ok(
            subject,
            format!("its control interface answers, and lists {} publishers", publishers.len()),
        ),
        Ok(Err(error)) => Finding::failure(subject, chain_of(&error), cure(&error)),
        Err(_elapsed) => {
            let what = format!("its control interface does not answer within {} seconds", LIMIT.as_secs());
            Finding::failure(subject, what, "start it, or look for a firewall that drops packets")
        }
    }]
}

fn cure(error: &MediaServerError) -> &'static str {
    match error {
        MediaServerError::Unreachable(_) => {
            "start it, or correct host and port of control= in MEDIA_SERVERS; the interface must be on an address that is \
             reached from here"
        }
        MediaServerError::Forbidden => {
            "correct user and password, or token, of control= in MEDIA_SERVERS; with MediaMTX exclude the action api in \
             authHTTPExclude"
        }
        MediaServerError::Unexpected(_) => {
            "correct the family or the port of control= in MEDIA_SERVERS, and enable the interface there; docs/media-servers \
             has the settings"
        }
    }
}

fn last_heard(server: &ServerName, activity: Option<&ServerActivity>, now: Timestamp) -> Finding {
    let subject = format!("hooks of {server}");
    match activity.and_then(ServerActivity::last_heard_at) {
        Some(at) => {
            let ago = now.since(at).whole_seconds().max(0);
            Finding::ok(subject, format!("it was last heard of at {}, {ago} seconds ago", instant(at)))
        }
        None => Finding::warning(
            subject,
            "nothing was heard of it yet",
            "publish once with a key; if the publisher is refused and nothing comes, compare the URLs of its hooks with \
             docs/media-servers",
        ),
    }
}
