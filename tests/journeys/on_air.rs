//! `live` is what viewers can watch, also where a list of a media server says little: after a reload, with a frozen
//! encoder, and while one takes over from another.

use std::time::{Duration, Instant};

use stream_simulated_servers::Family;
use stream_tests::{Encoder, MediaSetup, Owner, Stage, StoreKind, TestStore, eventually};

/// An owner whose encoder is on air, as viewers and the service agree.
async fn on_air(stage: &mut Stage) -> (Owner, Encoder) {
    let owner = stage.new_owner().await;
    let encoder = stage.publish(&owner, 1).await;
    is_on_air(stage, &owner).await;
    (owner, encoder)
}

async fn is_on_air(stage: &Stage, owner: &Owner) {
    let what = format!("{:?}: a picture that the service knows of", stage.media_setup);
    eventually(&what, || async { stage.is_live(owner).await && stage.can_be_watched(owner).await }).await;
}

/// Looks again and again, for longer than a lease, whether the service still says so.
async fn stays_on_air(stage: &Stage, owner: &Owner) {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(15) {
        let sessions = stage.sessions(owner).await;
        assert!(stage.stream(owner).await["live"] == true, "{:?}: {sessions:?}", stage.media_setup);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert!(stage.can_be_watched(owner).await, "{:?}", stage.media_setup);
}

/// nginx leaves the publishers of before with its old worker, which no list shows and no order reaches.
#[expect(clippy::print_stdout, reason = "shows the times")]
async fn a_reload_of_nginx_takes_nobody_off_air_and_keeps_nobody_there(
    media_setup: MediaSetup,
    kind: StoreKind,
) {
    let mut stage = Stage::start(media_setup, kind).await;
    let (owner, mut encoder) = on_air(&mut stage).await;
    let began = stage.stream(&owner).await["live_since"].clone();
    stage.reload_media().await;
    stays_on_air(&stage, &owner).await;

    // Another encoder is refused, whichever worker it meets.
    stage.publish(&owner, 2).await.ended().await;
    assert_eq!(stage.attempts(&owner).await, ["already_live"]);
    assert!(!encoder.has_ended(), "{media_setup:?}: {encoder:?}");

    // The service may have been away meanwhile.
    stage.crash_service();
    assert!(!encoder.has_ended(), "{media_setup:?}: {encoder:?}");
    stage.restart_service().await;
    is_on_air(&stage, &owner).await;
    assert_eq!(stage.stream(&owner).await["live_since"], began, "it is the same broadcast");

    // One that begins after the reload is with the new worker.
    let (other, other_encoder) = on_air(&mut stage).await;

    let stopped = Instant::now();
    assert_eq!(stage.service().post_as(owner.user, "/api/streams/stop").await.status, 200);
    encoder.ended().await;
    println!("{media_setup:?}: a stop after a reload cut after {:?}", stopped.elapsed());
    eventually("the end of the session", || async {
        stage.sessions(&owner).await[0]["end_reason"] == "stopped"
    })
    .await;
    eventually("the end of the picture", || async { !stage.can_be_watched(&owner).await }).await;
    is_on_air(&stage, &other).await;
    other_encoder.kill();
    eventually("the end of the other", || async { !stage.is_live(&other).await }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_of_nginx_with_keys_in_addresses() {
    a_reload_of_nginx_takes_nobody_off_air_and_keeps_nobody_there(MediaSetup::NginxKey, StoreKind::Sqlite)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_of_nginx_with_public_names() {
    a_reload_of_nginx_takes_nobody_off_air_and_keeps_nobody_there(
        MediaSetup::NginxPlayback,
        StoreKind::Postgres,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reload_of_nginx_that_renames() {
    a_reload_of_nginx_takes_nobody_off_air_and_keeps_nobody_there(MediaSetup::NginxRename, StoreKind::Sqlite)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_reload_of_nginx_the_same_encoder_takes_over_from_itself() {
    let mut stage = Stage::start(MediaSetup::NginxPlayback, StoreKind::Sqlite).await;
    let (owner, mut first) = on_air(&mut stage).await;
    let began = stage.stream(&owner).await["live_since"].clone();
    stage.reload_media().await;
    let mut second = stage.publish(&owner, 1).await;
    first.ended().await;
    is_on_air(&stage, &owner).await;
    assert!(!second.has_ended(), "{second:?}");
    assert_eq!(stage.stream(&owner).await["live_since"], began, "it is the same broadcast");
    second.kill();
    eventually("the end", || async { !stage.is_live(&owner).await }).await;
}

/// A frozen encoder is off air before its server gives its connection up.
#[expect(clippy::print_stdout, reason = "shows the times")]
async fn a_frozen_encoder_is_off_air(media_setup: MediaSetup) {
    let mut stage = Stage::start(media_setup, StoreKind::Sqlite).await;
    let (owner, encoder) = on_air(&mut stage).await;
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
    eventually("a stream off air whose connection stands", || async {
        stage.stream(&owner).await["live"] == false && stage.store.sql(&open) == "1"
    })
    .await;
    println!("{media_setup:?}: a frozen encoder was off air after {:?}", frozen.elapsed());
    if media_setup == MediaSetup::NodeTwo {
        kept.as_ref().expect("a real one").thaw();
        eventually("a stream on air again", || async { stage.is_live(&owner).await }).await;
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

/// MediaMTX keeps the one before until the next brings media; a next that brings none ends nothing.
#[tokio::test(flavor = "multi_thread")]
async fn one_that_takes_over_without_media_ends_no_broadcast() {
    let mut stage = Stage::start(MediaSetup::Simulated(Family::MediaMtx), StoreKind::Sqlite).await;
    let (owner, mut first) = on_air(&mut stage).await;
    let _silent = stage.publish_without_media(&owner, 1);
    stays_on_air(&stage, &owner).await;
    assert!(!first.has_ended());
    // One that brings media takes over, and viewers see no gap.
    let second = stage.publish(&owner, 1).await;
    while !first.has_ended() {
        assert!(stage.can_be_watched(&owner).await && stage.stream(&owner).await["live"] == true);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    is_on_air(&stage, &owner).await;
    drop(second);
    eventually("the end", || async { !stage.is_live(&owner).await }).await;
}

/// Without a control interface, and with a server that says nothing more, a stream goes dark though it goes on.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_be_asked_is_warned_of_at_start_and_when_it_is_silent() {
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
    assert!(
        at_start[0].contains("control=http://USER:PASSWORD@HOST:1985"),
        "it names the cure: {at_start:?}"
    );
    // It lets somebody in, and says nothing of it again.
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
