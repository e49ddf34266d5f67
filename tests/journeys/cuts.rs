//! A stop ends the broadcast, whichever way it is requested and whatever fails meanwhile.

use stream_simulated_servers::Family;
use stream_tests::{Encoder, MediaSetup, Owner, Stage, StoreKind, eventually};

super::on_both_stores! {
    a_stop_that_nobody_could_carry_out_is_carried_out_after_a_restart
    a_publisher_whose_stream_is_deleted_is_cut
    a_media_server_that_was_away_is_told_when_it_is_back
}

/// A publisher at an SRS, which is listed and kicked through its control interface.
async fn on_air(kind: StoreKind) -> (Stage, Owner, Encoder) {
    let mut stage = Stage::start(MediaSetup::Simulated(Family::Srs), kind).await;
    let owner = stage.new_owner().await;
    let encoder = stage.publish(&owner, 1).await;
    eventually("a publisher on air", || async { stage.is_live(&owner).await }).await;
    (stage, owner, encoder)
}

async fn a_stop_that_nobody_could_carry_out_is_carried_out_after_a_restart(kind: StoreKind) {
    let (mut stage, owner, mut encoder) = on_air(kind).await;
    stage.crash_service();
    // The earlier service, which runs beside this one for a while.
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

async fn a_publisher_whose_stream_is_deleted_is_cut(kind: StoreKind) {
    let (stage, owner, mut encoder) = on_air(kind).await;
    stage.store.sql(&format!("DELETE FROM streams WHERE id = {}", owner.stream));
    encoder.ended().await;
    let ended = format!("SELECT end_reason FROM publish_sessions WHERE stream_id = {}", owner.stream);
    eventually("the end of the session", || async { stage.store.sql(&ended) == "deleted" }).await;
    assert_eq!(stage.service().lookup(&owner.key).await, 404);
}

async fn a_media_server_that_was_away_is_told_when_it_is_back(kind: StoreKind) {
    let (mut stage, owner, encoder) = on_air(kind).await;
    stage.crash_media().await;
    assert_eq!(stage.service().post_as(owner.user, "/api/streams/stop").await.status, 200);
    drop(encoder);
    stage.restart_media().await;
    // The publisher did not survive, and nothing is left to be cut.
    let left = "SELECT count(*) FROM publish_sessions WHERE ended_at IS NULL OR cut_because IS NOT NULL";
    eventually("the end of all there was to cut", || async { stage.store.sql(left) == "0" }).await;
    assert_eq!(stage.sessions(&owner).await[0]["end_reason"], "stopped");
}
