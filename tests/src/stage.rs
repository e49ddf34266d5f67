//! A service, a media server in front of it, and encoders: the parts of each situation.

mod encoder;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use serde_json::Value;
use stream_simulated_servers::MediaServer;
use stream_test_postgres::free_port;
use tempfile::TempDir;

use crate::media::{MediaPorts, NginxRtmp, NodeMediaServer, NodeVersion};
use crate::media_setup::MediaSetup;
use crate::relay::Relay;
use crate::service::{Service, ServiceBuilder};
pub use crate::stage::encoder::Encoder;
use crate::store::{StoreKind, TestStore};

/// The name of the media server on every stage.
const SERVER: &str = "edge";

/// The secret of its hooks.
const SECRET: &str = "a-hook-secret-of-the-tests";

#[derive(Debug)]
enum Media {
    Nginx(NginxRtmp),
    Node(NodeMediaServer),
    Simulated(Box<MediaServer>),
}

/// A user with a key.
#[derive(Debug, Clone)]
pub struct Owner {
    /// The user's number.
    pub user: u32,
    /// The key.
    pub key: String,
    /// The public name of the stream.
    pub playback_id: String,
    /// The stream's number.
    pub stream: i64,
}

/// Everything that a situation needs.
#[derive(Debug)]
pub struct Stage {
    /// Which set-up it is.
    pub media_setup: MediaSetup,
    /// The database.
    pub store: TestStore,
    /// Between the media server and the service.
    pub relay: Relay,
    setup: ServiceBuilder,
    service: Option<Service>,
    media: Media,
    ports: MediaPorts,
    users: u32,
    outputs: TempDir,
}

impl Stage {
    /// Starts a service and a media server.
    pub async fn start(media_setup: MediaSetup, kind: StoreKind) -> Self {
        Self::start_with(media_setup, kind, &[]).await
    }

    /// The same, with these settings of the service.
    pub async fn start_with(media_setup: MediaSetup, kind: StoreKind, settings: &[(&str, &str)]) -> Self {
        let store = TestStore::new(kind);
        let (service_port, ports) = (free_port(), MediaPorts::free());
        let relay = Relay::start(service_port, Ipv4Addr::LOCALHOST.into()).await;
        let service_url = format!("http://127.0.0.1:{}", relay.port());
        let (media, control) = start_media(media_setup, ports, &service_url).await;
        let (rtmp_base, hls_base) = ports.bases();
        let control = control.filter(|_| media_setup.has_control()).map(|url| format!(";control={url}"));
        let entry =
            format!("{SERVER}={};secret={SECRET}{}", media_setup.family(), control.unwrap_or_default());
        let setup = store.setup().with("PORT", &service_port.to_string()).with("MEDIA_SERVERS", &entry);
        let setup = setup.with("ADDRESSES", media_setup.addresses()).with("SHUTDOWN_NOTICE", "0");
        let setup = setup.with("RTMP_BASE_URL", &rtmp_base).with("HLS_BASE_URL", &hls_base);
        let setup = settings.iter().fold(setup, |setup, (name, value)| setup.with(name, value));
        let service = Some(setup.start().await);
        let outputs = tempfile::tempdir().expect("a temporary folder");
        Self { media_setup, store, relay, setup, service, media, ports, users: 0, outputs }
    }

    /// The service, which must be running.
    pub fn service(&self) -> &Service {
        self.service.as_ref().expect("the service is running")
    }

    /// The settings of the service, for commands beside it.
    pub fn setup(&self) -> &ServiceBuilder {
        &self.setup
    }

    /// Kills the service, as a crash would.
    pub fn crash_service(&mut self) {
        if let Some(mut service) = self.service.take() {
            service.program.kill();
        }
    }

    /// Starts the service again.
    pub async fn restart_service(&mut self) {
        self.service = Some(self.setup.start().await);
    }

    /// A user who has no stream yet, with a key.
    pub async fn new_owner(&mut self) -> Owner {
        self.users += 1;
        let stream = self.service().generate_key(self.users).await.json["stream"].take();
        let text = |name: &str| stream[name].as_str().expect("a stream has it").to_owned();
        Owner {
            user: self.users,
            key: text("stream_key"),
            playback_id: text("playback_id"),
            stream: stream["id"].as_i64().expect("a number"),
        }
    }

    /// The stream as its owner sees it.
    pub async fn stream(&self, owner: &Owner) -> Value {
        let list = self.service().get_as(owner.user, "/api/streams").await;
        let all = list.json["streams"].as_array().cloned().unwrap_or_default();
        all.into_iter().find(|stream| stream["id"] == owner.stream).unwrap_or_default()
    }

    /// Whether the service reports the stream as live, both to its owner and in public.
    pub async fn is_live(&self, owner: &Owner) -> bool {
        let live = self.stream(owner).await["live"] == true;
        let listed = self.service().get("/api/streams/public?live=true").await;
        let shown = listed.json["streams"].as_array().cloned().unwrap_or_default();
        let is_shown = shown.iter().any(|stream| stream["id"] == owner.stream);
        // The two requests are not simultaneous, so the state may have changed in between.
        live && is_shown
    }

    /// The stream's sessions, newest first.
    pub async fn sessions(&self, owner: &Owner) -> Vec<Value> {
        let path = format!("/api/streams/{}/sessions", owner.stream);
        let answer = self.service().get_as(owner.user, &path).await;
        answer.json["sessions"].as_array().cloned().unwrap_or_default()
    }

    /// The reasons of the refused attempts on the user's keys, newest first.
    pub async fn attempts(&self, owner: &Owner) -> Vec<String> {
        let answer = self.service().get_as(owner.user, "/api/streams/attempts").await;
        let attempts = answer.json["attempts"].as_array().cloned().unwrap_or_default();
        attempts.iter().filter_map(|attempt| attempt["reason"].as_str().map(str::to_owned)).collect()
    }

    /// The name of the stream in viewers' addresses.
    pub fn watched_name<'a>(&self, owner: &'a Owner) -> &'a str {
        if self.media_setup.hides_keys() { &owner.playback_id } else { &owner.key }
    }

    /// Whether the stream can be watched.
    pub async fn can_be_watched(&self, owner: &Owner) -> bool {
        self.name_can_be_watched(self.watched_name(owner)).await
    }

    /// Whether the stream decodes to a picture; always true for a simulated server, which has no media.
    pub async fn shows_a_picture(&self, owner: &Owner) -> bool {
        let name = self.watched_name(owner);
        let url = match &self.media {
            Media::Nginx(_) => format!("{}/{name}/index.m3u8", self.ports.bases().1),
            Media::Node(node) => node.watch_url(name),
            Media::Simulated(_) => return true,
        };
        tokio::task::spawn_blocking(move || crate::encoder::plays(&url)).await.expect("ffmpeg runs")
    }

    /// Whether a stream of this name can be watched.
    pub async fn name_can_be_watched(&self, name: &str) -> bool {
        match &self.media {
            Media::Nginx(nginx) => nginx.playlist(name).await,
            Media::Node(node) => node.playlist(name).await,
            Media::Simulated(server) => server.playlist(name),
        }
    }

    /// Everything that the media server shows, and its output.
    pub async fn pages(&self, owner: &Owner) -> String {
        let name = self.watched_name(owner);
        match &self.media {
            Media::Nginx(nginx) => nginx.pages(name).await,
            Media::Node(node) => node.pages(name).await,
            Media::Simulated(server) => server.page(),
        }
    }

    /// Kills the media server, as a crash would.
    pub async fn crash_media(&mut self) {
        match &mut self.media {
            Media::Nginx(nginx) => nginx.crash(),
            Media::Node(node) => node.crash(),
            Media::Simulated(server) => server.crash().await,
        }
    }

    /// Reloads the configuration of the real nginx.
    pub async fn reload_media(&self) {
        let Media::Nginx(nginx) = &self.media else { panic!("only nginx is reloaded") };
        nginx.reload().await;
    }

    /// Starts the media server again.
    pub async fn restart_media(&mut self) {
        match &mut self.media {
            Media::Nginx(nginx) => nginx.restart().await,
            Media::Node(node) => node.restart().await,
            Media::Simulated(server) => server.restart().await,
        }
    }

    /// Publishes to the owner's address, from 127.0.0.`host`.
    pub async fn publish(&self, owner: &Owner, host: u8) -> Encoder {
        match self.media_setup.addresses() {
            "playback" => self.publish_name(&owner.playback_id, &format!("key={}", owner.key), host).await,
            _ => self.publish_name(&owner.key, "", host).await,
        }
    }

    /// Publishes any name with any query, from 127.0.0.`host`.
    pub async fn publish_name(&self, name: &str, query: &str, host: u8) -> Encoder {
        let from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, host));
        if let Media::Simulated(server) = &self.media {
            return Encoder::Simulated(server.publish(name, query, from));
        }
        // ffmpeg cannot choose its own address.
        let relay = Relay::start(self.ports.rtmp, from).await;
        let query = if query.is_empty() { String::new() } else { format!("?{query}") };
        let url = format!("rtmp://127.0.0.1:{}/live/{name}{query}", relay.port());
        Encoder::Real { program: crate::encoder::publish(&url, self.outputs.path()), _relay: relay }
    }

    /// Publishes to the owner's address without media; only possible with a simulated server.
    pub fn publish_without_media(&self, owner: &Owner, host: u8) -> Encoder {
        let Media::Simulated(server) = &self.media else { panic!("only a simulated server") };
        let from = IpAddr::V4(Ipv4Addr::new(127, 0, 0, host));
        let query = format!("key={}", owner.key);
        Encoder::Simulated(server.publish_without_media(&owner.playback_id, &query, from))
    }

    /// The folder of the encoders' outputs.
    pub fn outputs(&self) -> PathBuf {
        self.outputs.path().to_owned()
    }
}

async fn start_media(
    media_setup: MediaSetup,
    ports: MediaPorts,
    service_url: &str,
) -> (Media, Option<String>) {
    let http = format!("http://operator:a-password-of-the-tests@127.0.0.1:{}", ports.http);
    let api = [("API_USER", "operator"), ("API_PASSWORD", "a-password-of-the-tests")];
    let hooks = [("SERVER_NAME", SERVER), ("HOOK_SECRET", SECRET)];
    // How long a playlist remains after its publisher: long enough to be observed, short enough for tests to wait for its end.
    let keep = ("KEEP", "3");
    match media_setup {
        MediaSetup::NginxKey
        | MediaSetup::NginxPlayback
        | MediaSetup::NginxRename
        | MediaSetup::NginxUpdates => {
            let updates = if media_setup == MediaSetup::NginxUpdates { "on" } else { "off" };
            let settings = [("ADDRESSES", media_setup.addresses()), ("UPDATES", updates), keep];
            let nginx = NginxRtmp::start(ports, service_url, (SERVER, SECRET), &settings).await;
            (Media::Nginx(nginx), Some(format!("http://127.0.0.1:{}", ports.control)))
        }
        MediaSetup::NodeTwo => {
            let node =
                NodeMediaServer::start(NodeVersion::Two, ports, service_url, &[api[0], api[1], keep]).await;
            (Media::Node(node), Some(http))
        }
        MediaSetup::NodeFour => {
            let settings = [&api[..], &hooks[..]].concat();
            let node = NodeMediaServer::start(NodeVersion::Four, ports, service_url, &settings).await;
            (Media::Node(node), Some(http))
        }
        MediaSetup::Simulated(family) => {
            let hook = format!("{service_url}/hooks/{}/{SERVER}?secret={SECRET}", media_setup.family());
            let server = MediaServer::start(family, &hook, SECRET, None).await;
            let control = server.control_url();
            (Media::Simulated(Box::new(server)), control)
        }
    }
}
