//! Which URLs are taken for those of our route.

use stream_domain::{Family, ServerName};

use super::super::server::{HookSecrets, HookServer};
use super::{HookUrlFault, judge_hook_url, path_to_try};

fn known(family: Family, secrets: &[&str]) -> HookServer {
    let secrets = HookSecrets::new(secrets.iter().map(|&secret| secret.to_owned()).collect());
    HookServer { family, secrets, host: None }
}

fn edge() -> ServerName {
    ServerName::parse("edge").unwrap()
}

fn judged(url: &str) -> Result<(), HookUrlFault> {
    judge_hook_url(url, &edge(), &known(Family::Srs, &["old", "new"]))
}

#[test]
fn the_route_of_a_media_server_with_one_of_its_secrets_is_accepted() {
    for url in [
        "http://127.0.0.1:8082/hooks/srs/edge?secret=old",
        "http://127.0.0.1:8082/hooks/srs/edge/new",
        "https://streams.example.org/behind/a/proxy/hooks/srs/edge?secret=new",
    ] {
        assert_eq!(judged(url), Ok(()), "{url}");
    }
    let open = known(Family::Srs, &[]);
    assert_eq!(judge_hook_url("http://a/hooks/srs/edge", &edge(), &open), Ok(()));
    // It signs its hooks.
    let signing = known(Family::OvenMediaEngine, &["old"]);
    assert_eq!(judge_hook_url("http://a/hooks/ovenmediaengine/edge", &edge(), &signing), Ok(()));
}

#[test]
fn what_is_wrong_with_a_url_is_named_without_its_secret() {
    for (url, fault) in [
        ("http://127.0.0.1:8082/", HookUrlFault::OtherPath),
        ("http://127.0.0.1:8082/hooks/edge?secret=old", HookUrlFault::OtherPath),
        ("http://a/hooks/mediamtx/edge?secret=old", HookUrlFault::OtherFamily("mediamtx".to_owned())),
        ("http://a/hooks/srs/core?secret=old", HookUrlFault::OtherServer("core".to_owned())),
        ("http://a/hooks/srs/old", HookUrlFault::OtherServer("(a secret)".to_owned())),
        ("http://a/hooks/srs/edge", HookUrlFault::NoSecret),
        ("http://a/hooks/srs/edge?secret=", HookUrlFault::NoSecret),
        ("http://a/hooks/srs/edge?secret=older", HookUrlFault::WrongSecret),
        ("http://a/hooks/srs/edge/older?secret=old", HookUrlFault::WrongSecret),
    ] {
        assert_eq!(judged(url), Err(fault), "{url}");
    }
}

#[test]
fn hooks_are_tried_by_their_own_route_where_the_secret_is_in_it() {
    let path = |family, secrets: &[&str]| path_to_try(&edge(), &known(family, secrets));
    assert_eq!(path(Family::Srs, &["old", "new"]).as_deref(), Some("/hooks/srs/edge?secret=old"));
    assert_eq!(path(Family::NginxRtmp, &[]).as_deref(), Some("/hooks/nginx-rtmp/edge"));
    assert_eq!(path(Family::OvenMediaEngine, &["old"]), None);
    assert_eq!(path(Family::NodeMediaServer2, &["old"]), None);
}
