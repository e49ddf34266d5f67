//! Details over HTTP on real databases: described at one instance, found at another, and by whom.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use stream_tests::{Answer, Service, StoreKind, TestStore, token_of};

/// How many hostile texts are sent, field by field.
const TEXTS: usize = 1_500;

async fn send(service: &Service, user: u32, method: Method, path: &str, body: &Value) -> Answer {
    let request = service.request(method, path).bearer_auth(token_of(user));
    service.send(request.header("Content-Type", "application/json").body(body.to_string())).await
}

async fn start(service: &Service, user: u32, details: &Value) -> Value {
    let answer = send(service, user, Method::POST, "/api/streams/generate-key", details).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let stream = answer.json["stream"].clone();
    service.note(stream["stream_key"].as_str().expect("a key"));
    stream
}

/// The titles that a list has.
async fn titles(service: &Service, query: &str) -> Vec<String> {
    let answer = service.get(&format!("/api/streams/public?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {answer:?}");
    let streams = answer.json["streams"].as_array().expect("a list").clone();
    streams.iter().map(|stream| stream["title"].as_str().unwrap_or("-").to_owned()).collect()
}

async fn live_in_music(service: &Service) -> u64 {
    let answer = service.get("/api/categories").await;
    let categories = answer.json["categories"].as_array().expect("a list").clone();
    let music = categories.iter().find(|category| category["slug"] == "music").expect("the default has it");
    music["live"].as_u64().expect("a number")
}

async fn what_one_instance_is_told_is_found_at_another_at_once(kind: StoreKind) {
    let store = TestStore::new(kind);
    let setup = store.setup().with("GENERATE_KEY_PER_MINUTE", "0");
    let setup = setup.with("MEDIA_SERVERS", "edge=nginx-rtmp");
    let (one, other) = tokio::join!(setup.start(), setup.start());
    for turn in 0..20 {
        let title = format!("Round {turn}");
        let stream = start(&one, 1, &json!({ "title": title, "category": "music", "tags": ["Night"] })).await;
        for query in ["q=roun", "q=round&tag=night", "category=music", ""] {
            assert_eq!(titles(&other, query).await, [title.as_str()], "{query}");
        }
        let key = stream["stream_key"].as_str().expect("a key");
        let form = format!("call=publish&app=live&name={key}&addr=192.0.2.7&clientid={turn}");
        let hook = one.request(Method::POST, "/hooks/nginx-rtmp/edge").body(form);
        let hook = hook.header("Content-Type", "application/x-www-form-urlencoded");
        assert_eq!(one.send(hook).await.status, 200);
        assert_eq!((titles(&other, "live=true&q=round").await.len(), live_in_music(&other).await), (1, 1));

        let path = format!("/api/streams/{}/details", stream["id"]);
        let hidden = json!({ "title": "Hidden", "category": "music", "visibility": "unlisted" });
        assert_eq!(send(&other, 1, Method::PUT, &path, &hidden).await.status, 200);
        for query in ["q=round", "q=hidden", "category=music", "tag=night", "live=true", "", "limit=5"] {
            assert_eq!(titles(&one, query).await, [""; 0], "{query}");
        }
        assert_eq!(live_in_music(&one).await, 0);
        let public = format!("/api/streams/public/{}", stream["playback_id"].as_str().expect("a name"));
        let public = one.get(&public).await;
        assert_eq!((public.status, &public.json["title"]), (200, &json!("Hidden")));
        let own = one.get_as(1, "/api/streams?limit=1").await;
        assert_eq!(own.json["streams"][0]["visibility"], "unlisted");

        let shown = json!({ "title": title, "category": "music" });
        assert_eq!(send(&one, 1, Method::PUT, &path, &shown).await.status, 200);
        assert_eq!((titles(&other, "q=round").await.len(), live_in_music(&other).await), (1, 1));
        assert_eq!(one.post_as(1, "/api/streams/stop").await.status, 200);
        for query in ["q=round", "category=music", ""] {
            assert_eq!(titles(&other, query).await, [""; 0], "{query}");
        }
        assert_eq!(live_in_music(&other).await, 0);
    }
}

async fn a_stream_of_the_earlier_service_has_its_channels_details(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = store.setup().start().await;
    let channel = json!({ "title": "From the channel", "tags": ["old"], "category": "talk" });
    assert_eq!(send(&service, 1, Method::PUT, "/api/channel", &channel).await.status, 200);
    // As that service writes: these columns, in this order, and no other.
    let (now, later) = match kind {
        StoreKind::Postgres => ("timezone('UTC', now())", "timezone('UTC', now()) + INTERVAL '24 hours'"),
        StoreKind::Sqlite => (
            "strftime('%Y-%m-%d %H:%M:%f000', 'now')",
            "strftime('%Y-%m-%d %H:%M:%f000', 'now', '+24 hours')",
        ),
    };
    store.sql(&format!(
        "INSERT INTO streams (user_id, stream_key, status, created_at, updated_at, expires_at)
         VALUES (1, 'of-the-earlier-service', 'active', {now}, {now}, {later})"
    ));
    for query in ["", "q=channel", "tag=old", "category=talk"] {
        assert_eq!(titles(&service, query).await, ["From the channel"], "{query}");
    }
    store.sql("UPDATE streams SET status = 'stopped' WHERE stream_key = 'of-the-earlier-service'");
    assert_eq!(titles(&service, "q=channel").await, [""; 0]);
    assert_eq!(store.sql("SELECT count(*) FROM stream_terms"), "0");
    store.sql("DELETE FROM streams WHERE stream_key = 'of-the-earlier-service'");
    assert_eq!(store.sql("SELECT count(*) FROM stream_details"), "0");
}

/// Characters that break what takes texts for something else.
const HOSTILE: [&str; 24] = [
    "a",
    "Ä",
    "e\u{301}",
    "\u{301}\u{302}\u{303}\u{304}",
    "👩\u{200d}👩\u{200d}👧",
    "\u{200f}",
    "\u{202e}",
    "\u{2067}",
    "\u{0}",
    "\u{7}",
    "\n",
    "\r\n",
    "<script>alert(1)</script>",
    "' OR 1=1 --",
    "%_\\",
    "日本語",
    "ไม่มีช่องว่าง",
    " ",
    "\u{feff}",
    "\u{10ffff}",
    "\\ud800",
    "ﷺ",
    "{}",
    "wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww",
];

/// A text that follows from its number: mostly short, and now and then 64 KiB or a word of 10,000 letters.
fn text(number: usize) -> String {
    match number % 500 {
        77 => return "x".repeat(10_000),
        78 => return "é ".repeat(32 * 1024),
        _ => {}
    }
    // SplitMix64.
    let mut state = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        usize::try_from(mixed >> 40).expect("24 bits fit")
    };
    (0..next() % 9).map(|_| HOSTILE[next() % HOSTILE.len()]).collect()
}

/// The field and the body of a text.
fn form(number: usize) -> (&'static str, Value) {
    let text = text(number);
    match number % 7 {
        0 => ("invalid_title", json!({ "title": text })),
        1 => ("invalid_description", json!({ "description": text })),
        2 => ("invalid_tags", json!({ "tags": [text] })),
        3 => ("invalid_category", json!({ "category": text })),
        4 => ("invalid_language", json!({ "language": text })),
        5 => ("invalid_content_labels", json!({ "content_labels": [text] })),
        _ => ("invalid_visibility", json!({ "visibility": text })),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_texts_are_refused_or_kept_alike_on_both_stores() {
    let stores = [StoreKind::Sqlite, StoreKind::Postgres].map(TestStore::new);
    let services = join_all(stores.iter().map(|store| {
        let setup = store.setup().with("LOG_LEVEL", "info");
        async move { setup.start().await }
    }));
    let services = services.await;
    let lanes = (0..16).map(|lane| {
        let services = &services;
        async move {
            let (mut kept, user) = (0, u32::try_from(lane).expect("a small number") + 1);
            for number in (lane..TEXTS).step_by(16) {
                let (code, body) = form(number);
                let answers = join_all(services.iter().map(|service| async {
                    let told = send(service, user, Method::PUT, "/api/channel", &body).await;
                    let asked = service.get_as(user, "/api/channel").await;
                    (told, asked)
                }));
                let answers = answers.await;
                let [(told, asked), (other, also)] = &answers[..] else { panic!("two services") };
                assert_eq!((told.status, &told.json), (other.status, &other.json), "{body}");
                assert_eq!(asked.json, also.json, "{body}");
                match told.status {
                    200 => {
                        assert_eq!(told.json, asked.json, "{body}");
                        kept += 1;
                    }
                    400 => assert_eq!(told.code(), code, "{body}"),
                    413 => assert!(body.to_string().len() > 64 * 1024, "{body}"),
                    status => panic!("{status} for {body}"),
                }
                // The same text as a question finds nothing or something, or is refused; it is no error of ours.
                let encoded: String =
                    text(number).bytes().take(2_000).map(|byte| format!("%{byte:02X}")).collect();
                let found = services[number % 2].get(&format!("/api/streams/public?q={encoded}")).await;
                assert!(matches!(found.status, 200 | 400), "{}: {body}", found.status);
            }
            kept
        }
    });
    let kept: usize = join_all(lanes).await.into_iter().sum();
    assert!((TEXTS / 10..TEXTS * 9 / 10).contains(&kept), "{kept} of {TEXTS} were kept");
}

super::on_both_stores! {
    what_one_instance_is_told_is_found_at_another_at_once
    a_stream_of_the_earlier_service_has_its_channels_details
}
