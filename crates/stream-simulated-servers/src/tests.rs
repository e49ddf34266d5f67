//! Each rule of each family, against a hook whose answers are written here.

mod answers;
mod bytes;
mod control;
mod events;
mod stub;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::family::Family;
use crate::rules::Rules;
use crate::server::MediaServer;
use stub::Hook;

const ALL: [Family; 5] =
    [Family::Srs, Family::MediaMtx, Family::OvenMediaEngine, Family::ZlMediaKit, Family::AntMedia];

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

const fn milliseconds(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// Rules whose pauses are short enough for a test.
fn hasty(family: Family) -> Rules {
    let rules = family.rules();
    Rules {
        request_timeout: milliseconds(1000),
        event_timeout: milliseconds(1000),
        retry: rules.retry.map(|_| milliseconds(100)),
        begin_after: rules.begin_after.map(|_| milliseconds(10)),
        end_after: rules.end_after.min(milliseconds(100)),
        playlist_stays: Duration::ZERO,
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
    panic!("{what} did not come about within 3 seconds");
}
