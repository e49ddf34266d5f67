//! The main job with real media: a test picture through the platform's real RTMP server, which looks each key up.

use stream_tests::{MediaPorts, NodeMediaServer, NodeVersion, StoreKind, TestStore, encoder, eventually};

async fn only_a_publishable_key_can_be_watched(kind: StoreKind) {
    let store = TestStore::new(kind);
    let ports = MediaPorts::free();
    let (rtmp_base, hls_base) = ports.bases();
    let service =
        store.setup().with("RTMP_BASE_URL", &rtmp_base).with("HLS_BASE_URL", &hls_base).start().await;
    let media = NodeMediaServer::start(NodeVersion::Two, ports, &service.url(""), &[]).await;
    let publish = |key: &str| encoder::publish(&format!("{rtmp_base}/{key}"), media.folder());

    let stream = service.generate_key(1).await.json["stream"].take();
    let key = stream["stream_key"].as_str().expect("a key").to_owned();
    let hls_url = stream["hls_url"].as_str().expect("an address").to_owned();
    let mut first = publish(&key);
    eventually("the picture", || async { encoder::plays(&hls_url) }).await;
    assert!(first.ended().is_none(), "{}", first.errors());
    drop(first);

    // Stopped, expired, unknown, and no key at all: refused before anything is written.
    assert_eq!(service.post_as(1, "/api/streams/stop").await.status, 200);
    eventually("the end of the broadcast", || async { !media.has_written(&key) }).await;
    let expired = service.key_of(2).await;
    store.let_expire(&expired);
    for refused in [key.as_str(), expired.as_str(), "unknown-key", "not.a.key", "public"] {
        let ended = publish(refused).wait().await;
        assert!(!ended.success(), "{refused} was admitted");
        assert!(!media.has_written(refused), "{refused} was published");
    }

    // The same user's next key is admitted, and no key while the service is down.
    let next = service.key_of(1).await;
    let url = format!("{hls_base}/{next}/index.m3u8");
    let second = publish(&next);
    eventually("the next picture", || async { encoder::plays(&url) }).await;
    drop(second);
    let last = service.key_of(3).await;
    drop(service);
    assert!(!publish(&last).wait().await.success(), "a publisher was admitted while the service was down");
    let log = format!("{}{}", media.program.output(), media.program.errors());
    assert_eq!(stream_tests::find_secret(&log, &[key, expired, next, last]), None);
}

super::on_both_stores! { only_a_publishable_key_can_be_watched }
