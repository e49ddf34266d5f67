//! The shipped nginx-rtmp as a newcomer starts it: what it says is what the service has to be told.

use std::process::Command;

use stream_test_postgres::free_port;
use stream_tests::{MediaPorts, Program, StoreKind, TestStore, encoder, eventually, workspace};

/// What hooks show.
const SECRET: &str = "a-hook-secret-of-the-tests";

/// The shipped nginx as somebody starts it who has read the first lines of its page, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn what_start_says_is_all_that_the_service_needs_to_be_told() {
    let (service_port, ports) = (free_port(), MediaPorts::free());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(workspace().join("docker/nginx-rtmp/start"));
    // An ordinary user's, where nginx is not to be found.
    command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("DATA", folder.path().join("data"));
    command.env("STREAM_SERVICE_URL", format!("http://localhost:{service_port}"));
    command.env("HOOK_SECRET", SECRET).env("RTMP_PORT", ports.rtmp.to_string());
    command.env("HTTP_PORT", ports.http.to_string()).env("CONTROL_PORT", ports.control.to_string());
    let nginx = Program::start(&mut command, &folder.path().join("nginx"));
    eventually("what it says", || async { nginx.errors().contains("MEDIA_SERVERS=") }).await;

    let said = nginx.errors();
    assert!(!said.contains(SECRET), "a log is no place for a secret: {said}");
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
    // Seen by way of the control interface, which alone keeps a session alive and ends it.
    eventually("a look at who is live", || async {
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
