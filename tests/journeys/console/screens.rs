//! Every page as it is seen, light and dark, on a phone and on a desktop; axe finds nothing on any of them.
//!
//! `DRAW_CONSOLE=1` draws them into docs/console, which the README shows.

use std::path::PathBuf;

use serde_json::{Value, json};
use stream_tests::pages::Tab;
use stream_tests::{SECRET_KEY, Service, claims_of, encoder, token_of, workspace};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{ADMIN_TOKEN, Kind, Platform, sends, signs_in, unexpected};

/// The windows: a name, a width and a height.
const WINDOWS: [(&str, u32, u32); 2] = [("desktop", 1280, 800), ("phone", 390, 844)];

/// The pages: a name, the fragment of the address, and a text that is there once it is complete.
const PAGES: [(&str, &str, &str); 7] = [
    ("live", "#/", "3 live streams"),
    ("upcoming", "#/upcoming", "Studio tour"),
    ("broadcast", "#/broadcast", "For your encoder"),
    ("channel", "#/broadcast/channel", "Content labels"),
    ("schedule", "#/broadcast/schedule", "Studio tour"),
    ("history", "#/broadcast/history", "Stream of"),
    ("webhooks", "#/broadcast/webhooks", "Send a test"),
];

/// The pages of operators.
const OPERATORS_PAGES: [(&str, &str, &str); 4] = [
    ("operate", "#/operate", "Late night chess"),
    ("operate-users", "#/operate/users", "Sent the same picture for a week."),
    ("operate-servers", "#/operate/servers", "Reachable"),
    ("operate-health", "#/operate/health", "Examined"),
];

/// So many hours from now, as of RFC 3339.
fn in_hours(hours: i64) -> String {
    // A token of the tests expires in an hour.
    let now = claims_of(1)["exp"].as_i64().expect("a token expires") - 3600;
    let time = OffsetDateTime::from_unix_timestamp(now + hours * 3600).expect("a time");
    time.format(&Rfc3339).expect("a time has a text")
}

/// The streams of three users, and plans and an endpoint of user 1.
async fn people(service: &Service) -> Vec<Value> {
    let mut streams = Vec::new();
    for (user, title, category) in [
        (4, "Bread at dawn", "food"),
        (3, "Counting birds: the reed beds", "science"),
        (2, "Late night chess", "gaming"),
    ] {
        let details = json!({ "title": title, "category": category, "tags": ["Quiz", "Live"], "language": "en",
            "description": "An hour of it, and questions at the end." });
        streams.push(sends(service, user, "/api/streams/generate-key", &details).await["stream"].take());
    }
    for (hours, title) in [(26, "Friday quiz"), (50, "Studio tour")] {
        let plan = json!({ "starts_at": in_hours(hours), "ends_at": in_hours(hours + 2), "title": title,
            "time_zone": "Asia/Tokyo", "category": "talk" });
        sends(service, 1, "/api/schedule", &plan).await;
    }
    let endpoint = json!({ "url": "https://example.com/hook", "description": "Chat" });
    sends(service, 1, "/api/webhooks", &endpoint).await;
    let own = json!({ "title": "A quiet evening", "tags": ["Music"], "category": "music", "language": "en" });
    sends(service, 1, "/api/streams/generate-key", &own).await;
    streams
}

/// Looks at a page in every window, light and dark.
async fn looks_at(tab: Tab<'_>, page: &str, folder: &std::path::Path) {
    for (window, width, height) in WINDOWS {
        for scheme in ["light", "dark"] {
            tab.is_seen(width, height, scheme).await;
            let found = tab.violations().await;
            assert_eq!(found, "", "{page}, {window}, {scheme}");
            // Nothing is wider than the window.
            let overflow = tab.evaluates("document.documentElement.scrollWidth - innerWidth").await;
            assert!(overflow.as_i64() <= Some(0), "{page} is {overflow} px too wide on a {window}");
            tab.is_drawn(&folder.join(format!("{page}-{window}-{scheme}.png")), false).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_can_be_read_by_everybody() {
    let settings = [("SECRET_KEY", SECRET_KEY), ("ADMIN_TOKEN", ADMIN_TOKEN)];
    let platform = Platform::start(Kind::Nginx, &settings).await;
    let folder = match std::env::var_os("DRAW_CONSOLE") {
        Some(_) => workspace().join("docs/console"),
        None => PathBuf::from(platform.folder.path()),
    };
    std::fs::create_dir_all(&folder).expect("the folder can be made");
    let streams = people(&platform.service).await;
    let mut encoders = Vec::new();
    for stream in &streams {
        let own = platform.folder.path().join(stream["id"].to_string());
        std::fs::create_dir(&own).expect("a folder");
        encoders.push(encoder::publish_like_obs(stream["rtmp_url"].as_str().expect("an address"), 30, &own));
    }
    let tab = platform.pages.tab("person");
    tab.is_seen(1280, 800, "light").await;

    tab.goes_to(&platform.service.url("/#/broadcast")).await;
    tab.shows("Sign in to broadcast").await;
    looks_at(tab, "sign-in", &folder).await;
    signs_in(tab, &token_of(1)).await;
    for (page, fragment, text) in PAGES {
        tab.goes_to(&platform.service.url(&format!("/{fragment}"))).await;
        tab.shows(text).await;
        looks_at(tab, page, &folder).await;
    }
    let id = streams[2]["playback_id"].as_str().expect("an id");
    tab.goes_to(&platform.service.url(&format!("/#/watch/{id}"))).await;
    tab.shows("Late night chess").await;
    tab.plays().await;
    looks_at(tab, "watch", &folder).await;
    tab.goes_to(&platform.service.url("/#/operate")).await;
    tab.shows("Sign in as an operator").await;
    looks_at(tab, "operate-sign-in", &folder).await;
    tab.fills("Admin token", ADMIN_TOKEN).await;
    // A window of another kind is a page that is loaded anew.
    tab.clicks("Keep me signed in while this tab is open").await;
    tab.clicks_the("button", "Sign in").await;
    tab.shows("Only live ones").await;
    let block =
        platform.service.request(reqwest::Method::PUT, "/api/admin/users/9/block").bearer_auth(ADMIN_TOKEN);
    let block = block.header("Content-Type", "application/json");
    let block = block.body(r#"{"reason":"Sent the same picture for a week."}"#);
    assert_eq!(platform.service.send(block).await.status, 200);
    for (page, fragment, text) in OPERATORS_PAGES {
        tab.goes_to(&platform.service.url(&format!("/{fragment}"))).await;
        tab.shows(text).await;
        looks_at(tab, page, &folder).await;
    }
    tab.goes_to(&platform.service.url("/#/nowhere")).await;
    tab.shows("There is no such page").await;
    looks_at(tab, "not-found", &folder).await;
    assert_eq!(unexpected(tab.faults().await), [""; 0]);
}
