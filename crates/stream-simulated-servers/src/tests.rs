//! Each rule of each family, against a hook with scripted responses.

mod bytes;
mod control;
mod events;
mod responses;
mod stub;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::family::Family;
use crate::rules::Rules;
use crate::server::MediaServer;
use stub::Hook;

const ALL: [Family; 5] =
    [Family::Srs, Family::MediaMtx, Family::OvenMediaEngine, Family::ZlMediaKit, Family::AntMedia];

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

const fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// The family's rules with pauses that are short enough for tests.
fn with_short_pauses(family: Family) -> Rules {
    let rules = family.rules();
    Rules {
        request_timeout: milliseconds(1000),
        event_timeout: milliseconds(1000),
        retry: rules.retry.map(|_| milliseconds(100)),
        begin_after: rules.begin_after.map(|_| milliseconds(10)),
        end_after: rules.end_after.min(milliseconds(100)),
        playlist_kept_for: Duration::ZERO,
        frozen_after: milliseconds(200),
        server_heartbeat: None,
        publisher_heartbeat: None,
        ..rules
    }
}

async fn server(rules: Rules, hook: &Hook) -> MediaServer {
    MediaServer::start_with(rules, &hook.url, "1234", None).await
}

async fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..300 {
        if holds() {
            return;
        }
        tokio::time::sleep(milliseconds(10)).await;
    }
    panic!("{what} did not happen within 3 seconds");
}
