//! What viewers see of the shipped set-ups that make HLS, nginx-rtmp and node-media-server 2: a picture from encoders as they are by default, that goes on when an
//! encoder comes back, and ends when the broadcast does.

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

/// What the media server is called.
const SERVER: (&str, &str) = ("edge", "a-hook-secret-of-the-tests");

/// The set-ups that make HLS.
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

    /// What the public API says of a stream: the status, and whether it is live.
    async fn said(&self, stream: &Stream) -> (u16, bool) {
        let answer = self.service.get(&format!("/api/streams/public/{}", stream.id)).await;
        (answer.status, answer.json["live"] == true)
    }

    /// The page that ships with nginx, for this stream.
    fn watch_page(&self, stream: &Stream) -> String {
        let base = stream.hls_url.split("/live/").next().expect("an address has a beginning");
        format!("{base}/watch.html?id={}&api={}", stream.id, self.service.url(""))
    }

    /// Where the files of a stream are.
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

    /// What the media server shows and wrote.
    async fn pages(&self, stream: &Stream) -> String {
        match &self.media {
            Media::Nginx(nginx) => nginx.pages(&stream.id).await,
            Media::Node(node) => node.pages(&stream.id).await,
        }
    }
}

/// What a playlist names.
#[derive(Debug)]
struct Playlist {
    text: String,
    /// The number of its first fragment.
    first: usize,
    fragments: Vec<String>,
    seconds: f64,
}

impl Playlist {
    /// The playlist and its status; 0 if nobody answers.
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

/// Waits until something holds, for as long as three minutes: broadcasts take their time.
async fn in_time<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    for _ in 0..360 {
        if holds().await {
            return;
        }
        sleep(Duration::from_millis(500)).await;
    }
    panic!("{what} did not come about within three minutes");
}

async fn names(url: &str, count: usize) {
    in_time(&format!("a playlist of {count} fragments"), || async {
        Playlist::fetch(url).await.1.fragments.len() >= count
    })
    .await;
}

/// Every player gets beyond so many seconds of a broadcast, and none gives up.
async fn is_played_beyond(seconds: f64, name: &str, browser: &mut Browser, players: &mut [Player]) {
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

/// The shipped page says this, and shows a picture unless it says that it is over.
async fn is_told(page: &mut Option<Browser>, words: &str) {
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

/// The picture of the shipped page moves.
async fn goes_on(page: &mut Option<Browser>) {
    let Some(page) = page else { return };
    let before = page.shows("page");
    for _ in 0..60 {
        if page.shows("page") != before {
            return;
        }
        sleep(Duration::from_secs(1)).await;
    }
    panic!("the picture stands still: {before:?}");
}

/// A broadcast whose encoder is away for a while, with four viewers who do nothing about it.
async fn an_encoder_comes_back_after(gap: u64, channel: Arc<Channel>, user: u32) {
    let stream = channel.stream(user).await;
    let mut encoder = channel.publish(&stream, OBS);
    // The page that ships is there before there is anything to see, and tries by itself until there is.
    let page = [("page", &*channel.watch_page(&stream))];
    let has_page = gap == 10 && matches!(channel.media, Media::Nginx(_));
    let mut page = has_page.then(|| Browser::open(&page, channel.folder.path()));
    // Chromium's own player cannot begin with less.
    names(&stream.hls_url, 3).await;
    let name = format!("gap of {gap} s");
    let folder = channel.folder.path();
    let mut browser = Browser::open(&[("native", &stream.hls_url), ("hls.js", &stream.hls_url)], folder);
    let mut players = [Player::ffmpeg(&stream.hls_url, folder), Player::gstreamer(&stream.hls_url, folder)];
    is_played_beyond(1.0, &name, &mut browser, &mut players).await;
    let since =
        channel.service.get(&format!("/api/streams/public/{}", stream.id)).await.json["live_since"].take();

    encoder.kill();
    sleep(Duration::from_secs(gap)).await;
    let before = Playlist::of(&stream.hls_url).await;
    if gap >= 10 {
        assert_eq!(channel.said(&stream).await, (200, false), "pages are reported while the playlist waits");
        is_told(&mut page, "Waiting for the broadcaster").await;
    }
    encoder = channel.publish(&stream, OBS);
    // Pictures that were made after the gap, for the part before it was not as long.
    is_played_beyond(before.seconds + 3.0, &name, &mut browser, &mut players).await;
    assert!(encoder.ended().is_none(), "{}", encoder.errors());
    let after = Playlist::of(&stream.hls_url).await;
    assert_eq!(after.text.matches("#EXT-X-DISCONTINUITY\n").count(), 2, "{}", after.text);
    assert_eq!((before.first, &after.fragments[..before.fragments.len()]), (0, &before.fragments[..]));
    let said = channel.service.get(&format!("/api/streams/public/{}", stream.id)).await.json;
    assert_eq!((&said["live"], &said["live_since"]), (&true.into(), &since), "it is the same broadcast");

    // The end that its owner wants is there for pages and players alike, however long an encoder would be waited for.
    assert_eq!(channel.service.post_as(stream.user, "/api/streams/stop").await.status, 200);
    assert_eq!(channel.said(&stream).await.0, 410);
    eventually("the end of the playlist", || async { get(&stream.hls_url).await.0 == 404 }).await;
    let last = after.fragments.last().expect("it names some");
    eventually("the end of its fragments", || async { get(last).await.0 == 404 }).await;
    is_told(&mut page, "This broadcast has ended.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoder_that_comes_back_finds_its_viewers_there() {
    let nginx = Channel::start(MediaSetup::Nginx, &[]).await;
    let node = Channel::start(MediaSetup::NodeTwo, &[]).await;
    let gaps = [(1, &nginx), (3, &nginx), (10, &nginx), (30, &nginx), (10, &node)];
    let broadcasts = gaps
        .into_iter()
        .zip(1..)
        .map(|((gap, channel), user)| tokio::spawn(an_encoder_comes_back_after(gap, channel.clone(), user)));
    let broadcasts: Vec<_> = broadcasts.collect();
    for broadcast in broadcasts {
        broadcast.await.expect("a broadcast that goes on");
    }
}

/// A broadcast that is joined when its playlist is as long as it gets, with every fragment looked at all the time.
async fn a_broadcast_is_joined_late(key_frames: u32, seconds: f64, channel: Arc<Channel>, user: u32) {
    let stream = channel.stream(user).await;
    let encoder = channel.publish(&stream, key_frames);
    names(&stream.hls_url, 1).await;
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
    is_played_beyond(5.0, &name, &mut browser, &mut players).await;
    drop(encoder);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encoder_with_few_key_frames_is_seen_by_every_player() {
    let channel = Channel::start(MediaSetup::Nginx, &[]).await;
    let obs = tokio::spawn(a_broadcast_is_joined_late(OBS, 75.0, channel.clone(), 1));
    let fifteen_seconds = tokio::spawn(a_broadcast_is_joined_late(15 * 30, 75.0, channel.clone(), 2));
    obs.await.expect("OBS by default");
    fifteen_seconds.await.expect("key frames every 15 seconds");
}

async fn what_nobody_needs_is_removed(media_setup: MediaSetup) {
    let channel = Channel::start(media_setup, &[("KEEP", "3")]).await;
    let stream = channel.stream(1).await;
    let encoder = channel.publish(&stream, 30);
    in_time("a long broadcast", || async {
        let (_, playlist) = Playlist::fetch(&stream.hls_url).await;
        // Twelve that are named, six that were, the two that change, the playlist, and what comes while this looks.
        assert!(channel.files(&stream).len() <= 12 + 6 + 2 + 1 + 2, "{:?}", channel.files(&stream));
        playlist.first >= 15
    })
    .await;
    let page = [("page", &*channel.watch_page(&stream))];
    let is_nginx = matches!(channel.media, Media::Nginx(_));
    let mut page = is_nginx.then(|| Browser::open(&page, channel.folder.path()));
    is_told(&mut page, "Live").await;
    drop(encoder);
    let folder = channel.files_of(&stream);
    eventually("an empty disk", || async { !folder.exists() }).await;

    // The next broadcast makes its folder anew, and the page its player, which had to give up by then.
    let _encoder = channel.publish(&stream, 30);
    names(&stream.hls_url, 4).await;
    is_told(&mut page, "Live").await;
    goes_on(&mut page).await;
    // An expired key ends it, and the folder, without a word of its owner.
    channel.store.let_expire(&stream.key);
    eventually("an end for pages", || async { channel.said(&stream).await.0 == 410 }).await;
    eventually("an empty disk", || async { !folder.exists() }).await;
    is_told(&mut page, "This broadcast has ended.").await;
    let written = channel.pages(&stream).await;
    assert_eq!(find_secret(&written, std::slice::from_ref(&stream.key)), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_needs_any_more_is_removed_by_nginx() {
    what_nobody_needs_is_removed(MediaSetup::Nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_needs_any_more_is_removed_by_node_media_server() {
    what_nobody_needs_is_removed(MediaSetup::NodeTwo).await;
}
