//! The README's steps alone, from a clean start to the end of a stream, and what each side reads.

use stream_tests::encoder;

use super::{Kind, Platform, encoder_address, goes_live_with_a_click, unexpected};

/// The README's steps, and nothing else.
async fn a_first_stream(kind: Kind) {
    // Otherwise a second encoder of the same address takes over.
    let platform = Platform::start(kind, &[("TAKEOVER", "overdue")]).await;
    let (owner, viewer) = (platform.pages.tab("owner"), platform.pages.tab("viewer"));
    let url = platform.service.url("/");
    goes_live_with_a_click(owner, &url).await;
    owner.shows("Ready. Waiting for your encoder.").await;
    let key = owner.field("Stream Key").await;
    let mut encoder = platform.publishes(owner, platform.folder.path()).await;
    owner.shows("from edge").await;

    viewer.goes_to(&url).await;
    viewer.shows("1 live stream").await;
    viewer.clicks_the("link", "Untitled stream").await;
    viewer.waits_for_player("live").await;
    viewer.plays().await;

    // node-media-server 2 refuses a second publisher itself, and asks nobody.
    if kind == Kind::Nginx {
        let second = platform.folder.path().join("second");
        std::fs::create_dir(&second).expect("a folder");
        let mut refused = encoder::publish_with(&[], &encoder_address(owner).await, &second);
        owner.shows("Another encoder is live with this key.").await;
        refused.wait().await;
    }

    owner.clicks("Stop").await;
    owner.clicks("Stop the stream").await;
    owner.shows("Your last stream has ended.").await;
    viewer.waits_for_player("ended").await;
    viewer.shows("This broadcast has ended.").await;
    encoder.wait().await;

    // The key is in none of what a viewer loads, and nothing was refused by the policy.
    let secret = key.split("key=").last().expect("a key").to_owned();
    assert!(secret.len() > 40, "{key}");
    let loaded = viewer.loaded().await;
    assert!(loaded.contains("/api/streams/public") && !loaded.contains(&secret), "a viewer loads the key");
    assert_eq!(unexpected(owner.faults().await), [""; 0]);
    assert_eq!(unexpected(viewer.faults().await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_goes_live_through_nginx_and_stops() {
    a_first_stream(Kind::Nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_goes_live_through_node_media_server_and_stops() {
    a_first_stream(Kind::Node).await;
}
