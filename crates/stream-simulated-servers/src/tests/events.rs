//! Begins, ends, second publishers, heartbeats, and the ends of servers.

use super::stub::{Hook, Response};
use super::{ALL, HERE, eventually, hasty, milliseconds, server};
use crate::rules::Rules;
use crate::{Family, Signal};
use tokio::time::sleep;

/// The family's word for a begin, if it has one, and for an end; and how often it says them.
fn words(family: Family) -> (Option<(&'static str, usize)>, (&'static str, usize)) {
    match family {
        Family::Srs => (None, ("on_unpublish", 1)),
        Family::MediaMtx => (Some(("event=available", 1)), ("event=unavailable", 1)),
        Family::OvenMediaEngine => (None, ("closing", 1)),
        Family::ZlMediaKit => (Some(("regist true", 5)), ("regist false", 5)),
        Family::AntMedia => (Some(("liveStreamStarted", 1)), ("liveStreamEnded", 1)),
    }
}

async fn begun(family: Family, hook: &Hook) {
    let (begin, _) = words(family);
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
async fn a_begin_and_an_end_are_told_in_the_words_of_every_family() {
    for family in ALL {
        let hook = Hook::accepting().await;
        let server = server(hasty(family), &hook).await;
        let encoder = server.publish("key1", "", HERE);
        assert!(encoder.settled().await && encoder.is_live(), "{family:?}");
        begun(family, &hook).await;
        assert!(server.playlist("key1"), "{family:?}");
        let (_, (end, times)) = words(family);
        encoder.kill();
        assert!(!server.playlist("key1"));
        eventually(end, || hook.count(end) == times).await;
        if family == Family::ZlMediaKit {
            eventually("the report of the flow", || hook.count("totalBytes") == 1).await;
        }
    }
}

#[tokio::test]
async fn a_publisher_that_leaves_before_its_begin_yields_no_end_where_begins_are_told() {
    for family in ALL {
        let hook = Hook::start(|_| Response::accept().after(50)).await;
        let server = server(hasty(family), &hook).await;
        let encoder = server.publish("key1", "", HERE);
        eventually("the question", || !hook.seen().is_empty()).await;
        encoder.stop();
        let (begin, (end, _)) = words(family);
        if begin.is_some() {
            sleep(milliseconds(150)).await;
            assert_eq!(hook.count(end), 0, "{family:?}: {:?}", hook.events());
        } else {
            eventually(end, || hook.count(end) == 1).await;
        }
    }
}

#[tokio::test]
async fn a_second_publisher_is_asked_about_and_refused_but_takes_over_on_mediamtx() {
    for family in ALL {
        let hook = Hook::accepting().await;
        let server = server(hasty(family), &hook).await;
        let first = server.publish("key1", "", HERE);
        assert!(first.settled().await);
        begun(family, &hook).await;
        let asked = hook.seen().len();
        let second = server.publish("key1", "", HERE);
        let takes_over = family == Family::MediaMtx;
        assert_eq!(second.settled().await, takes_over, "{family:?}");
        assert!(hook.seen().len() > asked, "{family:?}");
        if takes_over {
            // Not before the media of the second have come.
            eventually("the end of the first", || first.was_kicked()).await;
        }
        assert_eq!((first.was_kicked(), first.is_live()), (takes_over, !takes_over), "{family:?}");
        let (_, (end, _)) = words(family);
        let tells = matches!(family, Family::MediaMtx | Family::OvenMediaEngine);
        expect_ends(&hook, end, usize::from(tells)).await;
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
async fn only_oven_media_engine_tells_the_end_of_a_denied_publisher() {
    for family in ALL {
        let hook = Hook::start(|_| Response::new(200, r#"{"code":1,"allowed":false}"#)).await;
        let rules = Rules { judge: family.rules().judge, pauses_before_denial: &[], ..hasty(family) };
        let server = server(rules, &hook).await;
        let encoder = server.publish("key1", "", HERE);
        // MediaMTX and Ant Media look at the status only.
        let accepts = matches!(family, Family::MediaMtx | Family::AntMedia);
        assert_eq!(encoder.settled().await, accepts, "{family:?}");
        assert_eq!(encoder.refused().is_some(), !accepts);
        let ends = usize::from(family == Family::OvenMediaEngine);
        expect_ends(&hook, words(family).1.0, ends).await;
    }
}

#[tokio::test]
async fn oven_media_engine_tells_the_end_of_the_old_after_it_asked_about_the_new() {
    let hook = Hook::accepting().await;
    let server = server(hasty(Family::OvenMediaEngine), &hook).await;
    let old = server.publish("key1", "", HERE);
    assert!(old.settled().await);
    old.kill();
    let new = server.publish("key1", "", HERE);
    assert!(new.settled().await);
    eventually("the closing", || hook.count("closing") == 1).await;
    assert_eq!(hook.events(), ["opening", "opening", "opening", "opening", "closing"]);
    assert_eq!(hook.seen()[4].json()["client"], hook.seen()[0].json()["client"]);
    assert!(new.is_live());
}

#[tokio::test]
async fn a_frozen_publisher_is_gone_after_its_time() {
    let hook = Hook::accepting().await;
    let server = server(hasty(Family::Srs), &hook).await;
    let encoder = server.publish("key1", "", HERE);
    assert!(encoder.settled().await);
    encoder.freeze();
    sleep(milliseconds(100)).await;
    assert!(server.playlist("key1") && hook.count("on_unpublish") == 0);
    eventually("the end", || hook.count("on_unpublish") == 1).await;
    assert!(!server.playlist("key1"));
}

#[tokio::test]
async fn the_end_of_a_server_is_told_by_its_rules_and_its_crash_never() {
    for family in ALL {
        for signal in [None, Some(Signal::Term), Some(Signal::Quit)] {
            let hook = Hook::accepting().await;
            let mut server = server(hasty(family), &hook).await;
            let encoder = server.publish("key1", "", HERE);
            assert!(encoder.settled().await);
            begun(family, &hook).await;
            match signal {
                Some(signal) => server.quit(signal).await,
                None => server.crash().await,
            }
            assert!(encoder.was_kicked() && !server.playlist("key1"));
            drop(encoder);
            sleep(milliseconds(20)).await;
            let tells = matches!(
                (family, signal),
                (Family::Srs, Some(Signal::Quit)) | (Family::MediaMtx, Some(Signal::Term))
            );
            assert_eq!(hook.count(words(family).1.0), usize::from(tells), "{family:?} {signal:?}");
        }
    }
}

#[tokio::test]
async fn a_crash_closes_the_port_and_a_restart_counts_from_the_beginning() {
    let hook = Hook::accepting().await;
    let mut server = server(hasty(Family::ZlMediaKit), &hook).await;
    let base = server.hls_base();
    let authority = base.split('/').nth(2).unwrap().to_owned();
    let asking = server.publish("key1", "", HERE);
    server.crash().await;
    assert_eq!(asking.refused().as_deref(), Some("the connection was closed"));
    assert!(tokio::net::TcpStream::connect(&authority).await.is_err());
    assert!(!server.publish("key1", "", HERE).settled().await);
    server.restart().await;
    assert_eq!(server.hls_base(), base);
    assert!(tokio::net::TcpStream::connect(&authority).await.is_ok());
    let again = server.publish("key1", "", HERE);
    assert!(again.settled().await);
    assert_eq!(again.session_id(), "1-30");
}

#[tokio::test]
async fn srs_says_that_it_is_there_without_the_query_and_that_a_publisher_is_with_it() {
    let beat = Some(milliseconds(50));
    let hook = Hook::accepting().await;
    let rules = Rules { server_heartbeat: beat, publisher_heartbeat: beat, ..hasty(Family::Srs) };
    let mut server = server(rules, &hook).await;
    let encoder = server.publish("key1", "", HERE);
    assert!(encoder.settled().await);
    let heartbeat = "POST /hooks/any/edge-1 HTTP/1.1";
    let heartbeats = || hook.seen().iter().filter(|seen| seen.first_line == heartbeat).count();
    eventually("beats", || heartbeats() > 1 && hook.count("on_hls") > 1).await;
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
    eventually("a beat of the new run", || services(&hook).len() == 2).await;
}

#[tokio::test]
async fn zlmediakit_says_that_it_is_there() {
    let hook = Hook::accepting().await;
    let rules = Rules { server_heartbeat: Some(milliseconds(50)), ..hasty(Family::ZlMediaKit) };
    let _server = server(rules, &hook).await;
    eventually("beats", || hook.count("data") > 1).await;
    assert!(!hook.seen()[0].headers.contains("X-VHOST"));
}

#[tokio::test]
async fn on_mediamtx_a_second_publisher_without_media_leaves_the_first_alone() {
    let hook = Hook::accepting().await;
    let server = server(hasty(Family::MediaMtx), &hook).await;
    let first = server.publish("key1", "", HERE);
    assert!(first.settled().await);
    begun(Family::MediaMtx, &hook).await;
    let second = server.publish_without_media("key1", "", HERE);
    assert!(second.settled().await);
    eventually("the end of the second", || !second.is_live()).await;
    assert!(first.is_live() && server.playlist("key1"));
    assert_eq!((hook.count("event=available"), hook.count("event=unavailable")), (1, 0));
}

#[tokio::test]
async fn the_playlist_of_srs_stays_for_a_while_and_grows_no_more() {
    let hook = Hook::accepting().await;
    let rules = Rules { playlist_stays: milliseconds(200), ..hasty(Family::Srs) };
    let server = server(rules, &hook).await;
    let encoder = server.publish("key1", "", HERE);
    assert!(encoder.settled().await && server.playlist("key1"));
    encoder.stop();
    assert!(server.playlist("key1") && !server.page().contains("key1"));
    eventually("its end", || !server.playlist("key1")).await;
}
