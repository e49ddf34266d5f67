//! `live` means that viewers can watch, even if a media server's list says little about it: after a reload, with a
//! frozen encoder, and during a takeover.

use std::time::{Duration, Instant};

use stream_simulated_servers::Family;
use stream_tests::{Encoder, MediaSetup, Owner, Stage, StoreKind, TestStore, eventually};

/// An owner whose encoder is live, for viewers and for the service.
async fn live_owner(stage: &mut Stage) -> (Owner, Encoder) {
    let owner = stage.new_owner().await;
    let encoder = stage.publish(&owner, 1).await;
    wait_until_live(stage, &owner).await;
    (owner, encoder)
}

async fn wait_until_live(stage: &Stage, owner: &Owner) {
    let what = format!("{:?}: a picture that the service reports as live", stage.media_setup);
    eventually(&what, || async { stage.is_live(owner).await && stage.can_be_watched(owner).await }).await;
}

/// Checks repeatedly, for longer than a lease, that the service reports the stream as live.
async fn remains_live(stage: &Stage, owner: &Owner) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(15) {
        let sessions = stage.sessions(owner).await;
        assert!(stage.stream(owner).await["live"] == true, "{:?}: {sessions:?}", stage.media_setup);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(stage.can_be_watched(owner).await, "{:?}", stage.media_setup);
}

/// After a reload nginx leaves existing publishers with its old worker, which no list shows and no kick reaches.
#[expect(clippy::print_stdout, reason = "shows the times")]
async fn a_reload_of_nginx_ends_no_broadcast_and_leaves_none_behind(
    media_setup: MediaSetup,
    kind: StoreKind,
) {
    let mut stage = Stage::start(media_setup, kind).await;
    let (owner, mut encoder) = live_owner(&mut stage).await;
    let began = stage.stream(&owner).await["live_since"].clone();
    stage.reload_media().await;
    remains_live(&stage, &owner).await;

    // Another encoder is refused, whichever worker it connects to.
    stage.publish(&owner, 2).await.ended().await;
    assert_eq!(stage.attempts(&owner).await, ["already_live"]);
    assert!(!encoder.has_ended(), "{media_setup:?}: {encoder:?}");

    // The same holds after a crash of the service.
    stage.crash_service();
    assert!(!encoder.has_ended(), "{media_setup:?}: {encoder:?}");
    stage.restart_service().await;
    wait_until_live(&stage, &owner).await;
    assert_eq!(stage.stream(&owner).await["live_since"], began, "it is the same broadcast");

    // A publisher that begins after the reload is with the new worker.
    let (other, other_encoder) = live_owner(&mut stage).await;

    let stopped = Instant::now();
    assert_eq!(stage.service().post_as(owner.user, "/api/streams/stop").await.status, 200);
    encoder.ended().await;
    println!("{media_setup:?}: a stop after a reload took {:?}", stopped.elapsed());
    eventually("the end of the session", || async {
        stage.sessions(&owner).await[0]["end_reason"] == "stopped"
    })
    .await;
    eventually("the end of the picture", || async { !stage.can_be_watched(&owner).await }).await;
    wait_until_live(&stage, &other).await;
    other_encoder.kill();
    eventually("the end of the other", || async { !stage.is_live(&other).await }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_of_nginx_with_keys_in_addresses_ends_no_broadcast() {
    a_reload_of_nginx_ends_no_broadcast_and_leaves_none_behind(MediaSetup::NginxKey, StoreKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_of_nginx_with_playback_ids_ends_no_broadcast() {
    a_reload_of_nginx_ends_no_broadcast_and_leaves_none_behind(
        MediaSetup::NginxPlayback,
        StoreKind::Postgres,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_of_nginx_that_renames_ends_no_broadcast() {
    a_reload_of_nginx_ends_no_broadcast_and_leaves_none_behind(MediaSetup::NginxRename, StoreKind::Sqlite)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoder_that_reconnects_after_a_reload_of_nginx_takes_over_from_itself() {
    let mut stage = Stage::start(MediaSetup::NginxPlayback, StoreKind::Sqlite).await;
    let (owner, mut first) = live_owner(&mut stage).await;
    let began = stage.stream(&owner).await["live_since"].clone();
    stage.reload_media().await;
    let mut second = stage.publish(&owner, 1).await;
    first.ended().await;
    wait_until_live(&stage, &owner).await;
    assert!(!second.has_ended(), "{second:?}");
    assert_eq!(stage.stream(&owner).await["live_since"], began, "it is the same broadcast");
    second.kill();
    eventually("the end", || async { !stage.is_live(&owner).await }).await;
}

/// A frozen encoder is off air before its server closes the connection.
#[expect(clippy::print_stdout, reason = "shows the times")]
async fn a_frozen_encoder_is_off_air(media_setup: MediaSetup) {
    let mut stage = Stage::start(media_setup, StoreKind::Sqlite).await;
    let (owner, encoder) = live_owner(&mut stage).await;
    // Long enough for the server to have counted some of its bytes.
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(stage.stream(&owner).await["live"] == true, "{media_setup:?}");
    }
    let frozen = Instant::now();
    let kept = encoder.freeze();
    let open = format!(
        "SELECT count(*) FROM publish_sessions WHERE stream_id = {} AND ended_at IS NULL",
        owner.stream
    );
    eventually("a stream off air with an open session", || async {
        stage.stream(&owner).await["live"] == false && stage.store.sql(&open) == "1"
    })
    .await;
    println!("{media_setup:?}: a frozen encoder was off air after {:?}", frozen.elapsed());
    if media_setup == MediaSetup::NodeTwo {
        kept.as_ref().expect("a real encoder").thaw();
        eventually("a stream that is live again", || async { stage.is_live(&owner).await }).await;
        assert_eq!(stage.sessions(&owner).await.len(), 1, "it is the same session");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_encoder_is_off_air_on_every_server_that_counts_bytes() {
    let set_ups = [
        MediaSetup::NginxKey,
        MediaSetup::NodeTwo,
        MediaSetup::NodeFour,
        MediaSetup::Simulated(Family::Srs),
        MediaSetup::Simulated(Family::MediaMtx),
        MediaSetup::Simulated(Family::OvenMediaEngine),
        MediaSetup::Simulated(Family::ZlMediaKit),
    ];
    let playing = set_ups.map(|media_setup| tokio::spawn(a_frozen_encoder_is_off_air(media_setup)));
    for (media_setup, played) in set_ups.into_iter().zip(playing) {
        assert!(played.await.is_ok(), "{media_setup:?} failed");
    }
}

/// MediaMTX keeps the first publisher until the second sends media; a second one that sends none ends nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_takeover_without_media_ends_no_broadcast() {
    let mut stage = Stage::start(MediaSetup::Simulated(Family::MediaMtx), StoreKind::Sqlite).await;
    let (owner, mut first) = live_owner(&mut stage).await;
    let _silent = stage.publish_without_media(&owner, 1);
    remains_live(&stage, &owner).await;
    assert!(!first.has_ended());
    // A publisher that sends media takes over, and viewers see no gap.
    let second = stage.publish(&owner, 1).await;
    while !first.has_ended() {
        assert!(stage.can_be_watched(&owner).await && stage.stream(&owner).await["live"] == true);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    wait_until_live(&stage, &owner).await;
    drop(second);
    eventually("the end", || async { !stage.is_live(&owner).await }).await;
}

/// Without a control interface, and with a server that sends no reports, a stream goes off air although it continues.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_warns_of_a_server_without_control_at_start_and_when_it_sends_no_reports() {
    let store = TestStore::new(StoreKind::Sqlite);
    let service = store
        .setup()
        .with("MEDIA_SERVERS", "mute=srs talks=zlmediakit;control=http://s3cr3t-of-zlm@127.0.0.1:9")
        .start()
        .await;
    let warned = |words: &str| {
        let log = service.program.errors();
        log.lines()
            .filter(|line| line.contains("WARN") && line.contains(words))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let at_start = warned("gives this media server no control");
    assert!(at_start.len() == 1 && at_start[0].contains("mute"), "{at_start:?}");
    assert!(at_start[0].contains("control=http://USER:PASSWORD@HOST:1985"), "it names the fix: {at_start:?}");
    // It admits a publisher, and never reports it again.
    let key = service.key_of(1).await;
    let body = format!(
        r#"{{"action":"on_publish","client_id":"c1","ip":"192.0.2.1","vhost":"__defaultVhost__","app":"live","tcUrl":"rtmp://127.0.0.1/live","stream":"{key}","param":"","service_id":"s1"}}"#
    );
    let asking = service.request(reqwest::Method::POST, "/hooks/srs/mute").body(body);
    assert_eq!(service.send(asking).await.status, 200);
    eventually("a warning", || async { !warned("says nothing of the publisher").is_empty() }).await;
    let silent = warned("says nothing of the publisher");
    assert!(silent.len() == 1 && silent[0].contains("mute") && silent[0].contains("on_hls"), "{silent:?}");
}
