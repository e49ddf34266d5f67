//! What a page costs: bytes, requests, layout shifts; and, printed alone, times.

use serde_json::json;
use stream_tests::SECRET_KEY;
use stream_tests::{encoder, token_of};

use super::{Kind, Platform, sends, signs_in};

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "shows the figures of docs/console")]
async fn pages_are_small_ask_little_and_do_not_jump() {
    let platform = Platform::start(Kind::Nginx, &[("SECRET_KEY", SECRET_KEY)]).await;
    let stream =
        sends(&platform.service, 1, "/api/streams/generate-key", &json!({ "title": "A quiet evening" }))
            .await;
    let address = stream["stream"]["rtmp_url"].as_str().expect("an address");
    let _encoder = encoder::publish_like_obs(address, 30, platform.folder.path());
    let id = stream["stream"]["playback_id"].as_str().expect("an id");
    println!(
        "| page | transferred | requests | first paint | layout shift | main thread, of which scripts |"
    );
    println!("| --- | --- | --- | --- | --- | --- |");
    for (page, fragment, text, bytes) in [
        ("Live", "#/".to_owned(), "1 live stream", 60_000.0),
        ("Upcoming", "#/upcoming".to_owned(), "Nothing is planned.", 60_000.0),
        ("Broadcast", "#/broadcast".to_owned(), "For your encoder", 60_000.0),
        ("Watch, with the player", format!("#/watch/{id}"), "A quiet evening", 250_000.0),
    ] {
        // A tab of its own, in which nothing is in a cache.
        let tab = platform.pages.tab(page);
        tab.is_seen(1280, 800, "light").await;
        tab.has_no_cache().await;
        tab.goes_to(&platform.service.url(&format!("/{fragment}"))).await;
        if page == "Broadcast" {
            signs_in(tab, &token_of(1)).await;
        }
        tab.shows(text).await;
        let loaded = tab.costs().await;
        if page.starts_with("Watch") {
            tab.plays().await;
        }
        let costs = if page.starts_with("Watch") { tab.costs().await } else { loaded };
        let number = |name: &str| costs[name].as_f64().expect("a figure");
        println!(
            "| {page} | {:.0} KB | {} | {:.0} ms | {:.3} | {:.0} ms, {:.0} ms |",
            number("bytes") / 1000.0,
            number("requests"),
            number("paint"),
            number("shift"),
            number("main_thread"),
            number("script")
        );
        // Fragments of the picture are the stream's, not the page's.
        assert!(number("own_bytes") > 10_000.0 && number("own_bytes") < bytes, "{page}: {costs}");
        assert!(number("shift") < 0.1, "{page}: {costs}");
        tab.closes().await;
    }
}
