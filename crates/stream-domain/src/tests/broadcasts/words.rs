//! Words of settings, addresses and databases, and what a proof is read from.

use std::collections::BTreeSet;

use super::*;
use crate::broadcasts::admission::Proof;

#[test]
fn every_word_is_read_back_and_stands_for_one_thing() {
    let families: BTreeSet<&str> = Family::ALL.into_iter().map(Family::as_str).collect();
    let reasons: BTreeSet<&str> = EndReason::ALL.into_iter().map(EndReason::as_str).collect();
    let refusals: BTreeSet<&str> = Refusal::ALL.into_iter().map(Refusal::as_str).collect();
    assert_eq!((families.len(), reasons.len(), refusals.len()), (8, 10, 14));
    assert!(Family::ALL.into_iter().all(|family| Family::parse(family.as_str()) == Some(family)));
    assert!(EndReason::ALL.into_iter().all(|reason| EndReason::parse(reason.as_str()) == Some(reason)));
    assert!(Refusal::ALL.into_iter().all(|refusal| Refusal::parse(refusal.as_str()) == Some(refusal)));
    for word in ["", "SRS", "Left", "left ", "unknown"] {
        assert_eq!((Family::parse(word), EndReason::parse(word), Refusal::parse(word)), (None, None, None));
    }
}

/// Databases hold them and clients compare them: to rename one is to break both.
#[test]
fn words_are_never_renamed() {
    let reasons = EndReason::ALL.map(EndReason::as_str).join(" ");
    assert_eq!(
        reasons,
        "left lost superseded republished server_restarted answered_too_late stopped expired deleted kicked"
    );
    let refusals = Refusal::ALL.map(Refusal::as_str).join(" ");
    assert_eq!(
        refusals,
        "malformed_key no_key key_in_wrong_field unknown_key stopped expired wrong_playback_id already_live \
         session_ended malformed_request foreign_application foreign_host too_late store_unavailable"
    );
    let families = Family::ALL.map(Family::as_str).join(" ");
    assert_eq!(
        families,
        "nginx-rtmp srs mediamtx ovenmediaengine node-media-server-2 node-media-server zlmediakit ant-media"
    );
    let takeovers = [Takeover::Overdue, Takeover::SameAddress, Takeover::Newest].map(Takeover::as_str);
    assert_eq!(takeovers, ["overdue", "same-address", "newest"]);
}

#[test]
fn only_what_was_lost_of_sight_may_resume() {
    let may: Vec<&str> =
        EndReason::ALL.into_iter().filter(|reason| reason.may_resume()).map(EndReason::as_str).collect();
    assert_eq!(may, ["lost", "server_restarted", "answered_too_late"]);
}

#[test]
fn a_servers_name_is_1_to_64_plain_characters() {
    let longest = "a".repeat(64);
    for good in ["edge-1", "A.b_c-9", ".", longest.as_str()] {
        assert_eq!(ServerName::parse(good).unwrap().to_string(), good);
    }
    let too_long = "a".repeat(65);
    for bad in ["", "a b", "a/b", "é", "a\n", too_long.as_str()] {
        assert!(ServerName::parse(bad).is_err(), "{bad:?}");
    }
}

/// What is read of a name and a key, in one word.
fn read(
    form: AddressForm,
    trigger: Trigger,
    can_rename: bool,
    name: &str,
    key: Option<&str>,
) -> &'static str {
    match Proof::read(form, trigger, can_rename, name, key) {
        Ok(Proof::Key(key)) if key.expose() == name => "key",
        Ok(Proof::KeyOf(id, shown)) if id.as_str() == name && Some(shown.expose()) == key => "both",
        Ok(Proof::Name(id)) if id.as_str() == name => "name",
        Ok(other) => panic!("{other:?}"),
        Err(refusal) => refusal.as_str(),
    }
}

#[test]
fn the_address_form_tells_what_a_name_is_proof_of() {
    use AddressForm::{Key, Playback, Rename};
    let (asks, updates, listed, vouched) =
        (Trigger::PublishRequest, Trigger::Heartbeat, Trigger::Poll, Trigger::GatedPoll);
    for (form, trigger, can_rename, alone, with_key) in [
        // The name is the key, and what stands behind the `?` is nothing.
        (Key, asks, false, "key", "key"),
        (Key, asks, true, "key", "key"),
        (Key, updates, false, "key", "key"),
        (Key, listed, false, "key", "key"),
        (Key, vouched, false, "key", "key"),
        // The name is public, and a publish request must show the key.
        (Playback, asks, false, "no_key", "both"),
        (Playback, asks, true, "no_key", "both"),
        (Playback, updates, false, "name", "both"),
        (Playback, updates, true, "name", "both"),
        (Playback, listed, false, "name", "both"),
        (Playback, vouched, false, "name", "both"),
        // A server that renames is asked under the key and lists the public name; others need both parts.
        (Rename, asks, true, "key", "both"),
        (Rename, updates, true, "key", "both"),
        (Rename, listed, true, "name", "both"),
        (Rename, vouched, true, "name", "both"),
        (Rename, asks, false, "no_key", "both"),
        (Rename, updates, false, "name", "both"),
        (Rename, listed, false, "name", "both"),
        (Rename, vouched, false, "name", "both"),
    ] {
        let case = format!("{form:?} {trigger:?} {can_rename}");
        assert_eq!(read(form, trigger, can_rename, "abc-1", None), alone, "{case}");
        assert_eq!(read(form, trigger, can_rename, "abc-1", Some("the-key")), with_key, "{case}");
    }
}

#[test]
fn what_cannot_be_a_key_or_a_playback_id_is_no_proof() {
    for form in [AddressForm::Key, AddressForm::Playback, AddressForm::Rename] {
        for trigger in [Trigger::PublishRequest, Trigger::Heartbeat, Trigger::Poll, Trigger::GatedPoll] {
            for name in ["", "a b", "a/b", "a?key=b", "é", &"k".repeat(256)] {
                for key in [None, Some("the-key")] {
                    assert_eq!(
                        read(form, trigger, true, name, key),
                        "malformed_key",
                        "{form:?} {trigger:?} {name}"
                    );
                }
            }
        }
    }
    for key in ["", "a b", "a&b"] {
        let heard = read(AddressForm::Playback, Trigger::PublishRequest, false, "abc-1", Some(key));
        assert_eq!(heard, "malformed_key", "{key}");
        let heard = read(AddressForm::Rename, Trigger::PublishRequest, true, "abc-1", Some(key));
        assert_eq!(heard, "malformed_key", "{key}");
    }
}

#[test]
fn neither_a_name_nor_a_key_is_shown_by_what_holds_it() {
    let world = Setup::of(Family::Srs).begin();
    let report = PublisherReport { key: None, ..world.asking("s1", "hunter2", 1) };
    assert!(!format!("{report:?}").contains("hunter2"));
    let proof = Proof::read(AddressForm::Key, Trigger::PublishRequest, false, "hunter2", None).unwrap();
    assert!(!format!("{proof:?}").contains("hunter2"));
}

#[test]
fn a_key_behind_the_name_is_not_shown_by_the_claim_that_holds_it() {
    let world = Setup::of(Family::Srs).begin();
    let report = PublisherReport { key: Some("hunter2".to_owned()), ..world.asking("s1", "name", 1) };
    assert!(!format!("{report:?}").contains("hunter2"));
    let one = ListedPublisher { key: Some("hunter2".to_owned()), ..listed("s1", "name") };
    assert!(!format!("{one:?}").contains("hunter2"));
}

#[test]
fn a_server_that_says_nothing_more_and_cannot_be_asked_is_told_of_once() {
    let world = Setup::of(Family::Srs).begin().with_streams(["one", "two"]);
    let elsewhere = |server: &str, session: &str, name: &str, trigger| {
        let report = PublisherReport { trigger, ..world.asking(session, name, 1) };
        block_on(world.broadcasts.admit(&ServerName::parse(server).unwrap(), &report)).unwrap();
    };
    elsewhere("mute", "s1", "one", Trigger::PublishRequest);
    elsewhere("telling", "s2", "two", Trigger::PublishRequest);
    assert_eq!(world.broadcasts.take_silent_servers(), []);
    world.clock.advance(5 * SECOND);
    elsewhere("telling", "s2", "two", Trigger::Heartbeat);
    world.clock.advance(5 * SECOND);
    let mute = (ServerName::parse("mute").unwrap(), Family::Srs);
    assert_eq!(world.broadcasts.take_silent_servers(), [mute]);
    assert_eq!(world.broadcasts.take_silent_servers(), []);
    // One that can be asked need not speak.
    world.admit("s3", "one");
    world.clock.advance(20 * SECOND);
    assert_eq!(world.broadcasts.take_silent_servers(), []);
}
