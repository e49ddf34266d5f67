//! Good keys with something around them: let in where that means one thing and viewers find the stream, else told to
//! their owner.

use super::*;

/// What stands around a key that was copied.
const AROUND: [(&str, &str); 16] = [
    ("", " "),
    (" ", ""),
    ("", "\n"),
    ("", "\r\n"),
    ("\t", "\t"),
    ("\u{a0}", "\u{a0}"),
    ("\u{200b}", "\u{200b}"),
    ("\u{feff}", ""),
    ("\"", "\""),
    ("'", "'"),
    ("\u{201c}", "\u{201d}"),
    ("\u{2018}", "\u{2019}"),
    ("/", "/"),
    ("", "%20"),
    ("%22", "%0D%0A"),
    ("%E2%80%8B", "%252F"),
];

const KEY: &str = "GnxvNSQqZ9GtBW4RmaxWKVtI-FquAx5HT_jxCs-9MMA";

fn in_form(form: AddressForm, family: Family) -> World {
    Setup { form, ..Setup::of(family) }.begin().with_streams([KEY, "another-key"])
}

impl World {
    /// A publisher of this name that asks and shows this key behind it.
    fn showing(&self, name: &str, shown: Option<&str>) -> PublisherReport {
        PublisherReport { key: shown.map(str::to_owned), ..self.asking("s1", name, 1) }
    }

    fn told(&self, user_number: i64) -> Vec<(Refusal, Option<u8>)> {
        let attempts = block_on(self.broadcasts.list_attempts(user(user_number))).unwrap();
        let host = |address: Option<std::net::IpAddr>| match address {
            Some(std::net::IpAddr::V4(v4)) => Some(v4.octets()[3]),
            _ => None,
        };
        attempts.iter().map(|attempt| (attempt.refusal, host(attempt.address))).collect()
    }

    /// Whether the key may publish, asked without a stay.
    fn may_publish(&self, report: &PublisherReport) -> Result<(), Refusal> {
        let answer = block_on(self.broadcasts.may_publish(&edge(), report));
        answer.map(drop).map_err(|error| error.refusal())
    }
}

#[test]
fn what_stands_around_the_key_behind_a_name_is_taken_away() {
    for family in Family::ALL {
        for (before, after) in AROUND {
            let world = in_form(AddressForm::Playback, family);
            let shown = format!("{before}{KEY}{after}");
            let admitted = world.ask(&world.showing(&id_of(KEY), Some(&shown)));
            assert_eq!(admitted.map(|admitted| admitted.stream_id.0), Ok(1), "{family:?} {shown:?}");
            assert_eq!(world.may_publish(&world.showing(&id_of(KEY), Some(&shown))), Ok(()));
        }
    }
}

#[test]
fn an_address_that_was_pasted_as_the_key_is_read_for_its_key() {
    let world = in_form(AddressForm::Playback, Family::MediaMtx);
    let id = id_of(KEY);
    for shown in [
        format!("rtmp://host/live/{id}?key={KEY}"),
        format!("rtmp://host:1935/live/{KEY}"),
        format!("live/{KEY}"),
        format!(" {id}?key={KEY}/\n"),
        format!("?key={KEY}"),
        format!("key={KEY}"),
        format!("rtmp%3A%2F%2Fhost%2Flive%2F{id}%3Fkey%3D{KEY}"),
        // It was wrapped where it was copied from.
        format!("{}\n{}", &KEY[..20], &KEY[20..]),
    ] {
        assert!(world.ask(&world.showing(&id, Some(&shown))).is_ok(), "{shown:?}");
    }
}

#[test]
fn what_can_mean_two_things_is_refused() {
    let world = in_form(AddressForm::Playback, Family::Srs);
    let id = id_of(KEY);
    for shown in [
        format!("rtmp://host/live/{}?key={KEY}", id_of("another-key")),
        format!("{KEY} another-key"),
        format!("?key={KEY}&key=another-key"),
        format!("{KEY}="),
        String::new(),
        " ".to_owned(),
        "rtmp://host/not a key".to_owned(),
    ] {
        assert_eq!(
            world.ask(&world.showing(&id, Some(&shown))).err(),
            Some(Refusal::MalformedKey),
            "{shown:?}"
        );
    }
}

#[test]
fn a_key_is_never_let_in_for_another_stream() {
    let world = in_form(AddressForm::Playback, Family::NginxRtmp);
    for (before, after) in AROUND {
        let shown = format!("{before}{KEY}{after}");
        let report = world.showing(&id_of("another-key"), Some(&shown));
        assert_eq!(world.ask(&report).err(), Some(Refusal::WrongPlaybackId), "{shown:?}");
        assert_eq!(world.may_publish(&report), Err(Refusal::WrongPlaybackId));
    }
}

#[test]
fn a_slash_too_many_is_none_where_playlists_are_files() {
    for (application, name) in [("live/", KEY), ("live", "/KEY"), ("/live//", "//KEY/"), ("live", "KEY/")] {
        let name = name.replace("KEY", KEY);
        for family in Family::ALL {
            let world = in_form(AddressForm::Key, family);
            let report =
                PublisherReport { application: application.to_owned(), ..world.showing(&name, None) };
            let answer = world.ask(&report).map(|admitted| admitted.stream_id.0);
            if family.capabilities().joins_slashes {
                assert_eq!(answer, Ok(1), "{family:?} {application}/{name}");
                // Its server goes on to know it by what it said.
                let [session] = &world.sessions(1)[..] else { panic!("one session") };
                assert_eq!(session.publisher.name.expose(), name);
                assert_eq!(session.publisher.application, application);
            } else {
                assert!(answer.is_err(), "{family:?} {application}/{name}");
                assert_eq!(world.told(1).len(), 1, "{family:?} {application}/{name}");
            }
        }
    }
}

#[test]
fn a_publisher_with_a_slash_too_many_is_still_found_in_its_servers_list() {
    let mut one = listed("s1", &format!("/{KEY}"));
    one.application = "live/".to_owned();
    let world = Setup::listing(Family::Srs, [one]).begin().with_streams([KEY]);
    let report =
        PublisherReport { application: "live/".to_owned(), ..world.showing(&format!("/{KEY}"), None) };
    world.ask(&report).unwrap();
    world.clock.advance(6 * SECOND);
    assert_eq!(world.reconcile(), (0, 0, 0));
    world.clock.advance(11 * SECOND);
    assert!(world.is_live(KEY));
}

#[test]
fn a_name_that_viewers_would_not_find_is_refused_and_told() {
    for family in Family::ALL {
        for (before, after) in AROUND.into_iter().filter(|(before, _)| *before != "/") {
            let world = in_form(AddressForm::Key, family);
            let name = format!("{before}{KEY}{after}");
            assert_eq!(world.ask(&world.showing(&name, None)).err(), Some(Refusal::MalformedKey), "{name:?}");
            assert_eq!(world.told(1), [(Refusal::MalformedKey, Some(1))], "{family:?} {name:?}");
            assert_eq!(world.told(2), []);
        }
    }
}

#[test]
fn a_name_that_is_replaced_may_have_anything_around_it() {
    let address = [("rtmp://host:1935/live/", ""), ("live/", ""), ("", "?")];
    for (before, after) in AROUND.into_iter().chain(address) {
        let world = in_form(AddressForm::Rename, Family::NginxRtmp);
        let name = format!("{before}{KEY}{after}");
        let admitted = world.ask(&world.showing(&name, None));
        assert_eq!(admitted.map(|admitted| admitted.rename), Ok(true), "{name:?}");
        // An update shows the old name again.
        let update = PublisherReport { trigger: Trigger::Heartbeat, ..world.showing(&name, None) };
        assert!(world.ask(&update).is_ok(), "{name:?}");
    }
}

#[test]
fn a_key_in_the_wrong_place_is_told_to_its_owner() {
    let (id, other) = (id_of(KEY), id_of("another-key"));
    let pasted = [
        (AddressForm::Playback, KEY.to_owned(), None),
        (AddressForm::Playback, format!(" {KEY}\n"), None),
        (AddressForm::Playback, format!("/{KEY}"), None),
        (AddressForm::Playback, format!("rtmp://host/live/{KEY}"), None),
        (AddressForm::Playback, format!("live/{KEY}"), None),
        (AddressForm::Playback, format!("{id}?key={KEY}"), None),
        (AddressForm::Playback, KEY.to_owned(), Some("unknown")),
        (AddressForm::Key, id.clone(), Some(KEY)),
        (AddressForm::Key, other, Some(KEY)),
    ];
    for (form, name, shown) in pasted {
        let world = in_form(form, Family::MediaMtx);
        assert!(world.ask(&world.showing(&name, shown)).is_err());
        assert_eq!(world.told(1), [(Refusal::KeyInWrongField, Some(1))], "{form:?} {name:?} {shown:?}");
        assert_eq!(world.sessions(1).len(), 0);
    }
}

#[test]
fn what_is_wrong_besides_a_good_key_is_told_by_its_own_word() {
    let id = id_of(KEY);
    let cases = [
        (AddressForm::Playback, "other", id.clone(), Some(KEY), Refusal::ForeignApplication),
        (AddressForm::Key, "other", KEY.to_owned(), None, Refusal::ForeignApplication),
        // The whole address as the server, and the key once more.
        (AddressForm::Key, "live/KEY", KEY.to_owned(), None, Refusal::ForeignApplication),
        (AddressForm::Key, "", "live".to_owned(), Some("KEY/name"), Refusal::ForeignApplication),
        (AddressForm::Playback, "live", format!("rtmp://host/live/{id}"), Some(KEY), Refusal::MalformedKey),
        (AddressForm::Key, "live", format!("rtmp://host/live/{KEY}"), None, Refusal::MalformedKey),
        (AddressForm::Key, "live", format!("live/{KEY}"), None, Refusal::MalformedKey),
    ];
    for (form, application, name, shown, refusal) in cases {
        let world = in_form(form, Family::OvenMediaEngine);
        let shown = shown.map(|shown| shown.replace("KEY", KEY));
        let application = application.replace("KEY", KEY);
        let report = PublisherReport { application, ..world.showing(&name, shown.as_deref()) };
        assert_eq!(world.ask(&report).err(), Some(refusal), "{form:?} {name:?}");
        assert_eq!(world.told(1), [(refusal, Some(1))], "{form:?} {name:?}");
    }
}

#[test]
fn one_that_shows_the_public_name_alone_is_told_without_its_address() {
    let world = in_form(AddressForm::Playback, Family::Srs);
    let id = id_of(KEY);
    for host in 1..9 {
        let alone = PublisherReport { address: Some([192, 0, 2, host].into()), ..world.showing(&id, None) };
        assert_eq!(world.ask(&alone).err(), Some(Refusal::NoKey));
    }
    assert_eq!(world.told(1), [(Refusal::NoKey, None)]);
    assert_eq!(world.ask(&world.showing(&id, Some("unknown"))).err(), Some(Refusal::UnknownKey));
    assert_eq!(world.told(1).len(), 2);
    let world = in_form(AddressForm::Key, Family::Srs);
    // The name's looks are those of an id, as those of the test's ids are.
    assert_eq!(id.len(), 32);
    assert_eq!(world.ask(&world.showing(&id, None)).err(), Some(Refusal::UnknownKey));
    assert_eq!(world.told(1), [(Refusal::NoKey, None)]);
}

#[test]
fn one_that_goes_on_is_no_attempt() {
    let world = in_form(AddressForm::Playback, Family::NginxRtmp);
    for trigger in [Trigger::Heartbeat, Trigger::Poll] {
        let report =
            PublisherReport { trigger, application: "other".to_owned(), ..world.showing(KEY, Some(KEY)) };
        assert_eq!(world.ask(&report).err(), Some(Refusal::ForeignApplication));
    }
    assert_eq!(world.told(1), []);
}

#[test]
fn a_question_without_a_stay_is_answered_by_the_key_alone() {
    let world = in_form(AddressForm::Playback, Family::MediaMtx);
    let id = id_of(KEY);
    world.ask(&world.showing(&id, Some(KEY))).unwrap();
    // Neither a publisher that is live nor another question is in its way, and it begins nothing.
    for host in 1..3 {
        let address = Some([198, 51, 100, host].into());
        assert_eq!(world.may_publish(&PublisherReport { address, ..world.showing(&id, Some(KEY)) }), Ok(()));
    }
    assert_eq!(world.sessions(1).len(), 1);
    for (name, shown, refusal) in [
        (id.as_str(), None, Refusal::NoKey),
        (&id, Some("unknown"), Refusal::UnknownKey),
        (&id, Some("another-key"), Refusal::WrongPlaybackId),
        (KEY, None, Refusal::NoKey),
        ("", None, Refusal::MalformedKey),
    ] {
        assert_eq!(world.may_publish(&world.showing(name, shown)), Err(refusal), "{name} {shown:?}");
    }
    let told: Vec<Refusal> = world.told(1).into_iter().map(|(refusal, _)| refusal).collect();
    assert_eq!(told, [Refusal::NoKey, Refusal::UnknownKey, Refusal::KeyInWrongField]);
    assert_eq!(world.told(2), [(Refusal::WrongPlaybackId, Some(1))]);
    world.stop(1);
    assert_eq!(world.may_publish(&world.showing(&id, Some(KEY))), Err(Refusal::Stopped));
    let update =
        PublisherReport { trigger: Trigger::Heartbeat, ..world.showing(&id_of("another-key"), None) };
    assert_eq!(world.may_publish(&update), Ok(()));
    world.store.go_away();
    assert_eq!(world.may_publish(&world.showing(&id, Some(KEY))), Err(Refusal::StoreUnavailable));
}

#[test]
fn a_claim_that_cannot_be_right_is_told_by_the_word_it_is_refused_with() {
    let world = in_form(AddressForm::Playback, Family::Srs);
    let report = world.showing("name", Some(&format!("key=wrong&key={KEY}")));
    let told = block_on(world.broadcasts.refuse(&edge(), &report, Refusal::MalformedRequest));
    assert_eq!(told, Some(StreamId(1)));
    assert_eq!(world.told(1), [(Refusal::MalformedRequest, Some(1))]);
}
