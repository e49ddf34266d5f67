//! Begins, ends, second publishers, heartbeats, and stops of servers.

use super::stub::{Hook, Response};
use super::{ALL, LOCALHOST, eventually, milliseconds, server, with_short_pauses};
use crate::rules::Rules;
use crate::{Family, Signal};
use tokio::time::sleep;

/// The family's event for a begin, if it has one, and for an end; and how often it sends each.
fn event_names(family: Family) -> (Option<(&'static str, usize)>, (&'static str, usize)) {
    match family {
        Family::Srs => (None, ("on_unpublish", 1)),
        Family::MediaMtx => (Some(("event=available", 1)), ("event=unavailable", 1)),
        Family::OvenMediaEngine => (None, ("closing", 1)),
        Family::ZlMediaKit => (Some(("regist true", 5)), ("regist false", 5)),
        Family::AntMedia => (Some(("liveStreamStarted", 1)), ("liveStreamEnded", 1)),
    }
}

async fn wait_for_begin(family: Family, hook: &Hook) {
    let (begin, _) = event_names(family);
    if let Some((word, times)) = begin {
        eventually(word, || hook.count(word) == times).await;
    }
}

/// Waits for as many ends as are expected, and a moment for one too many.
async fn expect_ends(hook: &Hook, end: &str, times: usize) {
    eventually(end, || hook.count(end) == times).await;
    sleep(milliseconds(150)).await;
    assert_eq!(hook.count(end), times, "{:?}", hook.events());
}

#[tokio::test]
async fn every_family_reports_begins_and_ends_by_its_own_events() {
    for family in ALL {
        let hook = Hook::accepting().await;
        let server = server(with_short_pauses(family), &hook).await;
        let encoder = server.publish("key1", "", LOCALHOST);
        assert!(encoder.settled().await && encoder.is_live(), "{family:?}");
        wait_for_begin(family, &hook).await;
        assert!(server.playlist("key1"), "{family:?}");
        let (_, (end, times)) = event_names(family);
        encoder.kill();
        assert!(!server.playlist("key1"));
        eventually(end, || hook.count(end) == times).await;
        if family == Family::ZlMediaKit {
            eventually("the report of the flow", || hook.count("totalBytes") == 1).await;
        }
    }
}

#[tokio::test]
async fn families_that_report_begins_report_no_end_without_a_begin() {
    for family in ALL {
        let hook = Hook::start(|_| Response::accept().after(50)).await;
        let server = server(with_short_pauses(family), &hook).await;
        let encoder = server.publish("key1", "", LOCALHOST);
        eventually("the publish request", || !hook.seen().is_empty()).await;
        encoder.stop();
        let (begin, (end, _)) = event_names(family);
        if begin.is_some() {
            sleep(milliseconds(150)).await;
            assert_eq!(hook.count(end), 0, "{family:?}: {:?}", hook.events());
        } else {
            eventually(end, || hook.count(end) == 1).await;
        }
    }
}

#[tokio::test]
async fn a_second_publisher_is_refused_after_a_request_but_takes_over_on_mediamtx() {
    for family in ALL {
        let hook = Hook::accepting().await;
        let server = server(with_short_pauses(family), &hook).await;
        let first = server.publish("key1", "", LOCALHOST);
        assert!(first.settled().await);
        wait_for_begin(family, &hook).await;
        let asked = hook.seen().len();
        let second = server.publish("key1", "", LOCALHOST);
        let takes_over = family == Family::MediaMtx;
        assert_eq!(second.settled().await, takes_over, "{family:?}");
        assert!(hook.seen().len() > asked, "{family:?}");
        if takes_over {
            // Not before the media of the second have arrived.
            eventually("the end of the first", || first.was_kicked()).await;
        }
        assert_eq!((first.was_kicked(), first.is_live()), (takes_over, !takes_over), "{family:?}");
        let (_, (end, _)) = event_names(family);
        let reports = matches!(family, Family::MediaMtx | Family::OvenMediaEngine);
        expect_ends(&hook, end, usize::from(reports)).await;
        if takes_over {
            let (old, new) = (first.session_id(), second.session_id());
            eventually("the second begin", || hook.count("event=available") == 2).await;
            let bodies: Vec<_> = hook.seen().iter().map(|seen| seen.body.clone()).collect();
            assert!(bodies.contains(&format!("event=unavailable&path=live/key1&id={old}")));
            assert!(bodies.contains(&format!("event=available&path=live/key1&id={new}")));
        }
    }
}

#[tokio::test]
async fn only_oven_media_engine_reports_the_end_of_a_denied_publisher() {
    for family in ALL {
        let hook = Hook::start(|_| Response::new(200, r#"{"code":1,"allowed":false}"#)).await;
        let rules =
            Rules { judge: family.rules().judge, pauses_before_denial: &[], ..with_short_pauses(family) };
        let server = server(rules, &hook).await;
        let encoder = server.publish("key1", "", LOCALHOST);
        // MediaMTX and Ant Media check only the status.
        let accepts = matches!(family, Family::MediaMtx | Family::AntMedia);
        assert_eq!(encoder.settled().await, accepts, "{family:?}");
        assert_eq!(encoder.refused().is_some(), !accepts);
        let ends = usize::from(family == Family::OvenMediaEngine);
        expect_ends(&hook, event_names(family).1.0, ends).await;
    }
}

#[tokio::test]
async fn oven_media_engine_reports_the_old_end_after_the_new_request() {
    let hook = Hook::accepting().await;
    let server = server(with_short_pauses(Family::OvenMediaEngine), &hook).await;
    let old = server.publish("key1", "", LOCALHOST);
    assert!(old.settled().await);
    old.kill();
    let new = server.publish("key1", "", LOCALHOST);
    assert!(new.settled().await);
    eventually("the closing", || hook.count("closing") == 1).await;
    assert_eq!(hook.events(), ["opening", "opening", "opening", "opening", "closing"]);
    assert_eq!(hook.seen()[4].json()["client"], hook.seen()[0].json()["client"]);
    assert!(new.is_live());
}

#[tokio::test]
async fn a_frozen_publisher_ends_after_its_timeout() {
    let hook = Hook::accepting().await;
    let server = server(with_short_pauses(Family::Srs), &hook).await;
    let encoder = server.publish("key1", "", LOCALHOST);
    assert!(encoder.settled().await);
    encoder.freeze();
    sleep(milliseconds(100)).await;
    assert!(server.playlist("key1") && hook.count("on_unpublish") == 0);
    eventually("the end", || hook.count("on_unpublish") == 1).await;
    assert!(!server.playlist("key1"));
}

#[tokio::test]
async fn ends_are_reported_at_the_signals_of_the_family_and_never_at_a_crash() {
    for family in ALL {
        for signal in [None, Some(Signal::Term), Some(Signal::Quit)] {
            let hook = Hook::accepting().await;
            let mut server = server(with_short_pauses(family), &hook).await;
            let encoder = server.publish("key1", "", LOCALHOST);
            assert!(encoder.settled().await);
            wait_for_begin(family, &hook).await;
            match signal {
                Some(signal) => server.quit(signal).await,
                None => server.crash().await,
            }
            assert!(encoder.was_kicked() && !server.playlist("key1"));
            drop(encoder);
            sleep(milliseconds(20)).await;
            let reports = matches!(
                (family, signal),
                (Family::Srs, Some(Signal::Quit)) | (Family::MediaMtx, Some(Signal::Term))
            );
            assert_eq!(hook.count(event_names(family).1.0), usize::from(reports), "{family:?} {signal:?}");
        }
    }
}

#[tokio::test]
async fn a_crash_closes_the_port_and_a_restart_resets_the_counters() {
    let hook = Hook::accepting().await;
    let mut server = server(with_short_pauses(Family::ZlMediaKit), &hook).await;
    let base = server.hls_base();
    let authority = base.split('/').nth(2).unwrap().to_owned();
    let asking = server.publish("key1", "", LOCALHOST);
    server.crash().await;
    assert_eq!(asking.refused().as_deref(), Some("the connection was closed"));
    assert!(tokio::net::TcpStream::connect(&authority).await.is_err());
    assert!(!server.publish("key1", "", LOCALHOST).settled().await);
    server.restart().await;
    assert_eq!(server.hls_base(), base);
    assert!(tokio::net::TcpStream::connect(&authority).await.is_ok());
    let again = server.publish("key1", "", LOCALHOST);
    assert!(again.settled().await);
    assert_eq!(again.session_id(), "1-30");
}

#[tokio::test]
async fn srs_sends_server_heartbeats_without_the_query_and_segments_with_it() {
    let beat = Some(milliseconds(50));
    let hook = Hook::accepting().await;
    let rules = Rules { server_heartbeat: beat, publisher_heartbeat: beat, ..with_short_pauses(Family::Srs) };
    let mut server = server(rules, &hook).await;
    let encoder = server.publish("key1", "", LOCALHOST);
    assert!(encoder.settled().await);
    let heartbeat = "POST /hooks/any/edge-1 HTTP/1.1";
    let heartbeats = || hook.seen().iter().filter(|seen| seen.first_line == heartbeat).count();
    eventually("heartbeats", || heartbeats() > 1 && hook.count("on_hls") > 1).await;
    let services = |hook: &Hook| {
        let seen = hook.seen();
        let beats = seen.iter().filter(|seen| seen.first_line == heartbeat);
        let mut services: Vec<_> = beats.map(|seen| seen.json()["service"].to_string()).collect();
        services.dedup();
        services
    };
    assert_eq!(services(&hook).len(), 1);
    let segment = hook.seen().iter().find(|seen| seen.event() == "on_hls").unwrap().json();
    assert_eq!((&segment["client_id"], &segment["seq_no"]), (&encoder.session_id().into(), &0.into()));
    server.restart().await;
    eventually("a heartbeat of the new boot", || services(&hook).len() == 2).await;
}

#[tokio::test]
async fn zlmediakit_sends_server_heartbeats() {
    let hook = Hook::accepting().await;
    let rules = Rules { server_heartbeat: Some(milliseconds(50)), ..with_short_pauses(Family::ZlMediaKit) };
    let _server = server(rules, &hook).await;
    eventually("heartbeats", || hook.count("data") > 1).await;
    assert!(!hook.seen()[0].headers.contains("X-VHOST"));
}

#[tokio::test]
async fn on_mediamtx_a_second_publisher_without_media_does_not_end_the_first() {
    let hook = Hook::accepting().await;
    let server = server(with_short_pauses(Family::MediaMtx), &hook).await;
    let first = server.publish("key1", "", LOCALHOST);
    assert!(first.settled().await);
    wait_for_begin(Family::MediaMtx, &hook).await;
    let second = server.publish_without_media("key1", "", LOCALHOST);
    assert!(second.settled().await);
    eventually("the end of the second", || !second.is_live()).await;
    assert!(first.is_live() && server.playlist("key1"));
    assert_eq!((hook.count("event=available"), hook.count("event=unavailable")), (1, 0));
}

#[tokio::test]
async fn the_playlist_of_srs_remains_for_a_while_without_growing() {
    let hook = Hook::accepting().await;
    let rules = Rules { playlist_kept_for: milliseconds(200), ..with_short_pauses(Family::Srs) };
    let server = server(rules, &hook).await;
    let encoder = server.publish("key1", "", LOCALHOST);
    assert!(encoder.settled().await && server.playlist("key1"));
    encoder.stop();
    assert!(server.playlist("key1") && !server.page().contains("key1"));
    eventually("its end", || !server.playlist("key1")).await;
}
