//! Secrets, signatures, and addresses that are near.

use super::*;

#[test]
fn the_recorded_signature_is_that_of_its_very_bytes() {
    let body = br#"{"client":{"address":"192.0.2.7","port":40001},"request":{"direction":"incoming","protocol":"rtmp","status":"opening","time":"2026-01-02T03:04:05.678Z","url":"rtmp://ingest.example:1935/live/K123"}}"#;
    let secrets = HookSecrets::new(vec!["new".to_owned(), "1234".to_owned()]);
    assert!(secrets.signed(body, "zpLmM_MiONNpV5NCCUfx1CQqAsk"));
    assert!(!secrets.signed(&body[1..], "zpLmM_MiONNpV5NCCUfx1CQqAsk"));
    assert!(!HookSecrets::new(vec!["12345".to_owned()]).signed(body, "zpLmM_MiONNpV5NCCUfx1CQqAsk"));
    for wrong in ["", "zpLmM_MiONNpV5NCCUfx1CQqAsl", "not base64!", "zpLmM_MiONNpV5NCCUfx1CQqAskAAAA"] {
        assert!(!secrets.signed(body, wrong), "{wrong}");
    }
}

#[test]
fn any_of_the_secrets_is_good_and_nothing_else() {
    let secrets = HookSecrets::new(vec!["old".to_owned(), "new".to_owned()]);
    assert!(secrets.contains("old") && secrets.contains("new"));
    assert!(!secrets.contains("") && !secrets.contains("ol") && !secrets.contains("newer"));
    assert!(!format!("{secrets:?}").contains("old"));
}

#[test]
fn loopback_is_trusted_and_else_what_the_settings_name() {
    let networks: Vec<IpNet> =
        ["10.0.0.0/8", "fd00::/8", "203.0.113.9/32"].map(|net| net.parse().unwrap()).into();
    for (peer, alone, named) in [
        ("127.0.0.1", true, true),
        ("127.9.9.9", true, true),
        ("::1", true, true),
        ("10.1.2.3", false, true),
        ("fd00::1", false, true),
        ("203.0.113.9", false, true),
        ("203.0.113.8", false, false),
        ("172.16.0.1", false, false),
        ("192.168.1.1", false, false),
        ("169.254.1.1", false, false),
        ("fe80::1", false, false),
        ("8.8.8.8", false, false),
    ] {
        let peer: IpAddr = peer.parse().unwrap();
        assert_eq!((is_trusted(peer, &[]), is_trusted(peer, &networks)), (alone, named), "{peer}");
    }
}
