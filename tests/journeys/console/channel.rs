//! What an owner does besides going live: details with their limits, plans, endpoints of webhooks, and the past.

use serde_json::json;
use stream_tests::pages::{Pages, Tab};
use stream_tests::{Receiver, Service, StoreKind, TestStore, token_of};

use super::{sends, signs_in, unexpected};

/// A signed-in owner's tab is taken to a part of the page.
async fn goes_to(tab: Tab<'_>, service: &Service, part: &str) {
    tab.goes_to(&service.url(&format!("/#/broadcast/{part}"))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_describes_plans_and_connects_a_channel() {
    let store = TestStore::new(StoreKind::Sqlite);
    let setup = store.setup().with("WEBHOOK_NETWORKS", "127.0.0.0/8").with("ADDRESSES", "playback");
    let service = setup.start().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pages = Pages::open(folder.path()).await;
    let tab = pages.tab("owner");
    goes_to(tab, &service, "channel").await;
    signs_in(tab, &token_of(1)).await;

    // Details: limits as one types, and what the service refuses at its field.
    let is_off =
        "[...document.querySelectorAll('button')].find(({ textContent }) => textContent === 'Save').disabled";
    tab.fills("Title", &"x".repeat(141)).await;
    tab.shows("1 too many").await;
    assert_eq!(tab.evaluates(is_off).await, true);
    tab.fills("Title", "A quiet evening").await;
    tab.fills("Tags", "music, Music").await;
    tab.shows("\u{201c}Music\u{201d} is there twice.").await;
    tab.fills("Tags", "music, live").await;
    tab.fills("Language", "not a language").await;
    tab.clicks_the("button", "Save").await;
    tab.shows("language: ").await;
    assert_eq!(tab.field("Title").await, "A quiet evening", "what was typed is kept");
    tab.fills("Language", "pt-BR").await;
    tab.clicks_the("button", "Save").await;
    tab.shows("Saved.").await;
    let kept = service.get_as(1, "/api/channel").await.json;
    assert_eq!((&kept["title"], &kept["language"]), (&json!("A quiet evening"), &json!("pt-BR")));

    // A plan: made, changed and canceled.
    goes_to(tab, &service, "schedule").await;
    tab.shows("You have planned nothing.").await;
    tab.clicks("Plan a stream").await;
    tab.fills("Title", "Friday quiz").await;
    tab.clicks_the("button", "Save").await;
    tab.shows("Planned").await;
    tab.clicks("Change: Friday quiz").await;
    tab.fills("Title", "Saturday quiz").await;
    tab.clicks_the("button", "Save").await;
    tab.shows("Saturday quiz").await;
    let plans = service.get("/api/schedule/public").await.json;
    assert_eq!(plans["schedules"][0]["title"], "Saturday quiz");
    let visitor = pages.tab("visitor");
    visitor.goes_to(&service.url("/#/upcoming")).await;
    visitor.shows("Saturday quiz").await;
    tab.clicks("Cancel it: Saturday quiz").await;
    tab.clicks_the("button", "Cancel it").await;
    tab.shows("Canceled").await;

    // An endpoint: its secret once, a test that arrives, another one by hand, a new secret, and away.
    let receiver = Receiver::start(204);
    goes_to(tab, &service, "webhooks").await;
    tab.clicks("Add an endpoint").await;
    tab.fills("Address", "ftp://example.com/").await;
    tab.clicks_the("button", "Add an endpoint").await;
    tab.shows("url: ").await;
    tab.fills("Address", &receiver.url()).await;
    tab.clicks_the("button", "Add an endpoint").await;
    tab.shows("It is shown this once.").await;
    let secret = tab.field("The secret").await;
    assert!(secret.starts_with("whsec_"), "{secret}");
    tab.clicks("I have copied it").await;
    tab.clicks(&format!("Send a test: {}", receiver.url())).await;
    tab.shows("A test is on its way").await;
    tab.clicks("Deliveries").await;
    tab.shows("answered 204").await;
    tab.waits_for("document.querySelector('.badge.delivered') !== null").await;
    let again = tab.evaluates("document.querySelector('details button').ariaLabel").await;
    tab.clicks(again.as_str().expect("a name")).await;
    tab.waits_for("document.body.innerText.split('answered 204').length === 3").await;
    tab.clicks(&format!("New secret: {}", receiver.url())).await;
    tab.clicks_the("button", "New secret").await;
    tab.shows("It is shown this once.").await;
    assert_ne!(tab.field("The secret").await, secret);
    tab.shows("The former secret signs along until").await;
    tab.clicks(&format!("Switch off: {}", receiver.url())).await;
    tab.shows("Switched off by you.").await;
    tab.clicks(&format!("Remove: {}", receiver.url())).await;
    tab.clicks_the("button", "Remove").await;
    tab.shows("You have no endpoint.").await;

    // The past.
    sends(&service, 1, "/api/streams/generate-key", &json!({})).await;
    assert_eq!(service.post_as(1, "/api/streams/stop").await.status, 200);
    goes_to(tab, &service, "history").await;
    tab.shows("Stopped").await;
    tab.shows("No encoder connected.").await;
    assert_eq!(unexpected(tab.faults().await), [""; 0]);
}
