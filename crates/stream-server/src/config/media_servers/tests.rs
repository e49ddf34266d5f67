//! The setting, right and wrong.

use super::*;

#[test]
fn entries_name_a_server_its_family_and_its_options() {
    let text =
        "edge-1=nginx-rtmp;secret=old;secret=new;control=http://127.0.0.1:8084;lease=20 \n cam=srs;vhost=v1";
    let entries = parse(text, KeyLifetime::DEFAULT).unwrap();
    let [edge, cam] = &entries[..] else { panic!("two entries") };
    assert_eq!((edge.name.as_str(), edge.family), ("edge-1", Family::NginxRtmp));
    assert_eq!(edge.secrets, ["old", "new"]);
    assert_eq!(edge.control.as_deref(), Some("http://127.0.0.1:8084"));
    assert_eq!(edge.lease, Duration::seconds(20));
    assert_eq!((cam.host.as_deref(), cam.lease), (Some("v1"), Family::Srs.lease(KeyLifetime::DEFAULT)));
    assert!(parse(" ", KeyLifetime::DEFAULT).unwrap().is_empty());
}

#[test]
fn the_lease_of_a_family_that_never_speaks_up_is_the_life_of_a_key() {
    for hours in [1, 24, 8760] {
        let keys = KeyLifetime::from_hours(hours).unwrap();
        let entries = parse("silent=ant-media told=ant-media;lease=30 other=srs", keys).unwrap();
        let leases: Vec<Duration> = entries.iter().map(|entry| entry.lease).collect();
        assert_eq!(leases, [keys.duration(), Duration::seconds(30), Duration::seconds(12)]);
    }
}

#[test]
fn what_is_wrong_is_named_without_secrets() {
    for (text, wanted) in [
        ("edge", "entry 1: it must begin with name=family"),
        ("a=srs e!=srs", "entry 2: a media server's name"),
        ("edge=nginx;secret=hunter2", "edge has no known family; it must be one of nginx-rtmp, srs,"),
        ("edge=srs;secret=", "edge: secret must be"),
        ("edge=srs;secret=a%20hunter2", "edge: secret must be letters, digits"),
        ("edge=srs;lease=1;secret=hunter2", "edge: lease must be seconds, 6 to 86400"),
        ("edge=srs;hunter2", "edge: it has an option that is none of"),
        ("edge=srs edge=srs;secret=hunter2", "entry 2: edge stands there twice"),
    ] {
        let refusal = parse(text, KeyLifetime::DEFAULT).err().unwrap();
        assert!(refusal.contains(wanted), "{refusal}");
        assert!(!refusal.contains("hunter2"), "{refusal}");
    }
}
