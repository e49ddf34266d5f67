//! The shipped nginx-rtmp, started with few settings: it prints the settings that the service needs.

use std::process::Command;

use stream_test_postgres::free_port;
use stream_tests::{MediaPorts, Program, StoreKind, TestStore, encoder, eventually, workspace};

/// The secret of the hooks.
const SECRET: &str = "a-hook-secret-of-the-tests";

/// Started as in the first lines of its README.
#[tokio::test(flavor = "multi_thread")]
async fn the_start_script_of_nginx_prints_every_setting_that_the_service_needs() {
    let (service_port, ports) = (free_port(), MediaPorts::free());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(workspace().join("docker/nginx-rtmp/start"));
    // An ordinary user's PATH, which does not contain nginx.
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("DATA", folder.path().join("data"));
    command.env("STREAM_SERVICE_URL", format!("http://localhost:{service_port}"));
    command.env("HOOK_SECRET", SECRET).env("RTMP_PORT", ports.rtmp.to_string());
    command.env("HTTP_PORT", ports.http.to_string()).env("CONTROL_PORT", ports.control.to_string());
    let nginx = Program::start(&mut command, &folder.path().join("nginx"));
    eventually("the printed settings", || async { nginx.errors().contains("MEDIA_SERVERS=") }).await;

    let said = nginx.errors();
    assert!(!said.contains(SECRET), "the secret is in the log: {said}");
    let setting = |name: &str| {
        let line = said.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('='));
        let value = line.unwrap_or_else(|| panic!("no {name}: {said}"));
        value.trim_matches('"').replace("(the HOOK_SECRET of this server)", SECRET)
    };
    let (rtmp_base, hls_base) = ports.bases();
    let store = TestStore::new(StoreKind::Sqlite);
    let setup =
        store.setup().with("PORT", &service_port.to_string()).with("ADDRESSES", &setting("ADDRESSES"));
    let setup = setup.with("MEDIA_SERVERS", &setting("MEDIA_SERVERS"));
    let service = setup.with("RTMP_BASE_URL", &rtmp_base).with("HLS_BASE_URL", &hls_base).start().await;
    let stream = service.generate_key(1).await.json["stream"].take();
    let text = |name: &str| stream[name].as_str().expect("a stream has it").to_owned();
    let mut encoder = encoder::publish_like_obs(&text("rtmp_url"), 30, folder.path());
    let session = format!("/api/streams/{}/sessions", stream["id"]);
    // Renewed through the control interface, the only way here to renew and to kick.
    eventually("a poll that lists the publisher", || async {
        let sessions = service.get_as(1, &session).await.json["sessions"].take();
        sessions[0]["last_seen_at"].as_str() > sessions[0]["started_at"].as_str()
    })
    .await;
    assert_eq!(service.post_as(1, "/api/streams/stop").await.status, 200);
    encoder.wait().await;
    drop(nginx);

    command.env_remove("HOOK_SECRET");
    let nginx = Program::start(&mut command, &folder.path().join("nginx-without-a-secret"));
    eventually("a warning", || async { nginx.errors().contains("HOOK_SECRET is not set") }).await;
}
