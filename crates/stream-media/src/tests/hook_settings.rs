//! What each family's configuration says of its hooks, as its control interface shows it.

use super::*;
use stream_domain::ports::{HookSettings, HookUrl};

async fn read(stub: &Stub, family: Family, credentials: &str) -> Result<HookSettings, MediaServerError> {
    stub.control(family, credentials).hook_settings().await
}

/// Hooks by their settings and URLs.
fn set(hooks: &[(&'static str, &str)]) -> HookSettings {
    let hook = |&(setting, url): &(&'static str, &str)| HookUrl { setting, url: url.to_owned() };
    HookSettings::Set(hooks.iter().map(hook).collect())
}

#[tokio::test]
async fn mediamtx_shows_its_address_for_authentication() {
    for (body, expected) in [
        (
            r#"{"authMethod":"http","authHTTPAddress":"http://a/hooks/mediamtx/m?secret=s","api":true}"#,
            set(&[("authHTTPAddress", "http://a/hooks/mediamtx/m?secret=s")]),
        ),
        (
            r#"{"authMethod":"internal","authHTTPAddress":"http://a/"}"#,
            HookSettings::Off("authMethod: http with authHTTPAddress"),
        ),
        (
            r#"{"authMethod":"http","authHTTPAddress":""}"#,
            HookSettings::Off("authMethod: http with authHTTPAddress"),
        ),
    ] {
        let table: &'static [_] = vec![("GET /v3/config/global/get", (200, body))].leak();
        let stub = Stub::start(table).await;
        assert_eq!(read(&stub, Family::MediaMtx, "").await.unwrap(), expected);
    }
    let old = Stub::start(&[]).await;
    assert_eq!(read(&old, Family::MediaMtx, "").await.unwrap(), HookSettings::Unreadable);
}

#[tokio::test]
async fn srs_shows_the_hooks_of_its_virtual_host_where_it_may_be_queried() {
    const LINE: &str = "GET /api/v1/raw?rpc=query&scope=vhost&vhost=__defaultVhost__";
    for (body, expected) in [
        (
            r#"{"code":0,"vhost":{"name":"__defaultVhost__","http_hooks":{"enabled":true,
               "on_publish":["http://a/1","http://a/2"],"on_unpublish":["http://a/3"]}}}"#,
            set(&[
                ("on_publish", "http://a/1"),
                ("on_publish", "http://a/2"),
                ("on_unpublish", "http://a/3"),
            ]),
        ),
        (
            r#"{"code":0,"vhost":{"http_hooks":{"enabled":false,"on_publish":["http://a/1"]}}}"#,
            HookSettings::Off("http_hooks with on_publish"),
        ),
        (
            r#"{"code":0,"vhost":{"name":"__defaultVhost__"}}"#,
            HookSettings::Off("http_hooks with on_publish"),
        ),
        (r#"{"code":1061}"#, HookSettings::Unreadable),
        ("Not Found", HookSettings::Unreadable),
    ] {
        let table: &'static [_] = vec![(LINE, (200, body))].leak();
        let stub = Stub::start(table).await;
        assert_eq!(read(&stub, Family::Srs, "").await.unwrap(), expected, "{body}");
    }
}

#[tokio::test]
async fn zlmediakit_shows_its_hooks_to_those_who_have_its_secret() {
    const LINE: &str = "GET /index/api/getServerConfig?secret=s";
    for (body, expected) in [
        (
            r#"{"code":0,"data":[{"hook.enable":"1","hook.on_publish":"http://a/1","hook.on_stream_changed":"http://a/2",
               "hook.on_flow_report":"","hook.timeoutSec":"3"}]}"#,
            set(&[("hook.on_publish", "http://a/1"), ("hook.on_stream_changed", "http://a/2")]),
        ),
        (
            r#"{"code":0,"data":[{"hook.enable":"0","hook.on_publish":"http://a/1"}]}"#,
            HookSettings::Off("hook.enable"),
        ),
        (
            r#"{"code":0,"data":[{"hook.enable":"1","hook.on_publish":""}]}"#,
            HookSettings::Off("hook.on_publish"),
        ),
    ] {
        let table: &'static [_] = vec![(LINE, (200, body))].leak();
        let stub = Stub::start(table).await;
        assert_eq!(read(&stub, Family::ZlMediaKit, "s@").await.unwrap(), expected, "{body}");
    }
    let stub = Stub::start(&[(LINE, (200, r#"{"code":-100,"msg":"Incorrect secret"}"#))]).await;
    assert!(matches!(read(&stub, Family::ZlMediaKit, "s@").await, Err(MediaServerError::Forbidden)));
}

#[tokio::test]
async fn ovenmediaengine_shows_its_webhooks_where_its_version_does() {
    for (body, expected) in [
        (
            r#"{"statusCode":200,"response":{"name":"default","admissionWebhooks":{"controlServerUrl":"http://a/1"}}}"#,
            set(&[("ControlServerUrl", "http://a/1")]),
        ),
        (r#"{"statusCode":200,"response":{"name":"default"}}"#, HookSettings::Unreadable),
    ] {
        let table: &'static [_] = vec![("GET /v1/vhosts/default", (200, body))].leak();
        let stub = Stub::start(table).await;
        assert_eq!(read(&stub, Family::OvenMediaEngine, "token@").await.unwrap(), expected, "{body}");
    }
}

#[tokio::test]
async fn the_others_do_not_show_their_configuration_and_are_not_asked() {
    for family in [Family::NginxRtmp, Family::NodeMediaServer2, Family::NodeMediaServer4] {
        let stub = Stub::start(&[]).await;
        assert_eq!(read(&stub, family, "user:password@").await.unwrap(), HookSettings::Unreadable);
        assert_eq!(stub.lines(), Vec::<String>::new());
    }
}
