//! What operators ask and order: a key is judged without a trace, a kick is ordered where it can be carried out.

use super::*;
use crate::broadcasts::{KeyCheck, KickOrder};
use crate::lifecycle::LIFETIME;
use crate::ports::{History as _, SessionFilter, SessionPorts};
use crate::{SessionId, StreamStatus};

fn check(world: &World, text: &str) -> KeyCheck {
    block_on(world.broadcasts.check_key(text)).unwrap()
}

/// Why the only media server would refuse a key.
fn refusal(world: &World, text: &str) -> Option<Refusal> {
    let found = check(world, text);
    assert_eq!(found.verdicts.len(), 1);
    found.verdicts[0].refusal
}

fn order_kick(world: &World, session: i64) -> KickOrder {
    block_on(world.broadcasts.order_kick(SessionId(session))).unwrap()
}

#[test]
fn a_key_that_may_publish_would_be_let_in_and_nothing_is_written() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one"]);
    let found = check(&world, "one");
    assert_eq!(
        (found.stream.map(|stream| stream.id), found.alone, found.live),
        (Some(StreamId(1)), None, None)
    );
    assert_eq!((&found.verdicts[0].server, found.verdicts[0].refusal), (&edge(), None));
    assert_eq!(world.sessions(1), []);
    assert_eq!(refusal(&world, "two"), Some(Refusal::UnknownKey));
    assert_eq!(block_on(world.store.list_attempts(user(1), 10)).unwrap(), []);
}

#[test]
fn a_key_that_has_ended_would_be_refused_for_that() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one", "two"]);
    world.stop(1);
    assert_eq!(refusal(&world, "one"), Some(Refusal::Stopped));
    world.clock.advance(LIFETIME);
    assert_eq!(refusal(&world, "two"), Some(Refusal::Expired));
    assert_eq!(check(&world, "two").alone, Some(Refusal::Expired));
}

#[test]
fn a_key_that_is_live_is_judged_as_takeovers_are() {
    for (takeover, refusal, unless_same_address) in [
        (Takeover::Overdue, Some(Refusal::AlreadyLive), false),
        (Takeover::SameAddress, Some(Refusal::AlreadyLive), true),
        (Takeover::Newest, None, false),
    ] {
        let world = Setup { takeover, ..Setup::of(Family::Srs) }.begin().with_streams(["one"]);
        world.admit("s1", "one");
        let found = check(&world, "one");
        let verdict = &found.verdicts[0];
        assert_eq!((verdict.refusal, verdict.unless_same_address), (refusal, unless_same_address));
        assert_eq!(found.live.as_ref().map(|live| live.publisher.session.as_str()), Some("s1"));
        assert_eq!(found.alone, None);
        world.clock.advance(world.broadcasts.servers().lease_of(&edge(), Family::Srs));
        assert_eq!(check(&world, "one").verdicts[0].refusal, None, "its lease is over");
    }
}

#[test]
fn a_key_is_found_in_what_was_pasted_with_it() {
    let world = Setup { form: AddressForm::Playback, ..Setup::of(Family::Srs) }.begin().with_streams(["one"]);
    let id = id_of("one");
    for (text, is_wrapped) in [
        ("one".to_owned(), false),
        (" one\n".to_owned(), true),
        ("rtmp://host/live/one".to_owned(), true),
        (format!("{id}?key=one"), true),
        (format!("rtmp://host:1935/live/{id}?key=one"), true),
    ] {
        let found = check(&world, &text);
        assert_eq!(found.stream.map(|stream| stream.id), Some(StreamId(1)), "{text}");
        assert_eq!((found.is_wrapped, found.verdicts[0].refusal), (is_wrapped, None), "{text}");
    }
}

#[test]
fn a_gate_is_judged_by_the_key_alone() {
    let world = Setup::of(Family::NodeMediaServer2).begin().with_streams(["one"]);
    assert_eq!(refusal(&world, "one"), None);
    world.stop(1);
    assert_eq!(refusal(&world, "one"), Some(Refusal::Stopped));
}

#[test]
fn a_stream_is_found_by_its_key_its_playback_id_and_its_number() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one", "1"]);
    let find = |text: &str| block_on(world.broadcasts.find_stream(text)).unwrap().map(|stream| stream.id);
    assert_eq!(find("one"), Some(StreamId(1)));
    assert_eq!(find(&id_of("one")), Some(StreamId(1)));
    assert_eq!(find("2"), Some(StreamId(2)));
    assert_eq!(find("1"), Some(StreamId(2)), "a key comes before a number");
    for unknown in ["3", "three", "", "two words", "-1"] {
        assert_eq!(find(unknown), None, "{unknown:?}");
    }
}

#[test]
fn an_ordered_kick_is_carried_out_like_every_other_and_the_key_stays_valid() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one"]);
    world.admit("s1", "one");
    let KickOrder::Ordered(ordered) = order_kick(&world, 1) else { panic!("it is open") };
    assert_eq!(ordered.kick, Some(EndReason::Kicked));
    assert_eq!(block_on(world.broadcasts.kick_pending(&edge())).unwrap(), 1);
    assert_eq!((world.kick(), world.end_of(1)), (vec!["s1".to_owned()], Some(EndReason::Kicked)));
    assert_eq!(order_kick(&world, 1), KickOrder::NotOpen);
    assert_eq!(block_on(world.broadcasts.find_stream("one")).unwrap().unwrap().status, StreamStatus::Active);
    world.admit("s2", "one");
    // What is still heard of the one that was kicked changes nothing.
    let late = PublisherReport { trigger: Trigger::Poll, ..world.asking("s1", "one", 1) };
    assert_eq!(world.ask(&late).unwrap_err(), Refusal::SessionEnded);
}

#[test]
fn no_kick_is_ordered_where_nobody_can_carry_it_out() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one"]);
    world.admit("s1", "one");
    let ports = SessionPorts::of(world.store.clone());
    let options = BroadcastOptions {
        form: AddressForm::Key,
        application: "live".to_owned(),
        takeover: Takeover::SameAddress,
        reconnect_window: 60 * SECOND,
    };
    let without_control = Broadcasts::new(ports, world.clock.clone(), Arc::default(), options);
    let order = block_on(without_control.order_kick(SessionId(1))).unwrap();
    assert_eq!(order, KickOrder::NoControl(edge()));
    let (listed, now) = block_on(without_control.list_sessions_of_all(&SessionFilter::default(), 9)).unwrap();
    assert_eq!((listed[0].kick, now), (None, world.now()));
    assert_eq!(block_on(without_control.list_server_activity()).unwrap()[0].open_sessions, 1);
}
