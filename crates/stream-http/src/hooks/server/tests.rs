//! Secrets and signatures.

use super::*;

#[test]
fn the_recorded_signature_is_that_of_its_exact_bytes() {
    let body = br#"{"client":{"address":"192.0.2.7","port":40001},"request":{"direction":"incoming","protocol":"rtmp","status":"opening","time":"2026-01-02T03:04:05.678Z","url":"rtmp://ingest.example:1935/live/K123"}}"#;
    let secrets = HookSecrets::new(vec!["new".to_owned(), "1234".to_owned()]);
    assert!(secrets.verify_signature(body, "zpLmM_MiONNpV5NCCUfx1CQqAsk"));
    assert!(!secrets.verify_signature(&body[1..], "zpLmM_MiONNpV5NCCUfx1CQqAsk"));
    assert!(
        !HookSecrets::new(vec!["12345".to_owned()]).verify_signature(body, "zpLmM_MiONNpV5NCCUfx1CQqAsk")
    );
    for wrong in ["", "zpLmM_MiONNpV5NCCUfx1CQqAsl", "not base64!", "zpLmM_MiONNpV5NCCUfx1CQqAskAAAA"] {
        assert!(!secrets.verify_signature(body, wrong), "{wrong}");
    }
}

#[test]
fn each_of_the_secrets_is_valid_and_nothing_else() {
    let secrets = HookSecrets::new(vec!["old".to_owned(), "new".to_owned()]);
    assert!(secrets.contains("old") && secrets.contains("new"));
    assert!(!secrets.contains("") && !secrets.contains("ol") && !secrets.contains("newer"));
    assert!(!format!("{secrets:?}").contains("old"));
}
