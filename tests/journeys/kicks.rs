//! A stop kicks the publisher, in whatever way it is requested and whatever fails in between.

use stream_simulated_servers::Family;
use stream_tests::{Encoder, MediaSetup, Owner, Stage, StoreKind, eventually};

super::on_both_stores! {
    a_stop_made_while_the_service_is_down_is_carried_out_after_its_restart
    the_publisher_of_a_deleted_stream_is_kicked
    a_stop_made_while_the_media_server_is_down_leaves_nothing_to_kick_after_its_restart
}

/// A publisher at an SRS, which is listed and kicked through its control interface.
async fn live_owner(kind: StoreKind) -> (Stage, Owner, Encoder) {
    let mut stage = Stage::start(MediaSetup::Simulated(Family::Srs), kind).await;
    let owner = stage.new_owner().await;
    let encoder = stage.publish(&owner, 1).await;
    eventually("a live publisher", || async { stage.is_live(&owner).await }).await;
    (stage, owner, encoder)
}

async fn a_stop_made_while_the_service_is_down_is_carried_out_after_its_restart(kind: StoreKind) {
    let (mut stage, owner, mut encoder) = live_owner(kind).await;
    stage.crash_service();
    // As the earlier service does, which may run at the same time.
    stage.store.sql(&format!("UPDATE streams SET status = 'stopped' WHERE id = {}", owner.stream));
    assert!(!encoder.has_ended());
    stage.restart_service().await;
    encoder.ended().await;
    eventually("the end of the session", || async {
        stage.sessions(&owner).await[0]["end_reason"] == "stopped"
    })
    .await;
    stage.publish(&owner, 1).await.ended().await;
    assert_eq!(stage.attempts(&owner).await, ["stopped"]);
}

async fn the_publisher_of_a_deleted_stream_is_kicked(kind: StoreKind) {
    let (stage, owner, mut encoder) = live_owner(kind).await;
    stage.store.sql(&format!("DELETE FROM streams WHERE id = {}", owner.stream));
    encoder.ended().await;
    let ended = format!("SELECT end_reason FROM publish_sessions WHERE stream_id = {}", owner.stream);
    eventually("the end of the session", || async { stage.store.sql(&ended) == "deleted" }).await;
    assert_eq!(stage.service().lookup(&owner.key).await, 404);
}

async fn a_stop_made_while_the_media_server_is_down_leaves_nothing_to_kick_after_its_restart(
    kind: StoreKind,
) {
    let (mut stage, owner, encoder) = live_owner(kind).await;
    stage.crash_media().await;
    assert_eq!(stage.service().post_as(owner.user, "/api/streams/stop").await.status, 200);
    drop(encoder);
    stage.restart_media().await;
    // The publisher has ended with its server, so there is nothing left to kick.
    let left = "SELECT count(*) FROM publish_sessions WHERE ended_at IS NULL OR cut_because IS NOT NULL";
    eventually("no open session and no pending kick", || async { stage.store.sql(left) == "0" }).await;
    assert_eq!(stage.sessions(&owner).await[0]["end_reason"], "stopped");
}
