//! What a page shows when something goes wrong, and that it goes on by itself.

use serde_json::{Value, json};
use stream_test_postgres::Cluster;
use stream_tests::pages::{Pages, Tab};
use stream_tests::{
    SECRET_KEY, Service, ServiceBuilder, StoreKind, TestStore, claims_of, encoder, sign, token_of,
};

use super::{Kind, Platform, goes_live_with_a_click, sends, signs_in, unexpected};

/// A service without a media server, whose publishers are hooks of SRS; and a browser.
struct Plain {
    service: Service,
    pages: Pages,
    _store: TestStore,
    _folder: tempfile::TempDir,
}

impl Plain {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let store = TestStore::new(StoreKind::Sqlite);
        let setup = store.setup().with("ADDRESSES", "playback").with("MEDIA_SERVERS", "edge=srs;lease=600");
        let setup = settings.iter().fold(setup, |setup, (name, value)| setup.with(name, value));
        let service = setup.start().await;
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { service, pages: Pages::open(folder.path()).await, _store: store, _folder: folder }
    }
}

/// Publishes a stream of a user, as SRS says so.
async fn publishes(service: &Service, user: u32, details: &Value) -> Value {
    let stream = sends(service, user, "/api/streams/generate-key", details).await["stream"].take();
    let key = stream["stream_key"].as_str().expect("a key");
    let id = stream["playback_id"].as_str().expect("an id");
    let hook = json!({ "action": "on_publish", "client_id": format!("c{user}"), "ip": "192.0.2.1",
        "vhost": "__defaultVhost__", "app": "live", "stream": id, "param": format!("?key={key}"),
        "tcUrl": "rtmp://edge/live" });
    let request = service.request(reqwest::Method::POST, "/hooks/srs/edge").body(hook.to_string());
    assert_eq!(service.send(request).await.status, 200);
    stream
}

/// A token that is valid for so many seconds.
fn token_for(user: u32, seconds: i64) -> String {
    let mut claims = claims_of(user);
    claims["exp"] = (claims["exp"].as_i64().expect("a time") - 3600 + seconds).into();
    sign(SECRET_KEY, &json!({ "alg": "HS256", "typ": "JWT" }), &claims)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_that_expires_says_so_and_another_one_goes_on() {
    let plain = Plain::start(&[]).await;
    let tab = plain.pages.tab("owner");
    tab.goes_to(&plain.service.url("/#/broadcast")).await;
    tab.fills("Token", "a word").await;
    tab.clicks_the("button", "Sign in").await;
    tab.shows("malformed").await;

    signs_in(tab, &format!("Bearer {}\n", token_for(1, 8))).await;
    tab.clicks("Make a stream key").await;
    tab.shows("Waiting for your encoder").await;
    tab.shows("Your sign-in has expired. Sign in again; what is live goes on.").await;
    signs_in(tab, &token_of(1)).await;
    tab.shows("Waiting for your encoder").await;

    // Tokens are in no address, and in the tab's storage only while somebody is signed in.
    let addresses =
        "[location.href, ...performance.getEntriesByType('resource').map(({ name }) => name)].join(' ')";
    assert!(!tab.evaluates(addresses).await.to_string().contains("eyJ"), "a token is part of an address");
    tab.clicks("Sign out").await;
    tab.shows("Sign in to broadcast").await;
    assert_eq!(tab.evaluates("JSON.stringify(sessionStorage)").await, "{}");
    assert_eq!(unexpected(tab.faults().await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_goes_away_is_told_and_comes_back_by_itself() {
    let cluster = Cluster::start();
    let database = cluster.database();
    database.create_users(10);
    let service = ServiceBuilder::on(&database.url()).start().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pages = Pages::open(folder.path()).await;
    let (owner, viewer) = (pages.tab("owner"), pages.tab("viewer"));
    owner.goes_to(&service.url("/#/broadcast")).await;
    signs_in(owner, &token_of(1)).await;
    owner.clicks("Make a stream key").await;
    owner.shows("Waiting for your encoder").await;
    viewer.goes_to(&service.url("/")).await;
    viewer.shows("Nobody is live.").await;

    cluster.stop();
    let away = "Nothing is lost; it is tried again by itself.";
    viewer.shows(away).await;
    owner.shows(away).await;
    // What was known stays.
    owner.shows("Waiting for your encoder").await;
    cluster.resume();
    let is_back = format!("!document.body.innerText.includes({})", Value::from(away));
    owner.waits_for(&is_back).await;
    viewer.waits_for(&is_back).await;
    assert_eq!(unexpected(owner.faults().await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_events_that_is_cut_off_leaves_the_page_up_to_date() {
    let plain = Plain::start(&[]).await;
    let tab = plain.pages.tab("owner");
    tab.goes_to(&plain.service.url("/#/broadcast")).await;
    signs_in(tab, &token_of(1)).await;
    tab.shows("Updates as it happens.").await;
    tab.is_cut_off("/api/events/stream").await;
    tab.goes_to(&plain.service.url("/#/broadcast/history")).await;
    tab.goes_to(&plain.service.url("/#/broadcast")).await;
    tab.shows("The connection is cut; it comes back by itself.").await;
    publishes(&plain.service, 1, &json!({})).await;
    tab.shows("from edge").await;
    tab.is_cut_off("").await;
    tab.shows("Updates as it happens.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_live_streams_are_found_by_search_and_by_pages() {
    let plain = Plain::start(&[("PUBLIC_READS_PER_MINUTE", "0")]).await;
    for user in 1..=1000 {
        publishes(&plain.service, user, &json!({ "title": format!("Number {user}") })).await;
    }
    let tab = plain.pages.tab("viewer");
    tab.goes_to(&plain.service.url("/")).await;
    tab.shows("48+ live streams").await;
    tab.clicks("Show more").await;
    tab.shows("96+ live streams").await;
    tab.fills("Search", "number 77").await;
    // 77 and 770 to 779.
    tab.shows("11 live streams").await;
    tab.fills("Search", "nothing like it").await;
    tab.shows("No live stream matches.").await;
    let costs = tab.costs().await;
    assert!(costs["shift"].as_f64() < Some(0.1), "{costs}");
    assert_eq!(unexpected(tab.faults().await), [""; 0]);
}

/// A title that tries what a text can try: markup, a script, and marks of direction.
const HOSTILE: &str = "<script>document.title='owned'</script><img src=x onerror=alert(1)>&amp; \u{200f}\u{5e9}\u{5dc}\u{5d5}\u{5dd}\u{200f} ${1} {{1}}";

#[tokio::test(flavor = "multi_thread")]
async fn texts_of_others_are_shown_as_text() {
    let plain = Plain::start(&[]).await;
    let details = json!({ "title": HOSTILE, "description": HOSTILE, "tags": ["a-b"] });
    let stream = publishes(&plain.service, 1, &details).await;
    let id = stream["playback_id"].as_str().expect("an id");
    let tab = plain.pages.tab("viewer");
    for (fragment, element) in
        [("#/".to_owned(), "h2"), (format!("#/watch/{id}"), "h1"), (format!("#/watch/{id}"), ".description")]
    {
        tab.goes_to(&plain.service.url(&format!("/{fragment}"))).await;
        let is_shown =
            format!("document.querySelector('{element}')?.textContent === {}", Value::from(HOSTILE));
        tab.waits_for(&is_shown).await;
        assert_eq!(tab.evaluates("document.querySelectorAll('main img, main script').length").await, 0);
        assert_eq!(tab.evaluates("document.title === 'owned'").await, false);
        // It cannot turn what stands around it.
        assert_eq!(tab.evaluates(&format!("document.querySelector('{element}').dir")).await, "auto");
    }
    assert_eq!(unexpected(tab.faults().await), [""; 0]);
}

/// Presses Tab until what has this text or label is in focus.
async fn tabs_to(tab: Tab<'_>, name: &str) {
    let is_there = format!(
        "(({{ textContent, ariaLabel, labels }}) => [textContent.trim(), ariaLabel, labels?.[0]?.textContent.trim()].includes({}))(document.activeElement)",
        Value::from(name)
    );
    for _ in 0..40 {
        tab.presses("Tab").await;
        if tab.evaluates(&is_there).await == true {
            // What is in focus can be seen.
            let outline = tab.evaluates("getComputedStyle(document.activeElement).outlineStyle").await;
            assert_ne!(outline, "none", "{name}");
            return;
        }
    }
    panic!("{name} cannot be reached by the keyboard");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_can_be_done_with_the_keyboard() {
    let plain = Plain::start(&[]).await;
    let tab = plain.pages.tab("owner");
    tab.goes_to(&plain.service.url("/")).await;
    tab.shows("Nobody is live.").await;
    tabs_to(tab, "Broadcast").await;
    tab.presses("Enter").await;
    tab.shows("Sign in to broadcast").await;
    tabs_to(tab, "Token").await;
    tab.types(&token_of(1)).await;
    tab.presses("Enter").await;
    tab.shows("Make a stream key").await;
    tabs_to(tab, "Make a stream key").await;
    tab.presses("Enter").await;
    tab.shows("Waiting for your encoder").await;
    tabs_to(tab, "Show: Stream Key").await;
    tab.presses("Enter").await;
    assert!(tab.field("Stream Key").await.contains("?key="));
    tabs_to(tab, "Stop").await;
    tab.presses("Enter").await;
    tab.shows("Stop this stream?").await;
    // Escape leaves everything as it is, and the keyboard where it was.
    tab.presses("Escape").await;
    tab.waits_for("document.activeElement.textContent === 'Stop'").await;
    tab.presses("Enter").await;
    tabs_to(tab, "Stop the stream").await;
    tab.presses("Enter").await;
    tab.shows("Your last stream has ended.").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_origin_plays_with_the_documented_policy() {
    let platform = Platform::start(Kind::Nginx, &[]).await;
    let owner = platform.pages.tab("owner");
    let url = platform.service.url("/");
    goes_live_with_a_click(owner, &url).await;
    let id = owner.field("Stream Key").await.split('?').next().expect("an id").to_owned();
    let watched = owner.evaluates("document.querySelector('a.button').href").await;
    assert!(watched.as_str().is_some_and(|href| href.ends_with(&id)), "{watched}");

    let viewer = platform.pages.tab("viewer");
    let base = platform.service.url("");
    let hls = platform.hls_origin.as_str();
    let html = format!(
        "<!doctype html><title>A platform</title><script type=module src='{base}/embed.js'></script>\
         <live-stream playback-id='{id}'></live-stream>"
    );
    let policy =
        format!("default-src 'none'; script-src {base}; connect-src {base} {hls}; media-src blob: {hls}");
    viewer.goes_to_another_origin(&html, &policy).await;
    viewer.waits_for_player("waiting").await;
    let encoder = platform.publishes(owner, platform.folder.path()).await;
    viewer.waits_for_player("live").await;
    viewer.plays().await;
    // It leaves and comes back.
    drop(encoder);
    viewer.waits_for_player("waiting").await;
    let _encoder =
        encoder::publish_like_obs(&super::encoder_address(owner).await, 30, platform.folder.path());
    viewer.waits_for_player("live").await;
    viewer.plays().await;
    assert_eq!(unexpected(viewer.faults().await), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_console_that_is_off_is_not_there() {
    let store = TestStore::new(StoreKind::Sqlite);
    for (setting, status) in [("off", 404), ("false", 404), ("on", 200)] {
        let service = store.setup().with("CONSOLE", setting).start().await;
        for path in ["/", "/embed.js", "/console/console.js", "/console/settings.json"] {
            assert_eq!(service.get(path).await.status, status, "{setting} {path}");
        }
        let session = service.send(service.request(reqwest::Method::POST, "/console/session")).await;
        // A secret that was given is a platform's, and signs nobody in.
        assert_eq!((session.status, session.code()), (404, "not_found"), "{setting}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_origin_reads_what_is_public_and_a_listed_one_the_rest() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pages = Pages::open(folder.path()).await;
    let store = TestStore::new(StoreKind::Sqlite);
    let listed = store.setup().with("CORS_ORIGINS", pages.other_origin()).start().await;
    let unlisted = store.setup().with("CORS_ORIGINS", "none").start().await;
    let tab = pages.tab("page");
    tab.goes_to_another_origin("<!doctype html><title>A platform</title>", "").await;
    let token = token_of(1);
    let asks = |service: &Service, path: &str, credentials: &str| {
        let url = service.url(path);
        format!(
            "fetch('{url}', {{ credentials: '{credentials}', headers: {{ Authorization: 'Bearer {token}' }} }})\
             .then((answer) => answer.status, () => 'refused by the browser')"
        )
    };
    for (service, path, credentials, expected) in [
        (&unlisted, "/api/streams/public", "omit", json!(200)),
        (&unlisted, "/api/streams/public", "include", json!("refused by the browser")),
        (&unlisted, "/api/streams", "omit", json!("refused by the browser")),
        (&unlisted, "/console/settings.json", "omit", json!("refused by the browser")),
        (&listed, "/api/streams/public", "include", json!(200)),
        (&listed, "/api/streams", "include", json!(200)),
    ] {
        let status = tab.evaluates(&asks(service, path, credentials)).await;
        assert_eq!(status, expected, "{path} {credentials}");
    }
}
