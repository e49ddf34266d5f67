//! Every situation on every set-up of every family: which publisher is live, and whether the service reports that.
//!
//! The result is a table; docs/media-servers/README.md contains the same one.

use std::fmt::Write as _;
use std::time::Instant;

use stream_simulated_servers::Family;
use stream_tests::{Encoder, MediaSetup, Owner, Stage, StoreKind, eventually, find_secret, workspace};

/// The situations, by their names in the table.
const SITUATIONS: [&str; 13] = [
    "good key",
    "unknown key",
    "malformed name",
    "expired key",
    "stopped key",
    "second publisher",
    "the same encoder again, while the first connection is still there",
    "stop while live",
    "expiry while live",
    "encoder killed",
    "media server killed",
    "service killed",
    "hook slow by 4 s",
];

/// The outcomes of a set-up, in the order of [`SITUATIONS`], and how long a stop and a crash took to show.
struct Played {
    outcomes: Vec<&'static str>,
    cut_after: Option<std::time::Duration>,
    crash_seen_after: Option<std::time::Duration>,
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "shows the table and the times")]
async fn every_situation_has_the_documented_outcome_on_every_set_up() {
    let running = MediaSetup::ALL.map(|media_setup| {
        let kind = if media_setup.hides_keys() { StoreKind::Postgres } else { StoreKind::Sqlite };
        tokio::spawn(async move { play(Stage::start(media_setup, kind).await).await })
    });
    let (mut columns, mut failures) = (Vec::new(), Vec::new());
    for (media_setup, played) in MediaSetup::ALL.into_iter().zip(running) {
        match played.await {
            Ok(played) => {
                let (cut, crash) = (played.cut_after, played.crash_seen_after);
                println!(
                    "{}: a stop cut after {cut:?}, a crash was seen after {crash:?}",
                    media_setup.title()
                );
                columns.push((media_setup, played.outcomes));
            }
            Err(failure) => failures.push(format!("{}: {failure}", media_setup.title())),
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
    let table = table(&columns);
    println!("{table}");
    let page =
        std::fs::read_to_string(workspace().join("docs/media-servers/README.md")).expect("the page is there");
    assert!(page.contains(&table), "docs/media-servers/README.md does not contain this table:\n{table}");
}

fn table(columns: &[(MediaSetup, Vec<&'static str>)]) -> String {
    let mut table = String::from("| situation |");
    columns.iter().for_each(|(media_setup, _)| {
        write!(table, " {} |", media_setup.title()).expect("a string accepts all text");
    });
    table.push_str("\n| --- |");
    table.push_str(&" --- |".repeat(columns.len()));
    for (row, situation) in SITUATIONS.iter().enumerate() {
        write!(table, "\n| {situation} |").expect("a string accepts all text");
        columns
            .iter()
            .for_each(|(_, cells)| write!(table, " {} |", cells[row]).expect("a string accepts all text"));
    }
    table
}

async fn play(mut stage: Stage) -> Played {
    let mut outcomes = vec![good_key(&mut stage).await];
    for name in ["unknown", "malformed", "expired", "stopped"] {
        outcomes.push(wrong_key(&mut stage, name).await);
    }
    outcomes.push(second_publisher(&mut stage).await);
    outcomes.push(same_encoder_again(&mut stage).await);
    let (outcome, cut_after) = ended_while_live(&mut stage, "stopped").await;
    outcomes.push(outcome);
    outcomes.push(ended_while_live(&mut stage, "expired").await.0);
    outcomes.push(encoder_killed(&mut stage).await);
    let (outcome, crash_seen_after) = media_server_killed(&mut stage).await;
    outcomes.push(outcome);
    outcomes.push(service_killed(&mut stage).await);
    outcomes.push(hook_slow(&mut stage).await);
    Played { outcomes, cut_after, crash_seen_after }
}

/// An owner whose encoder is live, for viewers and for the service.
async fn live_owner(stage: &mut Stage) -> (Owner, Encoder) {
    let owner = stage.new_owner().await;
    let mut encoder = stage.publish(&owner, 1).await;
    wait_until_live(stage, &owner).await;
    assert!(!encoder.has_ended(), "{:?}: {encoder:?}", stage.media_setup);
    (owner, encoder)
}

async fn wait_until_live(stage: &Stage, owner: &Owner) {
    let what = format!("{:?}: a picture that the service reports as live", stage.media_setup);
    eventually(&what, || async { stage.is_live(owner).await && stage.can_be_watched(owner).await }).await;
}

async fn wait_until_off_air(stage: &Stage, owner: &Owner) {
    let what = format!("{:?}: the end of a picture, also in the service's reports", stage.media_setup);
    eventually(&what, || async {
        stage.stream(owner).await["live"] == false
            && !stage.is_live(owner).await
            && !stage.can_be_watched(owner).await
    })
    .await;
}

async fn good_key(stage: &mut Stage) -> &'static str {
    let (owner, encoder) = live_owner(stage).await;
    assert!(stage.shows_a_picture(&owner).await, "{:?}", stage.media_setup);
    let stream = stage.stream(&owner).await;
    assert_eq!(
        (&stream["status"], &stream["live_since"]),
        (&"active".into(), &stage.sessions(&owner).await[0]["live_since"])
    );
    if stage.media_setup.hides_keys() {
        let public = stage.service().get("/api/streams/public").await.json.to_string();
        let lookup = stage.service().get(&format!("/api/streams/public/{}", owner.playback_id)).await;
        assert_eq!((lookup.status, &lookup.json["live"]), (200, &true.into()));
        let shown = format!("{public}\n{}\n{}", lookup.json, stage.pages(&owner).await);
        assert!(shown.contains(&owner.playback_id), "{shown}");
        assert_eq!(find_secret(&shown, std::slice::from_ref(&owner.key)), None, "{:?}", stage.media_setup);
    }
    encoder.kill();
    wait_until_off_air(stage, &owner).await;
    "on air"
}

async fn wrong_key(stage: &mut Stage, what: &str) -> &'static str {
    let mut owner = stage.new_owner().await;
    match what {
        "unknown" => owner.key = "a-key-that-nobody-has".to_owned(),
        "malformed" => (owner.key, owner.playback_id) = ("not.a.key".to_owned(), "not.a.key".to_owned()),
        "expired" => stage.store.let_expire(&owner.key),
        _ => assert_eq!(stage.service().post_as(owner.user, "/api/streams/stop").await.status, 200),
    }
    let mut encoder = stage.publish(&owner, 1).await;
    encoder.ended().await;
    assert!(!stage.is_live(&owner).await && !stage.can_be_watched(&owner).await, "{:?}", stage.media_setup);
    assert_eq!(stage.sessions(&owner).await.len(), 0);
    // A gate that only looks the key up leaves no attempt, and an unknown key has no owner.
    if matches!(what, "expired" | "stopped") && stage.media_setup != MediaSetup::NodeTwo {
        assert_eq!(stage.attempts(&owner).await, [what]);
    }
    "refused"
}

async fn second_publisher(stage: &mut Stage) -> &'static str {
    let (owner, mut first) = live_owner(stage).await;
    let began = stage.stream(&owner).await["live_since"].clone();
    let mut second = stage.publish(&owner, 2).await;
    second.ended().await;
    wait_until_live(stage, &owner).await;
    assert!(!first.has_ended(), "{:?}: the first was kicked", stage.media_setup);
    assert_eq!(stage.stream(&owner).await["live_since"], began);
    let open = stage.sessions(&owner).await;
    assert_eq!((open.len(), &open[0]["ended_at"]), (1, &().into()), "{:?}: {open:?}", stage.media_setup);
    // If the hook does not identify the publisher, the media server itself refuses the second.
    let is_told = !matches!(stage.media_setup, MediaSetup::NodeTwo | MediaSetup::Simulated(Family::AntMedia));
    if is_told {
        assert_eq!(stage.attempts(&owner).await, ["already_live"], "{:?}", stage.media_setup);
    }
    first.kill();
    wait_until_off_air(stage, &owner).await;
    "refused"
}

async fn same_encoder_again(stage: &mut Stage) -> &'static str {
    let (owner, mut first) = live_owner(stage).await;
    let began = stage.stream(&owner).await["live_since"].clone();
    let mut second = stage.publish(&owner, 1).await;
    if matches!(stage.media_setup, MediaSetup::NodeTwo | MediaSetup::Simulated(Family::AntMedia)) {
        second.ended().await;
        wait_until_live(stage, &owner).await;
        assert!(!first.has_ended());
        first.kill();
        wait_until_off_air(stage, &owner).await;
        return "refused until the first has gone";
    }
    first.ended().await;
    // If the first could not be kicked in time, the encoder has to retry, as encoders do.
    let mut retried = false;
    while second.has_ended() {
        retried = true;
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        second = stage.publish(&owner, 1).await;
        tokio::time::sleep(std::time::Duration::from_millis(1_000)).await;
    }
    wait_until_live(stage, &owner).await;
    let sessions = stage.sessions(&owner).await;
    assert_eq!(stage.stream(&owner).await["live_since"], began, "it is the same broadcast: {sessions:?}");
    assert!(sessions.iter().any(|one| one["end_reason"] == "superseded"), "{sessions:?}");
    second.kill();
    wait_until_off_air(stage, &owner).await;
    if retried { "takes over at its next try" } else { "takes over" }
}

async fn ended_while_live(
    stage: &mut Stage,
    how: &'static str,
) -> (&'static str, Option<std::time::Duration>) {
    let (owner, mut encoder) = live_owner(stage).await;
    let began = Instant::now();
    if how == "stopped" {
        assert_eq!(stage.service().post_as(owner.user, "/api/streams/stop").await.status, 200);
    } else {
        stage.store.let_expire(&owner.key);
    }
    assert_eq!(stage.stream(&owner).await["live"], false, "the key may not publish any more");
    if stage.media_setup == MediaSetup::Simulated(Family::AntMedia) {
        // The service cannot kick there, so the publisher continues.
        assert!(!encoder.has_ended());
        encoder.kill();
        wait_until_off_air(stage, &owner).await;
        return ("goes on until it leaves", None);
    }
    encoder.ended().await;
    let cut_after = began.elapsed();
    wait_until_off_air(stage, &owner).await;
    eventually("the end of the session", || async { stage.sessions(&owner).await[0]["end_reason"] == how })
        .await;
    // The encoder reconnects immediately, as encoders do, and is refused.
    let mut again = stage.publish(&owner, 1).await;
    again.ended().await;
    assert!(!stage.can_be_watched(&owner).await);
    ("cut", Some(cut_after))
}

async fn encoder_killed(stage: &mut Stage) -> &'static str {
    let (owner, encoder) = live_owner(stage).await;
    encoder.kill();
    wait_until_off_air(stage, &owner).await;
    let sessions = stage.sessions(&owner).await;
    assert_eq!(sessions[0]["end_reason"], "left", "{:?}: {sessions:?}", stage.media_setup);
    "off air"
}

async fn media_server_killed(stage: &mut Stage) -> (&'static str, Option<std::time::Duration>) {
    let (owner, encoder) = live_owner(stage).await;
    let began = Instant::now();
    stage.crash_media().await;
    let is_seen = stage.media_setup != MediaSetup::Simulated(Family::AntMedia);
    if is_seen {
        wait_until_off_air(stage, &owner).await;
    }
    let seen_after = is_seen.then(|| began.elapsed());
    drop(encoder);
    stage.restart_media().await;
    assert!(
        !stage.can_be_watched(&owner).await,
        "{:?}: it still shows the earlier stream",
        stage.media_setup
    );
    // The encoder reconnects, and it is the same broadcast.
    let again = stage.publish(&owner, 1).await;
    wait_until_live(stage, &owner).await;
    assert_eq!(stage.sessions(&owner).await[0]["epoch"], 1);
    again.kill();
    wait_until_off_air(stage, &owner).await;
    (if is_seen { "off air" } else { "not seen" }, seen_after)
}

async fn service_killed(stage: &mut Stage) -> &'static str {
    let (owner, mut encoder) = live_owner(stage).await;
    let waiting = stage.new_owner().await;
    let began = stage.stream(&owner).await["live_since"].clone();
    stage.crash_service();
    let mut refused = stage.publish(&waiting, 3).await;
    refused.ended().await;
    if stage.media_setup == MediaSetup::NginxUpdates {
        // It treats an unanswered update as no.
        encoder.ended().await;
        stage.restart_service().await;
        wait_until_off_air(stage, &owner).await;
        return "cut";
    }
    assert!(!encoder.has_ended(), "{:?}: a broadcast ended with the service", stage.media_setup);
    assert!(stage.can_be_watched(&owner).await);
    stage.restart_service().await;
    wait_until_live(stage, &owner).await;
    assert_eq!(stage.stream(&owner).await["live_since"], began, "it is the same broadcast");
    // An end that happens while the service is down is detected afterwards.
    stage.crash_service();
    encoder.kill();
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    stage.restart_service().await;
    if stage.media_setup != MediaSetup::Simulated(Family::AntMedia) {
        wait_until_off_air(stage, &owner).await;
    }
    "goes on"
}

async fn hook_slow(stage: &mut Stage) -> &'static str {
    let owner = stage.new_owner().await;
    stage.relay.delay(std::time::Duration::from_secs(4));
    let mut encoder = stage.publish(&owner, 1).await;
    let gives_up = matches!(
        stage.media_setup,
        MediaSetup::NginxKey
            | MediaSetup::NginxPlayback
            | MediaSetup::NginxRename
            | MediaSetup::NginxUpdates
            | MediaSetup::NodeTwo
            | MediaSetup::NodeFour
            | MediaSetup::Simulated(Family::OvenMediaEngine)
    );
    if gives_up {
        encoder.ended().await;
        stage.relay.delay(std::time::Duration::ZERO);
        // The delayed request still reaches the service, which admits a publisher that has left.
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        wait_until_off_air(stage, &owner).await;
        return "refused";
    }
    wait_until_live(stage, &owner).await;
    stage.relay.delay(std::time::Duration::ZERO);
    encoder.kill();
    wait_until_off_air(stage, &owner).await;
    "on air after the answer"
}
