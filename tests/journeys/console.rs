//! The console in a real browser: from a clean start to a picture, and what a page shows when things go wrong.

mod channel;
mod costs;
mod files;
mod first_stream;
mod operators;
mod screens;
mod situations;

use std::path::Path;

use reqwest::Method;
use serde_json::Value;
use stream_tests::pages::{Pages, Tab};
use stream_tests::{
    MediaPorts, NginxRtmp, NodeMediaServer, NodeVersion, Program, Service, ServiceBuilder, encoder, token_of,
};

/// The operator's token.
const ADMIN_TOKEN: &str = "an-admin-token-of-the-tests";

/// The name of the media server, and its secret.
const SERVER: (&str, &str) = ("edge", "a-hook-secret-of-the-tests");

/// A service on its embedded default, started as a newcomer does, with a media server beside it.
struct Platform {
    service: Service,
    _media: Media,
    hls_origin: String,
    folder: tempfile::TempDir,
    pages: Pages,
}

#[expect(dead_code, reason = "held so that it goes on")]
enum Media {
    Nginx(NginxRtmp),
    Node(NodeMediaServer),
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Nginx,
    Node,
}

impl Platform {
    async fn start(kind: Kind, settings: &[(&str, &str)]) -> Self {
        let ports = MediaPorts::free();
        let (rtmp_base, hls_base) = ports.bases();
        let (control, secret) = (ports.control, SERVER.1);
        let servers = match kind {
            Kind::Nginx => format!("edge=nginx-rtmp;secret={secret};control=http://127.0.0.1:{control}"),
            Kind::Node => {
                let http = ports.http;
                format!("edge=node-media-server-2;control=http://operator:{secret}@127.0.0.1:{http}")
            }
        };
        let setup = ServiceBuilder::default().with("ADDRESSES", "playback").with("MEDIA_SERVERS", &servers);
        let setup = setup.with("RTMP_BASE_URL", &rtmp_base).with("HLS_BASE_URL", &hls_base);
        let setup = settings.iter().fold(setup, |setup, (name, value)| setup.with(name, value));
        let service = setup.start().await;
        let url = service.url("");
        let media = match kind {
            Kind::Nginx => {
                let settings = [("ADDRESSES", "playback")];
                Media::Nginx(NginxRtmp::start(ports, &url, SERVER, &settings).await)
            }
            Kind::Node => {
                let settings =
                    [("ADDRESSES", "playback"), ("API_USER", "operator"), ("API_PASSWORD", secret)];
                Media::Node(NodeMediaServer::start(NodeVersion::Two, ports, &url, &settings).await)
            }
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        let pages = Pages::open(folder.path()).await;
        let hls_origin = hls_base.trim_end_matches("/live").to_owned();
        Self { service, _media: media, hls_origin, folder, pages }
    }

    /// Publishes with the two fields that the page shows, joined as encoders join them.
    async fn publishes(&self, tab: Tab<'_>, folder: &Path) -> Program {
        let address = format!("{}/{}", tab.field("Server").await, tab.field("Stream Key").await);
        encoder::publish_like_obs(&address, 30, folder)
    }
}

/// Signs in by one click and makes a key; shows it, as one does who types it over.
async fn goes_live_with_a_click(tab: Tab<'_>, url: &str) {
    tab.goes_to(url).await;
    tab.clicks_the("link", "Broadcast").await;
    tab.clicks("Start a development session").await;
    tab.clicks("Make a stream key").await;
    tab.clicks("Show: Stream Key").await;
}

/// Signs in with a token, as one does who has an account.
async fn signs_in(tab: Tab<'_>, token: &str) {
    tab.shows("Sign in to broadcast").await;
    tab.fills("Token", token).await;
    tab.clicks_the("button", "Sign in").await;
    tab.shows("Sign out").await;
}

/// What nobody planned; that a playlist is not there yet, or a stream has ended, is an answer that browsers report.
fn unexpected(faults: Vec<String>) -> Vec<String> {
    faults.into_iter().filter(|fault| !fault.contains("Failed to load resource")).collect()
}

async fn encoder_address(tab: Tab<'_>) -> String {
    format!("{}/{}", tab.field("Server").await, tab.field("Stream Key").await)
}

/// Sends JSON as a user.
async fn sends(service: &Service, user: u32, path: &str, body: &Value) -> Value {
    let request = service.request(Method::POST, path).bearer_auth(token_of(user));
    let request = request.header("Content-Type", "application/json").body(body.to_string());
    let answer = service.send(request).await;
    assert!(answer.status < 300, "{answer:?}");
    answer.json
}
