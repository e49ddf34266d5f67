//! What an operator does in the console, and what the user reads who is blocked.

use serde_json::json;
use stream_tests::{SECRET_KEY, encoder, token_of};

use super::{ADMIN_TOKEN, Kind, Platform, sends, signs_in, unexpected};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_stops_a_stream_and_blocks_its_user_who_reads_why() {
    let settings = [("SECRET_KEY", SECRET_KEY), ("ADMIN_TOKEN", ADMIN_TOKEN)];
    let platform = Platform::start(Kind::Nginx, &settings).await;
    let (owner, operator) = (platform.pages.tab("owner"), platform.pages.tab("operator"));
    owner.goes_to(&platform.service.url("/#/broadcast")).await;
    signs_in(owner, &token_of(1)).await;
    let named = json!({ "title": "A quiet evening" });
    sends(&platform.service, 1, "/api/streams/generate-key", &named).await;
    owner.clicks("Show: Stream Key").await;
    let mut encoder = platform.publishes(owner, platform.folder.path()).await;
    owner.shows("from edge").await;

    operator.goes_to(&platform.service.url("/")).await;
    operator.clicks_the("link", "Operate").await;
    operator.fills("Admin token", "another-admin-token").await;
    operator.clicks_the("button", "Sign in").await;
    operator.shows("The admin token was not accepted.").await;
    operator.fills("Admin token", ADMIN_TOKEN).await;
    operator.clicks_the("button", "Sign in").await;
    operator.shows("A quiet evening").await;
    operator.shows("127.0.0.1").await;
    operator.clicks("Stop: 1").await;
    operator.clicks_the("button", "Stop").await;
    operator.shows("No stream is active.").await;
    encoder.wait().await;
    owner.shows("Your last stream has ended.").await;

    owner.clicks("Make a stream key").await;
    owner.shows("Waiting for your encoder").await;
    operator.clicks_the("link", "Blocked users").await;
    operator.fills("User", "1").await;
    operator.fills("Reason", "Sent the same picture for a week.").await;
    operator.clicks_the("button", "Block").await;
    operator.shows("User 1 is blocked, and the active stream was stopped.").await;
    owner.shows("Your last stream has ended.").await;
    owner.clicks("Make a stream key").await;
    owner.shows("Sent the same picture for a week.").await;

    operator.clicks("Unblock: 1").await;
    operator.shows("User 1 may broadcast again.").await;
    owner.clicks("Make a stream key").await;
    owner.shows("Waiting for your encoder").await;
    owner.clicks("Show: Stream Key").await;
    let address = super::encoder_address(owner).await;
    let _encoder = encoder::publish_like_obs(&address, 30, platform.folder.path());
    owner.shows("from edge").await;
    operator.clicks_the("link", "Media servers").await;
    operator.shows("Reachable").await;
    operator.clicks_the("link", "Health").await;
    operator.shows("Examined").await;
    // Nothing of the operator's is kept with the page, and nothing was refused by the policy.
    assert_eq!(operator.evaluates("JSON.stringify(sessionStorage)").await, "{}");
    assert_eq!(unexpected(operator.faults().await), [""; 0]);
    assert_eq!(unexpected(owner.faults().await), [""; 0]);
}
