//! What viewers see with the shipped set-ups that produce HLS, nginx-rtmp and node-media-server 2: a picture from
//! encoders with their defaults, which continues when an encoder reconnects, and ends with the broadcast.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use stream_tests::viewers::{Browser, Player};
use stream_tests::{
    MediaPorts, NginxRtmp, NodeMediaServer, NodeVersion, Program, Service, StoreKind, TestStore, encoder,
    eventually, find_secret,
};
use tokio::time::sleep;

/// OBS by default sends a key frame every 250 frames, which is 8.33 seconds.
const OBS: u32 = 250;

/// The name of the media server, and its secret.
const SERVER: (&str, &str) = ("edge", "a-hook-secret-of-the-tests");

/// The set-ups that produce HLS.
#[derive(Clone, Copy, PartialEq)]
enum MediaSetup {
    Nginx,
    NodeTwo,
}

enum Media {
    Nginx(NginxRtmp),
    Node(NodeMediaServer),
}

/// A service with one of the shipped media servers.
struct Channel {
    service: Service,
    media: Media,
    store: TestStore,
    folder: tempfile::TempDir,
}

/// A stream of one user.
#[derive(Clone)]
struct Stream {
    user: u32,
    key: String,
    id: String,
    rtmp_url: String,
    hls_url: String,
}

impl Channel {
    async fn start(media_setup: MediaSetup, settings: &[(&str, &str)]) -> Arc<Self> {
        let store = TestStore::new(StoreKind::Sqlite);
        let ports = MediaPorts::free();
        let (rtmp_base, hls_base) = ports.bases();
        let entry = match media_setup {
            MediaSetup::Nginx => {
                let control = format!("http://127.0.0.1:{}", ports.control);
                format!("{}=nginx-rtmp;secret={};control={control}", SERVER.0, SERVER.1)
            }
            MediaSetup::NodeTwo => {
                format!(
                    "edge=node-media-server-2;control=http://operator:{}@127.0.0.1:{}",
                    SERVER.1, ports.http
                )
            }
        };
        let setup = store.setup().with("ADDRESSES", "playback").with("MEDIA_SERVERS", &entry);
        let service = setup.with("RTMP_BASE_URL", &rtmp_base).with("HLS_BASE_URL", &hls_base).start().await;
        let url = service.url("");
        let settings = [&[("ADDRESSES", "playback")], settings].concat();
        let media = match media_setup {
            MediaSetup::Nginx => Media::Nginx(NginxRtmp::start(ports, &url, SERVER, &settings).await),
            MediaSetup::NodeTwo => {
                let api = [("API_USER", "operator"), ("API_PASSWORD", SERVER.1)];
                let settings = [&api, &settings[..]].concat();
                Media::Node(NodeMediaServer::start(NodeVersion::Two, ports, &url, &settings).await)
            }
        };
        let folder = tempfile::tempdir().expect("a temporary folder");
        Arc::new(Self { service, media, store, folder })
    }

    async fn stream(&self, user: u32) -> Stream {
        let stream = self.service.generate_key(user).await.json["stream"].take();
        let text = |name: &str| stream[name].as_str().expect("a stream has it").to_owned();
        Stream {
            user,
            key: text("stream_key"),
            id: text("playback_id"),
            rtmp_url: text("rtmp_url"),
            hls_url: text("hls_url"),
        }
    }

    fn publish(&self, stream: &Stream, key_frames: u32) -> Program {
        encoder::publish_like_obs(&stream.rtmp_url, key_frames, self.folder.path())
    }

    /// The public API's status for a stream, and whether it is live.
    async fn public_state(&self, stream: &Stream) -> (u16, bool) {
        let answer = self.service.get(&format!("/api/streams/public/{}", stream.id)).await;
        (answer.status, answer.json["live"] == true)
    }

    /// The page that ships with nginx, for this stream.
    fn watch_page(&self, stream: &Stream) -> String {
        let base = stream.hls_url.split("/live/").next().expect("an address has a beginning");
        format!("{base}/watch.html?id={}&api={}", stream.id, self.service.url(""))
    }

    /// The folder of a stream's files.
    fn files_of(&self, stream: &Stream) -> PathBuf {
        match &self.media {
            Media::Nginx(nginx) => nginx.folder().join("data/hls").join(&stream.id),
            Media::Node(node) => node.folder().join("media/live").join(&stream.id),
        }
    }

    /// The files of a stream.
    fn files(&self, stream: &Stream) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.files_of(stream)).into_iter().flatten();
        entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
    }

    /// The media server's pages and output.
    async fn pages(&self, stream: &Stream) -> String {
        match &self.media {
            Media::Nginx(nginx) => nginx.pages(&stream.id).await,
            Media::Node(node) => node.pages(&stream.id).await,
        }
    }
}

/// The contents of a playlist.
#[derive(Debug)]
struct Playlist {
    text: String,
    /// The number of its first fragment.
    first: usize,
    fragments: Vec<String>,
    seconds: f64,
}

impl Playlist {
    /// The playlist and its status; 0 if there is no response.
    async fn fetch(url: &str) -> (u16, Self) {
        let (status, text) = get(url).await;
        let after = |name: &'static str| text.lines().filter_map(move |line| line.strip_prefix(name));
        let first = after("#EXT-X-MEDIA-SEQUENCE:").next().and_then(|first| first.parse().ok());
        let seconds = after("#EXTINF:").filter_map(|line| line.trim_end_matches(',').parse::<f64>().ok());
        let seconds = seconds.sum();
        let base = url.trim_end_matches("index.m3u8");
        let fragments = text.lines().filter(|line| line.ends_with(".ts")).map(|name| format!("{base}{name}"));
        let fragments = fragments.collect();
        (status, Self { first: first.unwrap_or_default(), fragments, seconds, text })
    }

    async fn of(url: &str) -> Self {
        let (status, playlist) = Self::fetch(url).await;
        assert_eq!(status, 200, "{url}");
        playlist
    }
}

async fn get(url: &str) -> (u16, String) {
    let client = reqwest::Client::builder().no_proxy().build().expect("a plain client can be made");
    let Ok(answer) = client.get(url).send().await else { return (0, String::new()) };
    (
        answer.status().as_u16(),
        String::from_utf8_lossy(&answer.bytes().await.unwrap_or_default()).into_owned(),
    )
}

/// Waits until a condition holds, for at most three minutes, since broadcasts run in real time.
async fn wait_for<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    for _ in 0..360 {
        if holds().await {
            return;
        }
        sleep(Duration::from_millis(500)).await;
    }
    panic!("{what} did not happen within three minutes");
}

async fn wait_for_fragments(url: &str, count: usize) {
    wait_for(&format!("a playlist of {count} fragments"), || async {
        Playlist::fetch(url).await.1.fragments.len() >= count
    })
    .await;
}

/// Waits until every player has played this many seconds of a broadcast; none may give up.
async fn wait_until_played(seconds: f64, name: &str, browser: &mut Browser, players: &mut [Player]) {
    for player in ["native", "hls.js"] {
        for _ in 0..180 {
            let shown = browser.shows(player);
            assert!(shown.iter().all(|shown| shown.fatal.is_empty()), "{player}, {name}: {shown:?}");
            if shown.is_some_and(|shown| shown.width > 0 && shown.seconds > seconds) {
                break;
            }
            sleep(Duration::from_secs(1)).await;
        }
        let shown = browser.shows(player).expect("the page is there");
        assert!(shown.width > 0 && shown.seconds > seconds, "{player}, {name}, {seconds} s: {shown:?}");
    }
    for player in players {
        for _ in 0..180 {
            if player.pictures() as f64 > seconds * 30.0 {
                break;
            }
            sleep(Duration::from_secs(1)).await;
        }
        assert!(player.pictures() as f64 > seconds * 30.0, "{name}, {seconds} s: {player:?}");
    }
}

/// Waits until the shipped page shows this text, and a picture unless the broadcast has ended.
async fn wait_for_text(page: &mut Option<Browser>, words: &str) {
    let Some(page) = page else { return };
    for _ in 0..60 {
        let shown = page.shows("page");
        let is_over = words.contains("ended");
        if shown.is_some_and(|shown| shown.says.contains(words) && (is_over || shown.width > 0)) {
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
    panic!("{words}: {:?}", page.shows("page"));
}

/// Waits until the picture of the shipped page changes.
async fn wait_until_playing(page: &mut Option<Browser>) {
    let Some(page) = page else { return };
    let before = page.shows("page");
    for _ in 0..60 {
        if page.shows("page") != before {
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
    panic!("the picture is frozen: {before:?}");
}

/// A broadcast whose encoder disconnects for a while, with four players without any user interaction.
async fn an_encoder_reconnects_after(gap: u64, channel: Arc<Channel>, user: u32) {
    let stream = channel.stream(user).await;
    let mut encoder = channel.publish(&stream, OBS);
    // The shipped page is opened before there is a picture, and retries until there is one.
    let page = [("page", &*channel.watch_page(&stream))];
    let has_page = gap == 10 && matches!(channel.media, Media::Nginx(_));
    let mut page = has_page.then(|| Browser::open(&page, channel.folder.path()));
    // Chromium's own player needs as many to start.
    wait_for_fragments(&stream.hls_url, 3).await;
    let name = format!("gap of {gap} s");
    let folder = channel.folder.path();
    let mut browser = Browser::open(&[("native", &stream.hls_url), ("hls.js", &stream.hls_url)], folder);
    let mut players = [Player::ffmpeg(&stream.hls_url, folder), Player::gstreamer(&stream.hls_url, folder)];
    wait_until_played(1.0, &name, &mut browser, &mut players).await;
    let since =
        channel.service.get(&format!("/api/streams/public/{}", stream.id)).await.json["live_since"].take();

    encoder.kill();
    sleep(Duration::from_secs(gap)).await;
    let before = Playlist::of(&stream.hls_url).await;
    if gap >= 10 {
        assert_eq!(
            channel.public_state(&stream).await,
            (200, false),
            "the page reports the interruption while the playlist remains"
        );
        wait_for_text(&mut page, "Waiting for the broadcaster").await;
    }
    encoder = channel.publish(&stream, OBS);
    // These seconds include pictures from after the gap, since the part before it was shorter.
    wait_until_played(before.seconds + 3.0, &name, &mut browser, &mut players).await;
    assert!(encoder.ended().is_none(), "{}", encoder.errors());
    let after = Playlist::of(&stream.hls_url).await;
    assert_eq!(after.text.matches("#EXT-X-DISCONTINUITY\n").count(), 2, "{}", after.text);
    assert_eq!((before.first, &after.fragments[..before.fragments.len()]), (0, &before.fragments[..]));
    let state = channel.service.get(&format!("/api/streams/public/{}", stream.id)).await.json;
    assert_eq!((&state["live"], &state["live_since"]), (&true.into(), &since), "it is the same broadcast");

    // A stop ends the broadcast for pages and players immediately, without the wait for a reconnect.
    assert_eq!(channel.service.post_as(stream.user, "/api/streams/stop").await.status, 200);
    assert_eq!(channel.public_state(&stream).await.0, 410);
    eventually("the end of the playlist", || async { get(&stream.hls_url).await.0 == 404 }).await;
    let last = after.fragments.last().expect("it names some");
    eventually("the end of its fragments", || async { get(last).await.0 == 404 }).await;
    wait_for_text(&mut page, "This broadcast has ended.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn viewers_keep_watching_when_an_encoder_reconnects() {
    let nginx = Channel::start(MediaSetup::Nginx, &[]).await;
    let node = Channel::start(MediaSetup::NodeTwo, &[]).await;
    let gaps = [(1, &nginx), (3, &nginx), (10, &nginx), (30, &nginx), (10, &node)];
    let broadcasts = gaps
        .into_iter()
        .zip(1..)
        .map(|((gap, channel), user)| tokio::spawn(an_encoder_reconnects_after(gap, channel.clone(), user)));
    let broadcasts: Vec<_> = broadcasts.collect();
    for broadcast in broadcasts {
        broadcast.await.expect("a broadcast that continues");
    }
}

/// A broadcast that is joined when its playlist has its full length; until then every fragment in it is fetched.
async fn a_broadcast_is_joined_late(key_frames: u32, seconds: f64, channel: Arc<Channel>, user: u32) {
    let stream = channel.stream(user).await;
    let encoder = channel.publish(&stream, key_frames);
    wait_for_fragments(&stream.hls_url, 1).await;
    let mut longest = 0.0;
    while longest < seconds {
        let playlist = Playlist::of(&stream.hls_url).await;
        for fragment in &playlist.fragments {
            assert_eq!(get(fragment).await.0, 200, "{fragment} of\n{}", playlist.text);
        }
        let target = playlist.text.lines().find_map(|line| line.strip_prefix("#EXT-X-TARGETDURATION:"));
        let target: f64 = target.and_then(|target| target.parse().ok()).expect("a playlist has one");
        assert!((target - f64::from(key_frames) / 30.0).abs() <= 0.5, "{}", playlist.text);
        longest = playlist.seconds;
        sleep(Duration::from_secs(1)).await;
    }
    let name = format!("{key_frames} frames");
    let folder = channel.folder.path();
    let mut browser = Browser::open(&[("native", &stream.hls_url), ("hls.js", &stream.hls_url)], folder);
    let mut players = [Player::ffmpeg(&stream.hls_url, folder), Player::gstreamer(&stream.hls_url, folder)];
    wait_until_played(5.0, &name, &mut browser, &mut players).await;
    drop(encoder);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_player_plays_an_encoder_with_few_key_frames() {
    let channel = Channel::start(MediaSetup::Nginx, &[]).await;
    let obs = tokio::spawn(a_broadcast_is_joined_late(OBS, 75.0, channel.clone(), 1));
    let fifteen_seconds = tokio::spawn(a_broadcast_is_joined_late(15 * 30, 75.0, channel.clone(), 2));
    obs.await.expect("OBS by default");
    fifteen_seconds.await.expect("key frames every 15 seconds");
}

async fn files_that_are_no_longer_needed_are_removed(media_setup: MediaSetup) {
    let channel = Channel::start(media_setup, &[("KEEP", "3")]).await;
    let stream = channel.stream(1).await;
    let encoder = channel.publish(&stream, 30);
    wait_for("a long broadcast", || async {
        let (_, playlist) = Playlist::fetch(&stream.hls_url).await;
        // Twelve in the playlist, six removed from it, two being written, the playlist, and up to two new ones.
        assert!(channel.files(&stream).len() <= 12 + 6 + 2 + 1 + 2, "{:?}", channel.files(&stream));
        playlist.first >= 15
    })
    .await;
    let page = [("page", &*channel.watch_page(&stream))];
    let is_nginx = matches!(channel.media, Media::Nginx(_));
    let mut page = is_nginx.then(|| Browser::open(&page, channel.folder.path()));
    wait_for_text(&mut page, "Live").await;
    drop(encoder);
    let folder = channel.files_of(&stream);
    eventually("an empty disk", || async { !folder.exists() }).await;

    // The next broadcast creates its folder again, and the page its player, which has given up by then.
    let _encoder = channel.publish(&stream, 30);
    wait_for_fragments(&stream.hls_url, 4).await;
    wait_for_text(&mut page, "Live").await;
    wait_until_playing(&mut page).await;
    // The expiry of the key ends the broadcast and removes the folder, without a stop.
    channel.store.let_expire(&stream.key);
    eventually("an end for pages", || async { channel.public_state(&stream).await.0 == 410 }).await;
    eventually("an empty disk", || async { !folder.exists() }).await;
    wait_for_text(&mut page, "This broadcast has ended.").await;
    let written = channel.pages(&stream).await;
    assert_eq!(find_secret(&written, std::slice::from_ref(&stream.key)), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_removes_files_that_are_no_longer_needed() {
    files_that_are_no_longer_needed_are_removed(MediaSetup::Nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn node_media_server_removes_files_that_are_no_longer_needed() {
    files_that_are_no_longer_needed_are_removed(MediaSetup::NodeTwo).await;
}
