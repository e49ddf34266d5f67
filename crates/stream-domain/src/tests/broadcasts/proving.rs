//! What a list may prove: who has ended, who is on air, and who is not.

use super::*;
use crate::ports::Process;

/// A list of the worker with this number, which has run for so long; `connection` counts from nginx's start on.
fn worker(world: &World, id: u32, age: Duration, connection: Option<u64>) {
    let process = Process::Worker { id: id.to_string(), age, connection };
    world.listing.lock().unwrap().process = Some(process);
}

fn moving(session: &str, name: &str, bytes: u64) -> ListedPublisher {
    ListedPublisher { bytes: Some(bytes), ..listed(session, name) }
}

/// Looks at the list every two seconds for so long, while the publisher is heard of by updates in between.
fn look_for(world: &World, seconds: i32, updates: Option<(&str, &str)>) {
    for _ in 0..seconds / 2 {
        world.clock.advance(2 * SECOND);
        if let Some((session, name)) = updates {
            world
                .ask(&PublisherReport { trigger: Trigger::Heartbeat, ..world.asking(session, name, 1) })
                .unwrap();
        }
        assert_eq!(world.reconcile().0, 0, "a list ended somebody");
    }
}

#[test]
fn a_list_that_was_cut_short_ends_nobody_and_still_cuts_and_renews() {
    let list = [listed("s2", "two"), listed("s3", "stopped")];
    let world = Setup::listing(Family::Srs, list).begin().with_streams(["one", "two", "stopped"]);
    world.admit("s1", "one");
    world.admit("s2", "two");
    world.stop(3);
    world.listing.lock().unwrap().is_whole = false;
    for _ in 0..5 {
        world.clock.advance(2 * SECOND);
        assert_eq!(world.reconcile(), (0, 0, 1));
    }
    assert_eq!(world.kick().len(), 5, "one that may not be there is kicked whatever else the list has");
    assert!(world.is_live("one"));
    world.clock.advance(3 * SECOND);
    assert!(world.is_live("two"), "the list renews whom it has");
    assert!(!world.is_live("one"), "what nobody has spoken of for a lease is over");
}

#[test]
fn one_that_is_missed_now_and_then_stays() {
    let world = Setup::listing(Family::MediaMtx, [listed("s1", "one")]).begin().with_streams(["one"]);
    world.admit("s1", "one");
    world.clock.advance(8 * SECOND);
    for turn in 0..7 {
        world.list((turn % 2 == 0).then(|| listed("s1", "one")));
        assert_eq!(world.reconcile(), (0, 0, 0));
        world.clock.advance(2 * SECOND);
    }
    // Not even by a partial list between two that miss it.
    world.list([]);
    assert_eq!(world.reconcile(), (0, 0, 0));
    world.listing.lock().unwrap().is_whole = false;
    assert_eq!(world.reconcile(), (0, 0, 0));
    world.listing.lock().unwrap().is_whole = true;
    assert_eq!(world.reconcile(), (0, 0, 0));
    assert_eq!(world.reconcile(), (1, 0, 0));
}

#[test]
fn a_publisher_of_another_worker_is_neither_ended_nor_let_be_forgotten() {
    let world = Setup { unreachable: vec!["7"], ..Setup::listing(Family::NginxRtmp, [listed("7", "one")]) };
    let world = world.begin().with_streams(["one"]);
    world.admit("7", "one");
    worker(&world, 100, Duration::HOUR, Some(20));
    assert_eq!(world.reconcile(), (0, 0, 0));
    // nginx is told to reload: the new worker lists nobody, and the old one goes on to update.
    worker(&world, 101, SECOND, Some(25));
    world.list([]);
    look_for(&world, 60, Some(("7", "one")));
    assert!(world.is_live("one"));
    // A second encoder meets the first one.
    assert_eq!(world.ask(&world.asking("30", "one", 2)), Err(Refusal::AlreadyLive));
    // A stop is tried until it is known to be done, and the worker that answers does not know.
    world.stop(1);
    for _ in 0..5 {
        assert_eq!(block_on(world.broadcasts.kick_pending(&edge())).unwrap(), 0);
        world.clock.advance(2 * SECOND);
    }
    assert_eq!(world.kick(), ["7"; 5]);
    // The old worker asks, and is told.
    let update = PublisherReport { trigger: Trigger::Heartbeat, ..world.asking("7", "one", 1) };
    assert_eq!(world.ask(&update), Err(Refusal::Stopped));
}

#[test]
fn a_publisher_of_another_worker_that_is_heard_of_no_more_is_over_with_its_lease() {
    let world = Setup::listing(Family::NginxRtmp, [listed("7", "one")]).begin().with_streams(["one"]);
    world.admit("7", "one");
    worker(&world, 100, Duration::HOUR, None);
    assert_eq!(world.reconcile(), (0, 0, 0));
    // The worker crashed: another one lists nobody, and nobody says anything any more.
    worker(&world, 101, SECOND, None);
    world.list([]);
    look_for(&world, 10, None);
    assert!(world.is_live("one"));
    world.clock.advance(2 * SECOND);
    assert!(!world.is_live("one"));
}

#[test]
fn a_publisher_that_its_own_worker_lists_no_more_has_ended() {
    let world = Setup::listing(Family::NginxRtmp, [listed("7", "one")]).begin().with_streams(["one"]);
    world.admit("7", "one");
    worker(&world, 100, Duration::HOUR, None);
    world.reconcile();
    world.list([]);
    world.clock.advance(6 * SECOND);
    assert_eq!(world.reconcile(), (0, 0, 0));
    assert_eq!(world.reconcile(), (1, 0, 0));
    assert_eq!(world.end_of(1), Some(EndReason::Left));
}

#[test]
fn workers_that_answer_in_turn_end_nobody_of_each_other() {
    let world = Setup::of(Family::NginxRtmp).begin().with_streams(["one", "two"]);
    world.admit("7", "one");
    world.admit("8", "two");
    for turn in 0..20_u32 {
        let is_even = turn % 2 == 0;
        worker(&world, turn % 2, Duration::HOUR, Some(30 + u64::from(turn)));
        world.list([if is_even { listed("7", "one") } else { listed("8", "two") }]);
        world.clock.advance(2 * SECOND);
        assert_eq!(world.reconcile(), (0, 0, 0));
    }
    assert!(world.is_live("one") && world.is_live("two"));
}

#[test]
fn a_restart_that_is_proven_ends_at_once_who_was_there_before_and_nobody_else() {
    let world = Setup::listing(Family::NginxRtmp, [listed("7", "one")]).begin().with_streams(["one", "two"]);
    world.admit("7", "one");
    worker(&world, 100, Duration::HOUR, Some(20));
    world.reconcile();
    world.clock.advance(10 * SECOND);
    // Started anew five seconds ago; one has come since, and is not listed yet.
    world.admit("3", "two");
    worker(&world, 101, 5 * SECOND, Some(4));
    world.list([]);
    assert_eq!(world.reconcile(), (1, 0, 0));
    assert_eq!((world.end_of(1), world.end_of(2)), (Some(EndReason::ServerRestarted), None));
}

#[test]
fn another_run_of_a_server_that_is_one_process_ends_who_was_there_before() {
    let world = Setup::listing(Family::Srs, [listed("s1", "one")]).begin().with_streams(["one", "two"]);
    let in_run = |boot_id: &str, session: &str, name: &str| {
        let report = PublisherReport { boot_id: Some(boot_id.to_owned()), ..world.asking(session, name, 1) };
        world.ask(&report).unwrap();
    };
    in_run("first", "s1", "one");
    world.listing.lock().unwrap().process = Some(Process::Whole("first".to_owned()));
    assert_eq!(world.reconcile(), (0, 0, 0));
    world.clock.advance(SECOND);
    world.listing.lock().unwrap().process = Some(Process::Whole("second".to_owned()));
    world.list([]);
    world.reconcile();
    assert_eq!(world.end_of(1), Some(EndReason::ServerRestarted));
}

#[test]
fn one_that_waits_for_a_hook_is_neither_found_nor_cut() {
    let waiting = ListedPublisher { may_wait: true, ..listed("s1", "one") };
    let world = Setup::listing(Family::Srs, [waiting]).begin().with_streams(["one"]);
    assert_eq!(world.reconcile(), (0, 0, 0));
    assert_eq!(world.kick(), Vec::<String>::new());
    // Once it was let in, the list renews it.
    world.admit("s1", "one");
    world.clock.advance(8 * SECOND);
    world.reconcile();
    world.clock.advance(8 * SECOND);
    assert!(world.is_live("one"));
}

#[test]
fn one_that_was_let_in_is_live_when_its_server_shows_it() {
    let world = Setup::of(Family::NginxRtmp).begin().with_streams(["one"]);
    worker(&world, 100, Duration::HOUR, None);
    world.reconcile();
    world.admit("7", "one");
    assert!(!world.is_live("one"), "nobody has seen it yet");
    assert!(!world.broadcasts.is_look_due(&edge()));
    world.clock.advance(Duration::milliseconds(500));
    assert!(world.broadcasts.is_look_due(&edge()), "it is looked for soon");
    // Its connection is there, and no media yet.
    world.list([moving("7", "one", 0)]);
    world.reconcile();
    assert!(!world.is_live("one"));
    world.list([moving("7", "one", 4_000)]);
    world.clock.advance(Duration::milliseconds(500));
    world.reconcile();
    assert!(world.is_live("one"));
    world.clock.advance(SECOND);
    assert!(!world.broadcasts.is_look_due(&edge()), "nobody is in doubt any more");
    world.clock.advance(SECOND);
    assert!(world.broadcasts.is_look_due(&edge()));
}

#[test]
fn one_whose_server_cannot_show_it_is_live_at_once() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one"]);
    // The list was not read yet, and nobody knows whether it ever will be.
    world.admit("s1", "one");
    assert!(world.is_live("one"));
}

#[test]
fn one_whose_bytes_stand_still_is_off_air_until_they_move_again() {
    let world = Setup::of(Family::NginxRtmp).begin().with_streams(["one"]);
    world.admit("7", "one");
    let began = world.sessions(1)[0].live_since;
    for bytes in 1..10 {
        world.list([moving("7", "one", bytes * 1_000)]);
        world.reconcile();
        world.clock.advance(2 * SECOND);
    }
    assert!(world.is_live("one"));
    // It freezes, though its connection stands and its server goes on to update.
    let froze = world.now();
    let update = PublisherReport { trigger: Trigger::Heartbeat, ..world.asking("7", "one", 1) };
    while world.is_live("one") {
        world.clock.advance(Duration::milliseconds(500));
        if world.broadcasts.is_look_due(&edge()) {
            world.reconcile();
        }
        assert!(world.now() <= froze.plus(8 * SECOND), "it is still said to be live");
    }
    for _ in 0..10 {
        world.clock.advance(2 * SECOND);
        world.ask(&update).unwrap();
        assert!(!world.is_live("one"), "an update is no picture");
        assert_eq!(world.reconcile(), (0, 0, 0));
        assert_eq!(world.sessions(1)[0].ended_at(world.now()), None, "it is connected still");
    }
    world.list([moving("7", "one", 20_000)]);
    world.reconcile();
    assert!(world.is_live("one"));
    let sessions = world.sessions(1);
    assert_eq!((sessions.len(), sessions[0].live_since), (1, began), "it is the same broadcast");
}

#[test]
fn a_short_pause_of_the_media_is_no_end() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one"]);
    world.admit("s1", "one");
    // SRS adds up every three seconds.
    for step in 0..40_u64 {
        world.list([moving("s1", "one", step * 500 / 3_000 + 1)]);
        if world.broadcasts.is_look_due(&edge()) {
            world.reconcile();
        }
        assert!(world.is_live("one"), "after {step} half seconds");
        world.clock.advance(Duration::milliseconds(500));
    }
}

#[test]
fn one_that_was_not_found_is_gone_when_its_own_worker_lists_it_no_more() {
    let setup = Setup { unreachable: vec!["7"], ..Setup::listing(Family::NginxRtmp, [listed("7", "one")]) };
    let world = setup.begin().with_streams(["one"]);
    world.admit("7", "one");
    worker(&world, 100, Duration::HOUR, None);
    world.reconcile();
    world.stop(1);
    assert_eq!(block_on(world.broadcasts.kick_pending(&edge())).unwrap(), 0, "it is listed still");
    world.list([]);
    world.clock.advance(2 * SECOND);
    assert_eq!(block_on(world.broadcasts.kick_pending(&edge())).unwrap(), 1);
    assert_eq!(world.end_of(1), Some(EndReason::Stopped));
    world.clock.advance(2 * SECOND);
    world.kick();
    assert_eq!(block_on(world.broadcasts.kick_pending(&edge())).unwrap(), 0);
    assert_eq!(world.kick(), Vec::<String>::new());
}

#[test]
fn a_server_that_replaces_publishers_keeps_the_one_before_until_the_next_brings_media() {
    let world = Setup::listing(Family::MediaMtx, [listed("s1", "one")]).begin().with_streams(["one"]);
    world.admit("s1", "one");
    world.reconcile();
    world.admit("s2", "one");
    assert!(world.is_live("one"), "viewers go on with the one before");
    for _ in 0..2 {
        world.clock.advance(SECOND);
        world.reconcile();
        block_on(world.broadcasts.kick_pending(&edge())).unwrap();
        assert!(world.is_live("one"));
    }
    world.list([listed("s2", "one")]);
    look_for(&world, 20, None);
    assert!(world.is_live("one"));
    let sessions = world.sessions(1);
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0].ended.map(|(_, how)| how), Some(EndReason::Superseded));
    assert_eq!((sessions[1].epoch, sessions[1].ended), (1, None));
    assert!(world.kick().iter().all(|session| session == "s1"), "nobody but the one before is ever ended");
}

#[test]
fn one_that_takes_over_from_one_that_never_was_on_air_is_not_live_for_it() {
    let world = Setup::of(Family::MediaMtx).begin().with_streams(["one"]);
    world.reconcile();
    world.admit("s1", "one");
    world.admit("s2", "one");
    assert!(!world.is_live("one"), "neither has brought media");
    // A hook shows the second, before any list does, and a third takes over from it.
    world.ask(&PublisherReport { trigger: Trigger::Heartbeat, ..world.asking("s2", "one", 1) }).unwrap();
    world.admit("s3", "one");
    assert!(world.is_live("one"), "viewers go on with the second");
}

#[test]
fn one_that_takes_over_and_brings_no_media_ends_no_broadcast() {
    let world = Setup::listing(Family::MediaMtx, [listed("s1", "one")]).begin().with_streams(["one"]);
    world.admit("s1", "one");
    world.reconcile();
    world.admit("s2", "one");
    for _ in 0..30 {
        world.clock.advance(SECOND);
        world.reconcile();
        block_on(world.broadcasts.kick_pending(&edge())).unwrap();
        assert!(world.is_live("one"));
    }
    assert_eq!(world.kick(), Vec::<String>::new());
    let sessions = world.sessions(1);
    assert_eq!((sessions[0].publisher.session.as_str(), sessions[0].ended), ("s1", None));
    assert_eq!(sessions[1].ended.map(|(_, how)| how), Some(EndReason::AnsweredTooLate));
}

#[test]
fn two_that_take_over_in_a_row_without_media_end_no_broadcast() {
    let world = Setup::listing(Family::MediaMtx, [listed("s1", "one")]).begin().with_streams(["one"]);
    world.admit("s1", "one");
    world.reconcile();
    world.admit("s2", "one");
    for second in 0..30 {
        if second == 2 {
            world.admit("s3", "one");
        }
        world.clock.advance(SECOND);
        world.reconcile();
        block_on(world.broadcasts.kick_pending(&edge())).unwrap();
        assert!(world.is_live("one"), "after {second} s");
    }
    assert_eq!(world.kick(), Vec::<String>::new());
    let sessions = world.sessions(1);
    assert_eq!((sessions[0].publisher.session.as_str(), sessions[0].ended), ("s1", None));
    let ends: Vec<_> = sessions[1..].iter().map(|session| session.ended.map(|(_, how)| how)).collect();
    assert_eq!(ends, [Some(EndReason::AnsweredTooLate); 2]);
}

#[test]
fn of_two_that_take_over_in_a_row_the_one_with_media_stays() {
    let world = Setup::listing(Family::MediaMtx, [listed("s1", "one")]).begin().with_streams(["one"]);
    world.admit("s1", "one");
    world.reconcile();
    world.admit("s2", "one");
    world.clock.advance(SECOND);
    world.admit("s3", "one");
    // The second replaces the first after all; the third never sends anything.
    world.list([listed("s2", "one")]);
    for _ in 0..20 {
        world.clock.advance(SECOND);
        world.reconcile();
        block_on(world.broadcasts.kick_pending(&edge())).unwrap();
        assert!(world.is_live("one"));
    }
    assert!(!world.kick().contains(&"s2".to_owned()));
    let sessions = world.sessions(1);
    assert_eq!(sessions[1].ended, None);
    assert_eq!(sessions[2].ended.map(|(_, how)| how), Some(EndReason::AnsweredTooLate));
}

#[test]
fn one_that_is_back_before_its_end_was_seen_twice_is_not_cut() {
    // A gate there has seen its key, and no hook tells that it comes.
    let world = Setup::listing(Family::NodeMediaServer2, [listed("s1", "one")]).begin().with_streams(["one"]);
    assert_eq!(world.reconcile(), (0, 1, 0));
    world.clock.advance(8 * SECOND);
    world.list([listed("s2", "one")]);
    assert_eq!(world.reconcile(), (0, 0, 0), "the one before is missed for the first time");
    assert!(world.is_live("one"));
    world.clock.advance(SECOND);
    assert_eq!(world.reconcile(), (1, 1, 0));
    assert!(world.is_live("one"));
    assert!(world.kick().is_empty());
}
