//! What is written down is compared with what a media server lists.

use super::*;
use crate::broadcasts::{ReconcileError, Reconciled};

#[test]
fn a_publisher_that_was_missed_is_written_down() {
    let world = Setup::listing(Family::Srs, [listed("s1", "one")]).begin().with_streams(["one"]);
    assert_eq!(world.reconcile(), (0, 1, 0));
    assert!(world.is_live("one"));
    let [session] = &world.sessions(1)[..] else { panic!("one session") };
    assert_eq!((session.publisher.session.as_str(), session.started_at), ("s1", world.now()));
    // Seen again, it is the same one.
    world.clock.advance(10 * SECOND);
    assert_eq!(world.reconcile(), (0, 0, 0));
    world.clock.advance(10 * SECOND);
    assert!(world.is_live("one"), "the list renews its lease");
    assert_eq!(world.kick(), Vec::<String>::new());
}

#[test]
fn what_is_not_listed_twice_has_ended_unless_it_is_young() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one"]);
    world.admit("s1", "one");
    world.clock.advance(4 * SECOND);
    assert_eq!(world.reconcile(), (0, 0, 0));
    world.clock.advance(SECOND);
    assert_eq!(world.reconcile(), (0, 0, 0), "a server may list it late");
    world.clock.advance(Duration::MICROSECOND);
    assert_eq!(world.reconcile(), (0, 0, 0), "a list may miss somebody once");
    assert!(world.is_live("one"));
    assert_eq!(world.reconcile(), (1, 0, 0));
    assert_eq!(world.end_of(1), Some(EndReason::Left));
    assert!(!world.is_live("one"));
    assert_eq!(world.reconcile(), (0, 0, 0));
}

#[test]
fn what_is_listed_and_may_not_be_there_is_cut() {
    let list =
        [listed("s1", "none"), listed("s2", "stopped"), listed("s3", "one"), listed("s4", "not a key!")];
    let world = Setup::listing(Family::Srs, list).begin().with_streams(["one", "stopped"]);
    world.stop(2);
    assert_eq!(world.reconcile(), (0, 1, 3));
    assert_eq!(world.kick(), ["s1", "s2", "s4"]);
    assert!(world.is_live("one"));
    assert_eq!(block_on(world.broadcasts.list_attempts(user(2))).unwrap().len(), 0, "a list is no attempt");
}

#[test]
fn a_second_of_the_same_stream_is_cut_and_the_first_left_alone() {
    let world = Setup {
        takeover: Takeover::Newest,
        ..Setup::listing(Family::Srs, [listed("s1", "one"), listed("s2", "one")])
    };
    let world = world.begin().with_streams(["one"]);
    world.admit("s1", "one");
    // Whatever the terms: else two that are on air would throw each other out in turn.
    assert_eq!(world.reconcile(), (0, 0, 1));
    assert_eq!(world.kick(), ["s2"]);
    assert_eq!(world.sessions(1).len(), 1);
}

#[test]
fn one_that_has_given_way_and_is_still_listed_is_cut() {
    let world = Setup {
        stubborn: vec!["s1"],
        ..Setup::listing(Family::Srs, [listed("s1", "one"), listed("s2", "one")])
    };
    let world = world.begin().with_streams(["one"]);
    world.admit("s1", "one");
    world.admit("s2", "one");
    assert_eq!(world.kick(), ["s1"]);
    assert!(block_on(world.broadcasts.reconcile(&edge())).is_err(), "it would not be kicked");
    assert_eq!(world.kick(), ["s1"]);
    assert!(world.is_live("one"));
}

#[test]
fn other_applications_are_left_alone() {
    let elsewhere = |session: &str, name: &str| ListedPublisher {
        application: "vod".to_owned(),
        ..listed(session, name)
    };
    let list = [elsewhere("s1", "one"), elsewhere("s2", "none")];
    let world = Setup::listing(Family::Srs, list).begin().with_streams(["one"]);
    assert_eq!(world.reconcile(), (0, 0, 0));
    assert_eq!(world.kick(), Vec::<String>::new());
    assert!(!world.is_live("one"));
    // Nor does it keep one of ours alive that is not there any more.
    world.admit("s1", "one");
    world.clock.advance(11 * SECOND);
    assert_eq!(world.reconcile_twice(), (1, 0, 0));
}

#[test]
fn a_bare_public_name_is_trusted_where_a_gate_has_seen_the_key_and_nowhere_else() {
    for family in Family::ALL {
        let setup = Setup::listing(family, [listed("s1", &id_of("one"))]);
        let world = Setup { form: AddressForm::Playback, ..setup }.begin().with_streams(["one"]);
        if family == Family::NodeMediaServer2 {
            assert_eq!(world.reconcile(), (0, 1, 0), "{family:?}");
            assert!(world.is_live("one"), "{family:?}");
            assert_eq!(world.kick(), Vec::<String>::new());
        } else {
            assert_eq!(world.reconcile(), (0, 0, 1), "{family:?}");
            assert!(!world.is_live("one"), "{family:?}");
            assert_eq!(world.kick(), ["s1"], "{family:?}");
        }
    }
}

#[test]
fn a_gate_lets_nobody_in_by_a_name_that_is_none_or_has_ended() {
    let list = [listed("s1", "0123456789abcdef0123456789abcdef"), listed("s2", &id_of("one"))];
    let setup = Setup::listing(Family::NodeMediaServer2, list);
    let world = Setup { form: AddressForm::Playback, ..setup }.begin().with_streams(["one"]);
    world.stop(1);
    assert_eq!(world.reconcile(), (0, 0, 2));
}

#[test]
fn a_session_that_has_shown_its_key_may_be_listed_by_its_public_name() {
    for family in [Family::Srs, Family::NginxRtmp] {
        for form in [AddressForm::Playback, AddressForm::Rename] {
            let setup = Setup::listing(family, [listed("s1", &id_of("one"))]);
            let world = Setup { form, ..setup }.begin().with_streams(["one"]);
            let report =
                PublisherReport { key: Some("one".to_owned()), ..world.asking("s1", &id_of("one"), 1) };
            world.ask(&report).unwrap();
            // Lost of sight, and seen again.
            world.clock.advance(30 * SECOND);
            block_on(world.broadcasts.sweep()).unwrap();
            assert_eq!(world.end_of(1), Some(EndReason::Lost));
            assert_eq!(world.reconcile(), (0, 1, 0), "{family:?} {form:?}");
            assert!(world.is_live("one"));
            assert_eq!(world.sessions(1)[1].epoch, 1, "it is the same broadcast");
        }
    }
}

#[test]
fn a_list_of_names_stands_for_one_of_sessions() {
    let nameless = |name: &str| ListedPublisher { session: None, ..listed("", name) };
    let list = [nameless("one"), nameless("two"), nameless("none")];
    let world = Setup::listing(Family::OvenMediaEngine, list).begin().with_streams(["one", "two", "three"]);
    world.admit("192.0.2.1:4/live/one", "one");
    world.admit("192.0.2.1:5/live/three", "three");
    world.clock.advance(6 * SECOND);
    assert_eq!(world.reconcile(), (0, 1, 1));
    assert_eq!(world.reconcile(), (1, 0, 1));
    assert_eq!(world.kick(), ["", ""], "it has no session, and is ended by its name");
    assert_eq!((world.end_of(1), world.end_of(2), world.end_of(3)), (None, None, Some(EndReason::Left)));
    assert_eq!(world.reconcile(), (0, 0, 1), "what was found is known");
}

#[test]
fn one_that_cannot_be_cut_keeps_nobody_else_from_being_found_or_cut() {
    let list = [listed("s1", "none"), listed("s2", "one"), listed("s3", "nobody")];
    let setup = Setup { stubborn: vec!["s1"], ..Setup::listing(Family::Srs, list) };
    let world = setup.begin().with_streams(["one"]);
    let failure = block_on(world.broadcasts.reconcile(&edge())).unwrap_err();
    assert!(matches!(failure, ReconcileError::MediaServer(MediaServerError::Unexpected(_))), "{failure:?}");
    assert!(world.is_live("one"));
    assert_eq!(world.kick(), ["s1", "s3"]);
}

#[test]
fn a_server_that_does_not_answer_ends_nobody() {
    let mut control = MockMediaServer::new();
    control.expect_publishers().returning(|| Err(MediaServerError::Forbidden));
    let profile = ServerProfile { family: Family::Srs, lease: 12 * SECOND, control: Some(Arc::new(control)) };
    let world = Setup::of(Family::Srs).begin().with_streams(["one"]);
    world.admit("s1", "one");
    world.clock.advance(6 * SECOND);
    let options = BroadcastOptions {
        form: AddressForm::Key,
        application: "live".to_owned(),
        takeover: Takeover::SameAddress,
        reconnect_window: 60 * SECOND,
    };
    let servers = Arc::new(MediaServers::new([(edge(), profile)]));
    let broadcasts = Broadcasts::new(
        crate::ports::SessionPorts::of(world.store.clone()),
        world.clock.clone(),
        servers,
        options,
    );
    let failure = block_on(broadcasts.reconcile(&edge())).unwrap_err();
    assert!(matches!(failure, ReconcileError::MediaServer(MediaServerError::Forbidden)), "{failure:?}");
    assert!(world.is_live("one"));
}

#[test]
fn a_server_without_a_control_interface_is_neither_asked_nor_told() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one"]);
    let unknown = ServerName::parse("unknown").unwrap();
    assert_eq!(block_on(world.broadcasts.reconcile(&unknown)).unwrap(), Reconciled::default());
    assert_eq!(block_on(world.broadcasts.kick_pending(&unknown)).unwrap(), 0);
    assert_eq!(world.broadcasts.servers().controlled().collect::<Vec<_>>(), [&edge()]);
}

#[test]
fn a_store_that_is_away_is_a_failure_and_cuts_nobody() {
    let world = Setup::listing(Family::Srs, [listed("s1", "one")]).begin().with_streams(["one"]);
    world.store.go_away();
    let failure = block_on(world.broadcasts.reconcile(&edge())).unwrap_err();
    assert!(matches!(failure, ReconcileError::Store(_)), "{failure:?}");
    assert!(block_on(world.broadcasts.kick_pending(&edge())).is_err());
    assert_eq!(world.kick(), Vec::<String>::new());
}
