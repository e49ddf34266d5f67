//! A publisher that may no longer be live is kicked.

use super::*;
use crate::lifecycle::LIFETIME;

fn kick_pending(world: &World) -> Option<u32> {
    block_on(world.broadcasts.kick_pending(&edge())).ok()
}

#[test]
fn a_stopped_publisher_is_cut_and_that_is_written_down() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one", "two"]);
    world.admit("s1", "one");
    world.admit("s2", "two");
    assert_eq!(kick_pending(&world), Some(0));
    world.stop(1);
    world.clock.advance(SECOND);
    assert_eq!(kick_pending(&world), Some(1));
    assert_eq!(world.kick(), ["s1"]);
    assert_eq!(world.sessions(1)[0].ended, Some((world.now(), EndReason::Stopped)));
    world.clock.advance(5 * SECOND);
    assert_eq!(kick_pending(&world), Some(0), "it is gone");
    assert_eq!(world.end_of(2), None);
}

#[test]
fn expired_and_deleted_streams_publishers_are_cut_too() {
    let world = Setup::of(Family::AntMedia).begin().with_streams(["one", "two"]);
    world.clock.advance(LIFETIME - SECOND);
    world.admit("s1", "one");
    world.admit("s2", "two");
    world.store.delete(StreamId(2));
    assert_eq!(kick_pending(&world), Some(1));
    assert_eq!(world.kick(), ["s2"]);
    world.clock.advance(SECOND);
    assert_eq!(kick_pending(&world), Some(1));
    assert_eq!((world.kick(), world.end_of(1)), (vec!["s1".to_owned()], Some(EndReason::Expired)));
}

#[test]
fn what_cannot_be_cut_is_tried_again_after_a_second() {
    let world = Setup { stubborn: vec!["s1"], ..Setup::of(Family::Srs) }.begin().with_streams(["one"]);
    world.admit("s1", "one");
    world.stop(1);
    assert_eq!(kick_pending(&world), None, "the failure is told");
    assert_eq!(world.kick(), ["s1"]);
    assert_eq!(kick_pending(&world), Some(0), "it is given time");
    assert_eq!(world.kick(), Vec::<String>::new());
    for _ in 0..3 {
        world.clock.advance(SECOND);
        assert_eq!(kick_pending(&world), None);
        assert_eq!(world.kick(), ["s1"]);
    }
    assert_eq!(world.end_of(1), None, "nobody has seen it go");
}

#[test]
fn one_that_cannot_be_cut_does_not_keep_the_others_on_air() {
    let world = Setup { stubborn: vec!["s1"], ..Setup::of(Family::Srs) }
        .begin()
        .with_streams(["one", "two", "three"]);
    for (number, name) in [(1, "one"), (2, "two"), (3, "three")] {
        world.admit(&format!("s{number}"), name);
        world.stop(number);
    }
    for _ in 0..3 {
        assert_eq!(kick_pending(&world), None);
        world.clock.advance(SECOND);
    }
    assert_eq!(world.end_of(1), None);
    assert_eq!((world.end_of(2), world.end_of(3)), (Some(EndReason::Stopped), Some(EndReason::Stopped)));
}

#[test]
fn whoever_takes_over_finds_the_first_gone() {
    for family in Family::ALL.into_iter().filter(|family| !family.capabilities().replaces_publishers) {
        let world = Setup::of(family).begin().with_streams(["one"]);
        world.admit("s1", "one");
        world.clock.advance(SECOND);
        let second = world.admit("s2", "one");
        assert_eq!(world.kick(), ["s1"], "{family:?}: before the answer");
        assert_eq!(second.superseded.unwrap().1.session, "s1");
        assert_eq!(world.sessions(1)[0].ended, Some((world.now(), EndReason::Superseded)));
        world.clock.advance(5 * SECOND);
        assert_eq!(kick_pending(&world), Some(0), "{family:?}: once is enough");
    }
}

#[test]
fn mediamtx_ends_the_first_by_itself_and_is_told_nothing_while_it_waits() {
    let world = Setup::of(Family::MediaMtx).begin().with_streams(["one"]);
    world.admit("s1", "one");
    world.admit("s2", "one");
    assert_eq!(world.kick(), Vec::<String>::new());
    assert_eq!(kick_pending(&world), Some(0), "it is given time");
    world.clock.advance(8 * SECOND);
    assert_eq!(kick_pending(&world), Some(0), "the media of the second may come late");
    // What it has not done by then is done for it.
    world.clock.advance(SECOND);
    assert_eq!(kick_pending(&world), Some(1));
    assert_eq!(world.kick(), ["s1"]);
    assert_eq!(world.end_of(1), None, "the second goes on");
}

#[test]
fn a_takeover_is_not_undone_by_a_first_that_cannot_be_cut_in_time() {
    let world = Setup { stubborn: vec!["s1"], ..Setup::of(Family::Srs) }.begin().with_streams(["one"]);
    world.admit("s1", "one");
    assert!(world.admit("s2", "one").is_new);
    assert_eq!(world.kick(), ["s1"]);
    world.clock.advance(SECOND);
    assert_eq!(kick_pending(&world), None);
    assert_eq!(world.kick(), ["s1"], "it is tried again");
    assert!(world.is_live("one"));
}

#[test]
fn a_name_that_was_taken_over_is_not_ended_where_names_are_all_there_is() {
    let setup = Setup { stubborn: vec!["first"], ..Setup::of(Family::OvenMediaEngine) };
    let world = setup.begin().with_streams(["one", "two"]);
    world.admit("first", "one");
    world.admit("second", "one");
    assert_eq!(world.kick(), ["first"], "before the answer only the first can be meant");
    world.clock.advance(SECOND);
    assert_eq!(kick_pending(&world), Some(1), "it is taken as done");
    assert_eq!(world.kick(), Vec::<String>::new());
    assert!(world.is_live("one"));
    // All other ends are by name there.
    world.stop(1);
    assert_eq!(kick_pending(&world), Some(1));
    assert_eq!(world.kick(), ["second"]);
}

#[test]
fn an_end_that_the_server_tells_leaves_nothing_to_cut() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one"]);
    world.admit("s1", "one");
    world.stop(1);
    let which =
        crate::ports::SessionSelector::Session { server: edge(), session: "s1".to_owned(), name: None };
    assert!(block_on(world.broadcasts.end(&which, EndReason::Left)).unwrap());
    assert_eq!(kick_pending(&world), Some(0));
    assert_eq!(world.end_of(1), Some(EndReason::Stopped), "which is why it left");
}
