//! Media servers that are away, whose hooks are wrong, and playlists that pages cannot read.

use stream_simulated_servers::{Encoder, Family, MediaServer};
use stream_test_postgres::free_port;
use stream_tests::{MediaPorts, NginxRtmp, Service, ServiceBuilder, eventually};

use super::Report;

const SECRET: &str = "a-hook-secret";

const OTHER: &str = "another-hook-secret";

/// The settings of a service on this port, with a media server at `control`.
fn setup(port: u16, family: &str, control: &str) -> ServiceBuilder {
    let entry = format!("edge={family};secret={SECRET};control={control}");
    ServiceBuilder::on("sqlite://streams.db")
        .with("PORT", &port.to_string())
        .with("ADDRESSES", "playback")
        .with("MEDIA_SERVERS", &entry)
}

/// A media server whose hooks go to this port with this secret.
async fn mediamtx(port: u16, secret: &str) -> MediaServer {
    let hook = format!("http://127.0.0.1:{port}/hooks/mediamtx/edge?secret={secret}");
    MediaServer::start(Family::MediaMtx, &hook, secret, None).await
}

fn control_of(server: &MediaServer) -> String {
    server.control_url().expect("it has a control interface")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_media_server_that_is_set_up_well_has_nothing_but_ok() {
    let port = free_port();
    let server = mediamtx(port, SECRET).await;
    let setup = setup(port, "mediamtx", &control_of(&server));
    let service = setup.start().await;
    let encoder = live(&service, &server).await;
    let report = Report::of(&setup);
    report.must_be_ok("media server edge");
    // The file is one for each run here, so nothing was heard in it.
    let hooks = report.found("hooks of edge", "ok");
    let said =
        |words: &str| hooks.iter().any(|one| one["what"].as_str().is_some_and(|what| what.contains(words)));
    assert!(said("authHTTPAddress leads to this service"), "{:#}", report.json);
    assert!(said("the service here takes them"), "{:#}", report.json);
    assert_eq!(report.found("hooks of edge", "failure"), Vec::<&serde_json::Value>::new());
    drop(encoder);
}

/// A stream that is live on this server.
async fn live(service: &Service, server: &MediaServer) -> Encoder {
    let stream = service.generate_key(1).await.json["stream"].take();
    let text = |name: &str| stream[name].as_str().expect("a stream has it").to_owned();
    let key = format!("key={}", text("stream_key"));
    let encoder = server.publish(&text("playback_id"), &key, [127, 0, 0, 1].into());
    eventually("a live stream", || async {
        let list = service.get("/api/streams/public?live=true").await;
        list.json["streams"].as_array().is_some_and(|streams| !streams.is_empty())
    })
    .await;
    encoder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_media_server_that_is_away_is_named() {
    let report = Report::of(&setup(free_port(), "mediamtx", "http://127.0.0.1:1"));
    report.must_fail(
        "media server edge",
        "does not answer",
        "start it, or correct host and port of control=",
    );
    let server = MediaServer::start(Family::ZlMediaKit, "http://127.0.0.1:1/", "s", None).await;
    let right = control_of(&server);
    let wrong = format!("http://wrong-password@{}", right.rsplit('@').next().expect("a host"));
    let report = Report::of(&setup(free_port(), "zlmediakit", &wrong));
    report.must_fail("media server edge", "refuses our credentials", "correct user and password, or token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_at_the_media_server_is_named() {
    let port = free_port();
    let server = mediamtx(port, OTHER).await;
    let setup = setup(port, "mediamtx", &control_of(&server));
    let _service = setup.start().await;
    let report = Report::of(&setup);
    let cure = "set the same secret in authHTTPAddress there and as secret= of edge in MEDIA_SERVERS";
    report.must_fail("hooks of edge", "its secret is not the one in MEDIA_SERVERS", cure);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_at_the_service_that_runs_is_named() {
    let port = free_port();
    let server = mediamtx(port, SECRET).await;
    let control = control_of(&server);
    let old = format!("edge=mediamtx;secret={OTHER};control={control}");
    let _service = setup(port, "mediamtx", &control).with("MEDIA_SERVERS", &old).start().await;
    let report = Report::of(&setup(port, "mediamtx", &control));
    report.must_fail("hooks of edge", "the service here refuses", "restart it with the same MEDIA_SERVERS");
    report.must_fail(
        "hooks of edge",
        "refuses the URL in authHTTPAddress",
        "restart it with the same MEDIA_SERVERS",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn hooks_that_cannot_reach_the_service_are_named() {
    let (port, nowhere) = (free_port(), free_port());
    let server = mediamtx(nowhere, SECRET).await;
    let setup = setup(port, "mediamtx", &control_of(&server));
    // Without a service it cannot be told whose fault that is.
    Report::of(&setup).must_warn("hooks of edge", "does not answer", "start the service");
    let _service = setup.start().await;
    let report = Report::of(&setup);
    let what = format!("127.0.0.1:{nowhere}, where authHTTPAddress leads, cannot be reached from here");
    report.must_fail("hooks of edge", &what, "correct authHTTPAddress there");
    // Another program answers there.
    let other = MediaServer::start(Family::Srs, "http://127.0.0.1:1/", "s", Some(nowhere)).await;
    Report::of(&setup).must_fail("hooks of edge", "answers with status 401", "correct authHTTPAddress there");
    drop(other);
}

#[tokio::test(flavor = "multi_thread")]
async fn playlists_that_pages_of_other_origins_cannot_read_are_named() {
    let port = free_port();
    let server = mediamtx(port, SECRET).await;
    let store = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}/streams.db", store.path().display());
    let setup = setup(port, "mediamtx", &control_of(&server)).with("DB_URL", &url);
    let setup = setup.with("HLS_BASE_URL", &server.hls_base());
    let service = setup.start().await;
    // A missing playlist proves little.
    Report::of(&setup).must_warn("HLS CORS", "with a missing playlist", "Access-Control-Allow-Origin");
    let encoder = live(&service, &server).await;
    let report = Report::of(&setup);
    report.must_be_ok("HLS_BASE_URL");
    report.must_fail(
        "HLS CORS",
        "pages of other origins may not read playlists",
        "add_header Access-Control-Allow-Origin",
    );
    let heard = report.found("hooks of edge", "ok");
    assert!(heard.iter().any(|one| one["what"].as_str().is_some_and(|what| what.contains("last heard of"))));
    drop(encoder);
    let away = setup.with("HLS_BASE_URL", "http://127.0.0.1:1/live");
    Report::of(&away).must_fail("HLS_BASE_URL", "cannot be reached from here", "correct HLS_BASE_URL");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shipped_nginx_is_found_to_be_in_order() {
    let (port, ports) = (free_port(), MediaPorts::free());
    let service_url = format!("http://127.0.0.1:{port}");
    let _nginx = NginxRtmp::start(ports, &service_url, ("edge", SECRET), &[("ADDRESSES", "playback")]).await;
    let (rtmp_base, hls_base) = ports.bases();
    let setup = setup(port, "nginx-rtmp", &format!("http://127.0.0.1:{}", ports.control));
    let setup = setup.with("RTMP_BASE_URL", &rtmp_base).with("HLS_BASE_URL", &hls_base);
    let _service = setup.start().await;
    let report = Report::of(&setup);
    for subject in ["media server edge", "RTMP_BASE_URL", "HLS_BASE_URL", "HLS CORS"] {
        report.must_be_ok(subject);
    }
    // nginx shows nothing of its configuration, which is no fault.
    assert_eq!(report.json["failures"], 0, "{:#}", report.json);
}
