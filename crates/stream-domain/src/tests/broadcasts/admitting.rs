//! Publishers ask, servers are started anew, leases run out.

use super::*;
use crate::lifecycle::{KeyLifetime, LIFETIME};
use crate::media_server::LEASE;
use crate::ports::SessionSelector;

#[test]
fn another_application_is_refused_and_ends_what_the_connection_published() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one"]);
    world.admit("s1", "one");
    for application in ["", "LIVE", "live/x", "vod"] {
        let foreign = PublisherReport { application: application.to_owned(), ..world.asking("s2", "one", 1) };
        assert_eq!(world.ask(&foreign), Err(Refusal::ForeignApplication), "{application}");
    }
    assert_eq!(world.end_of(1), None, "that was another connection");
    let moved = PublisherReport { application: "vod".to_owned(), ..world.asking("s1", "one", 1) };
    assert_eq!(
        world.ask(&PublisherReport { trigger: Trigger::Heartbeat, ..moved.clone() }),
        Err(Refusal::ForeignApplication)
    );
    assert_eq!(world.end_of(1), None, "an update ends nothing");
    assert_eq!(world.ask(&moved), Err(Refusal::ForeignApplication));
    assert_eq!(world.end_of(1), Some(EndReason::Republished));
}

#[test]
fn a_name_that_cannot_be_a_key_ends_what_its_connection_published() {
    // Wirecast publishes an empty name when it stops, and nginx then tells of no end.
    for name in ["", "not a key", "a/b", &"k".repeat(256)] {
        let world = Setup::of(Family::NginxRtmp).begin().with_streams(["one", "two"]);
        world.admit("7", "one");
        world.admit("8", "two");
        let update = PublisherReport { trigger: Trigger::Heartbeat, ..world.asking("7", name, 1) };
        assert_eq!(world.ask(&update), Err(Refusal::MalformedKey), "{name}");
        assert!(world.is_live("one"), "an update ends nothing");
        assert_eq!(world.ask(&world.asking("7", name, 1)), Err(Refusal::MalformedKey), "{name}");
        assert_eq!(world.end_of(1), Some(EndReason::Republished), "{name}");
        assert_eq!(world.end_of(2), None, "{name}");
    }
}

#[test]
fn a_new_run_of_a_server_ends_the_sessions_of_the_last_one_once() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one", "two", "three"]);
    let in_run = |session: &str, name: &str, boot_id: &str| PublisherReport {
        boot_id: Some(boot_id.to_owned()),
        ..world.asking(session, name, 1)
    };
    world.ask(&in_run("s1", "one", "first")).unwrap();
    world.clock.advance(SECOND);
    world.ask(&in_run("s2", "two", "second")).unwrap();
    assert_eq!(world.sessions(1)[0].ended, Some((world.now(), EndReason::ServerRestarted)));
    assert!(world.is_live("two"));
    world.ask(&in_run("s3", "three", "second")).unwrap();
    assert_eq!((world.end_of(2), world.end_of(3)), (None, None), "they are of one run");
    // A refused publisher tells of the new run as well.
    assert_eq!(world.ask(&in_run("s4", "none", "third")), Err(Refusal::UnknownKey));
    assert_eq!(world.end_of(2), Some(EndReason::ServerRestarted));
}

#[test]
fn a_boot_that_is_known_costs_the_store_nothing() {
    use crate::broadcasts::admission::Verdict;
    use crate::ports::{MockAdmissions, MockPresence, SessionPorts};
    use crate::testing::unused_session_ports;
    let world = Setup::of(Family::Srs).begin();
    let (mut admissions, mut presence) = (MockAdmissions::new(), MockPresence::new());
    admissions.expect_admit().times(5).returning(|_, _, _| Ok(Verdict::Refused(Refusal::UnknownKey)));
    // Once for each boot, and once for the sign of life.
    presence.expect_heartbeat().times(3).returning(|_, _, _, _| Ok(0));
    let options = BroadcastOptions {
        form: AddressForm::Key,
        application: "live".to_owned(),
        takeover: Takeover::SameAddress,
        reconnect_window: 60 * SECOND,
    };
    let ports = SessionPorts {
        admissions: Arc::new(admissions),
        presence: Arc::new(presence),
        ..unused_session_ports()
    };
    let broadcasts = Broadcasts::new(ports, world.clock.clone(), Arc::default(), options);
    let ask = |boot_id: &str| {
        let report = PublisherReport { boot_id: Some(boot_id.to_owned()), ..world.asking("s1", "one", 1) };
        assert!(block_on(broadcasts.admit(&edge(), &report)).is_err());
    };
    ask("first");
    ask("first");
    block_on(broadcasts.heartbeat(&edge(), Family::Srs, Some("second".to_owned()))).unwrap();
    ask("second");
    ask("second");
    ask("third");
}

#[test]
fn a_sign_of_life_renews_what_is_live_and_a_new_run_in_it_ends_what_was() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one"]);
    world
        .ask(&PublisherReport { boot_id: Some("first".to_owned()), ..world.asking("s1", "one", 1) })
        .unwrap();
    for boot_id in [Some("first".to_owned()), None] {
        world.clock.advance(LEASE - SECOND);
        block_on(world.broadcasts.heartbeat(&edge(), Family::Srs, boot_id)).unwrap();
        assert!(world.is_live("one"));
    }
    world.clock.advance(LEASE - SECOND);
    assert!(world.is_live("one"));
    block_on(world.broadcasts.heartbeat(&edge(), Family::Srs, Some("second".to_owned()))).unwrap();
    assert_eq!(world.end_of(1), Some(EndReason::ServerRestarted));
}

#[test]
fn a_server_that_was_started_anew_has_nobody_live() {
    let world = Setup::of(Family::ZlMediaKit).begin().with_streams(["one", "two", "three"]);
    world.admit("s1", "one");
    let elsewhere = ServerName::parse("elsewhere").unwrap();
    block_on(world.broadcasts.admit(&elsewhere, &world.asking("s1", "two", 1))).unwrap();
    world.clock.advance(SECOND);
    world.stop(1);
    world.start(4, "four");
    world.admit("s4", "four");
    world.clock.advance(SECOND);
    world.admit("s3", "three");
    block_on(world.broadcasts.restarted(&edge())).unwrap();
    assert_eq!(world.end_of(1), Some(EndReason::Stopped), "it was to be kicked");
    assert_eq!(block_on(world.broadcasts.kick_pending(&edge())).unwrap(), 0, "and need not be any more");
    assert_eq!(world.end_of(2), None, "it is at another server");
    assert_eq!(world.end_of(3), None, "it began at this moment");
    assert_eq!(world.sessions(4)[0].ended, Some((world.now(), EndReason::ServerRestarted)));
}

#[test]
fn a_session_that_a_restart_was_thought_to_have_ended_comes_back() {
    let world = Setup::listing(Family::ZlMediaKit, [listed("s1", "one")]).begin().with_streams(["one"]);
    // The server's word of its start comes after the first publisher of its new run.
    world.admit("s1", "one");
    world.clock.advance(SECOND);
    block_on(world.broadcasts.restarted(&edge())).unwrap();
    assert_eq!(world.reconcile(), (0, 1, 0));
    assert_eq!(world.kick(), Vec::<String>::new());
    assert!(world.is_live("one"));
}

#[test]
fn leases_are_those_of_the_family_unless_the_settings_say_otherwise() {
    for family in Family::ALL {
        let lease = if family == Family::AntMedia { LIFETIME } else { Duration::seconds(12) };
        for (server, lease) in [("edge", 33 * SECOND), ("unknown", lease)] {
            let world = Setup { lease: 33 * SECOND, ..Setup::of(family) }.begin().with_streams(["one"]);
            let server = ServerName::parse(server).unwrap();
            block_on(world.broadcasts.admit(&server, &world.asking("s1", "one", 1))).unwrap();
            assert_eq!(world.sessions(1)[0].lease_until, world.now().plus(lease), "{family:?} {server}");
            // A lease that has just begun is not worth renewing.
            world.clock.advance(lease / 2);
            block_on(world.broadcasts.heartbeat(&server, family, None)).unwrap();
            assert_eq!(world.sessions(1)[0].lease_until, world.now().plus(lease), "{family:?} {server}");
        }
    }
}

#[test]
fn a_family_that_never_speaks_up_is_live_for_as_long_as_a_key_of_this_installation_is() {
    let unnamed = ServerName::parse("unknown").unwrap();
    for hours in [1, 24, 8760] {
        let keys = KeyLifetime::from_hours(hours).unwrap();
        let servers = MediaServers::default().with_key_lifetime(keys);
        assert_eq!(servers.lease_of(&unnamed, Family::AntMedia), Duration::hours(hours.into()));
        assert_eq!(servers.lease_of(&unnamed, Family::Srs), Duration::seconds(12));
    }
}

#[test]
fn a_list_renews_by_the_lease_of_its_server() {
    let setup = Setup { lease: 33 * SECOND, ..Setup::listing(Family::Srs, [listed("s1", "one")]) };
    let world = setup.begin().with_streams(["one"]);
    world.admit("s1", "one");
    world.clock.advance(20 * SECOND);
    world.reconcile();
    assert_eq!(world.sessions(1)[0].lease_until, world.now().plus(33 * SECOND));
}

#[test]
fn only_one_that_came_by_the_key_alone_is_renamed() {
    for (form, name, key, trigger, rename) in [
        (AddressForm::Key, "one".to_owned(), None, Trigger::PublishRequest, false),
        (AddressForm::Rename, "one".to_owned(), None, Trigger::PublishRequest, true),
        (AddressForm::Rename, "one".to_owned(), None, Trigger::Heartbeat, false),
        (AddressForm::Rename, id_of("one"), Some("one".to_owned()), Trigger::PublishRequest, false),
        (AddressForm::Playback, id_of("one"), Some("one".to_owned()), Trigger::PublishRequest, false),
    ] {
        let world = Setup { form, ..Setup::of(Family::NginxRtmp) }.begin().with_streams(["one"]);
        let report = PublisherReport { trigger, key, ..world.asking("7", &name, 1) };
        let admitted = world.ask(&report).unwrap();
        assert_eq!(admitted.rename, rename, "{form:?} {trigger:?}");
        assert_eq!(admitted.playback_id.as_str(), id_of("one"));
        // One that is asked about twice is told the same twice.
        assert_eq!(world.ask(&report).unwrap().rename, rename);
    }
}

#[test]
fn an_end_by_name_ends_the_stay_at_that_server_only() {
    let world = Setup::of(Family::ZlMediaKit).begin().with_streams(["one"]);
    world.admit("s1", "one");
    let by_name = |server: &str| SessionSelector::Name {
        server: ServerName::parse(server).unwrap(),
        name: "one".to_owned(),
    };
    assert!(!block_on(world.broadcasts.end(&by_name("edge"), EndReason::Left)).unwrap(), "it began only now");
    world.clock.advance(6 * SECOND);
    assert!(!block_on(world.broadcasts.end(&by_name("elsewhere"), EndReason::Left)).unwrap());
    assert!(block_on(world.broadcasts.end(&by_name("edge"), EndReason::Left)).unwrap());
    assert!(!block_on(world.broadcasts.end(&by_name("edge"), EndReason::Left)).unwrap());
    assert_eq!(world.end_of(1), Some(EndReason::Left));
}

#[test]
fn a_sweep_ends_what_was_lost_and_forgets_after_thirty_days() {
    let world = Setup::of(Family::Srs).begin();
    // More than one step of a sweep takes.
    for number in 1..=1_001 {
        world.start(number, &format!("key-{number}"));
        world.admit(&format!("s{number}"), &format!("key-{number}"));
    }
    assert_eq!(world.ask(&world.asking("t1", "key-1", 9)), Err(Refusal::AlreadyLive));
    let begun = world.now();
    world.clock.advance(LEASE - Duration::MICROSECOND);
    assert_eq!(block_on(world.broadcasts.sweep()).unwrap(), 0);
    world.clock.advance(SECOND);
    assert_eq!(block_on(world.broadcasts.sweep()).unwrap(), 1_001);
    assert_eq!(block_on(world.broadcasts.sweep()).unwrap(), 0);
    let lost = Some((begun.plus(LEASE), EndReason::Lost));
    assert_eq!((world.sessions(1)[0].ended, world.sessions(1_001)[0].ended), (lost, lost));
    // The attempt was seen earlier than the sessions ended.
    world.clock.advance(Duration::days(30) - SECOND);
    block_on(world.broadcasts.sweep()).unwrap();
    assert_eq!(block_on(world.broadcasts.list_attempts(user(1))).unwrap().len(), 0);
    assert_eq!(world.sessions(1).len(), 1);
    world.clock.advance(SECOND);
    block_on(world.broadcasts.sweep()).unwrap();
    assert_eq!((world.sessions(1).len(), world.sessions(1_001).len()), (0, 0));
}

#[test]
fn while_the_store_is_away_nobody_is_let_in_and_nothing_is_said_of_the_key() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one"]);
    world.store.go_away();
    for name in ["one", "none", "not a key"] {
        let failure = block_on(world.broadcasts.admit(&edge(), &world.asking("s1", name, 1))).unwrap_err();
        assert_eq!(failure.refusal(), Refusal::StoreUnavailable, "{name}");
    }
}

#[test]
fn owners_see_their_own_sessions_and_attempts() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one"]);
    world.admit("s1", "one");
    assert_eq!(world.ask(&world.asking("s2", "one", 9)), Err(Refusal::AlreadyLive));
    let attempts = |number| block_on(world.broadcasts.list_attempts(user(number))).unwrap();
    assert_eq!(attempts(1).len(), 1);
    assert_eq!(attempts(2).len(), 0);
    assert_eq!(block_on(world.broadcasts.list_sessions(user(2), StreamId(1))).unwrap(), None);
}
