//! What owners say of their streams, over HTTP.

use serde_json::{Value, json};

use super::*;

const GENERATE: &str = "/api/streams/generate-key";

/// The number of the user's newest stream.
fn stream_of(world: &World, user: u32) -> Value {
    world.get_as(&format!("user-{user}"), "/api/streams").json()["streams"][0].clone()
}

fn titles(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let streams = answer.json()["streams"].as_array().unwrap().clone();
    streams.iter().map(|stream| stream["title"].as_str().unwrap_or("-").to_owned()).collect()
}

/// A world with a stream of each title, by users from 1 on.
fn with_streams(bodies: &[&str]) -> World {
    let world = World::new();
    for (user, body) in (1..).zip(bodies) {
        let answer = world.send_json("POST", &format!("user-{user}"), GENERATE, body);
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    world
}

#[test]
fn details_are_replaced_as_a_whole_and_shown_everywhere() {
    let world = with_streams(&[r#"{"title": " Caf\u0065\u0301 ", "tags": ["A-b"], "category": "music"}"#]);
    let stream = stream_of(&world, 1);
    assert_eq!((&stream["title"], &stream["tags"]), (&json!("Café"), &json!(["A-b"])));
    let path = format!("/api/streams/{}/details", stream["id"]);
    let told = json!({
        "title": "Café", "description": null, "tags": ["A-b"], "category": "music", "language": null,
        "content_labels": [], "visibility": "public",
    });
    assert_eq!(world.get_as("user-1", &path).json(), told);

    let body = r#"{"description": "one\r\ntwo", "language": "EN-gb", "content_labels": ["mature"]}"#;
    let replaced = world.send_json("PUT", "user-1", &path, body);
    let told = json!({
        "title": null, "description": "one\ntwo", "tags": [], "category": null, "language": "en-GB",
        "content_labels": ["mature"], "visibility": "public",
    });
    assert_eq!((replaced.status, replaced.json()), (200, told.clone()));
    assert_eq!(world.get_as("user-1", &path).json(), told);
    let public =
        world.get(&format!("/api/streams/public/{}", stream["playback_id"].as_str().unwrap())).json();
    assert_eq!((&public["description"], &public["language"]), (&told["description"], &told["language"]));
    let listed = world.get("/api/streams/public").json()["streams"][0].clone();
    assert_eq!((&listed["language"], listed.get("description")), (&told["language"], None));
}

#[test]
fn a_field_that_cannot_be_taken_has_its_code_and_says_the_limit() {
    let world = with_streams(&["{}"]);
    for (body, code, sentence) in [
        (json!({"title": "x".repeat(163)}), "invalid_title", "title: 163 characters, at most 140"),
        (json!({"title": "a\u{202e}b"}), "invalid_title", "U+202E"),
        (json!({"title": "a\u{0}b"}), "invalid_title", "U+0000"),
        (json!({"description": "x".repeat(5_001)}), "invalid_description", "5001 characters, at most 5000"),
        (json!({"tags": vec!["a"; 11]}), "invalid_tags", "11 of them, at most 10"),
        (json!({"tags": ["a", "A"]}), "invalid_tags", "number 2 is the same as number 1"),
        (json!({"tags": ["x".repeat(26)]}), "invalid_tags", "26 characters"),
        (json!({"category": "Music"}), "invalid_category", "GET /api/categories"),
        (json!({"language": "english language"}), "invalid_language", "BCP 47"),
        (json!({"content_labels": ["mature", "mature"]}), "invalid_content_labels", "twice"),
        (json!({"visibility": "private"}), "invalid_visibility", "public or unlisted"),
        (json!({"titel": "x"}), "invalid_body", "titel"),
        (json!({"title": 5}), "invalid_body", "string"),
        (json!([]), "invalid_body", "object"),
    ] {
        for (method, path) in [("PUT", "/api/channel"), ("PUT", "/api/streams/1/details"), ("POST", GENERATE)]
        {
            let answer = world.send_json(method, "user-1", path, &body.to_string());
            assert_eq!((answer.status, answer.code().as_str()), (400, code), "{path} {body}: {answer:?}");
            assert!(answer.json()["error"].as_str().unwrap().contains(sentence), "{answer:?}");
        }
    }
    for broken in ["", "{", r#"{"title": "\ud800"}"#, r#"{"title": "a", "title": "b"}"#] {
        let answer = world.send_json("PUT", "user-1", "/api/channel", broken);
        assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_body"), "{broken}: {answer:?}");
    }
}

#[test]
fn a_key_request_says_what_differs_from_the_channel() {
    let world = World::new();
    let channel = r#"{"title": "Weekly", "tags": ["weekly"], "category": "talk"}"#;
    assert_eq!(world.send_json("PUT", "user-1", "/api/channel", channel).status, 200);
    assert_eq!(world.get_as("user-1", "/api/channel").json()["category"], "talk");
    world.key_of(1);
    let of = |user| {
        let stream = stream_of(&world, user);
        ["title", "tags", "category"].map(|name| stream[name].clone())
    };
    assert_eq!(of(1), [json!("Weekly"), json!(["weekly"]), json!("talk")]);
    world.post_as("user-1", "/api/streams/stop");
    let body = r#"{"title": "Special", "category": "", "tags": null}"#;
    assert_eq!(world.send_json("POST", "user-1", GENERATE, body).status, 201);
    assert_eq!(of(1), [json!("Special"), json!(["weekly"]), Value::Null]);
}

#[test]
fn a_body_that_is_not_json_changes_nothing_about_a_key() {
    let world = World::new();
    for (user, body) in [(1, "null"), (2, " "), (3, "{}")] {
        assert_eq!(world.send_json("POST", &format!("user-{user}"), GENERATE, body).status, 201, "{body}");
    }
    let head = format!("POST {GENERATE} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer user-4\r\n");
    let mut client = world.connect();
    client.write(
        format!("{head}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\ntitle=x")
            .as_bytes(),
    );
    assert_eq!(client.read(true).status, 201);
    assert_eq!(titles(&world.get("/api/streams/public")), ["-", "-", "-", "-"]);
}

#[test]
fn a_description_of_5000_characters_of_four_bytes_fits() {
    let description = "🎮".repeat(5_000);
    let body = json!({ "description": description }).to_string();
    let world = with_streams(&[&body]);
    let own = world.get_as("user-1", "/api/streams/1/details").json();
    assert_eq!(own["description"], description.as_str());
}

#[test]
fn the_public_list_is_filtered_and_searched() {
    let world = with_streams(&[
        r#"{"title": "Morning jazz", "category": "music", "language": "en-GB", "tags": ["Jazz"]}"#,
        r#"{"title": "Evening Jäzz", "category": "music", "language": "de"}"#,
        r#"{"title": "Secret jazz", "category": "music", "visibility": "unlisted"}"#,
        r#"{"title": "日本語の配信", "category": "gaming"}"#,
    ]);
    let list = |query: &str| titles(&world.get(&format!("/api/streams/public?{query}")));
    assert_eq!(list(""), ["日本語の配信", "Evening Jäzz", "Morning jazz"]);
    assert_eq!(list("category=music"), ["Evening Jäzz", "Morning jazz"]);
    assert_eq!(list("q=JAZZ"), ["Evening Jäzz", "Morning jazz"]);
    assert_eq!(list("q=ja&language=en"), ["Morning jazz"]);
    assert_eq!(list("tag=jazz"), ["Morning jazz"]);
    assert_eq!(list("q=%E9%85%8D%E4%BF%A1"), ["日本語の配信"]);
    assert_eq!(list("q=secret"), [""; 0]);
    assert_eq!(list("live=true&q=jazz"), [""; 0]);
    assert_eq!(list("q=&category=&tag=&language="), list(""));
    let page = world.get("/api/streams/public?q=jazz&limit=1").json();
    let cursor = page["next_cursor"].as_str().unwrap();
    assert_eq!(list(&format!("q=jazz&limit=1&cursor={cursor}")), ["Morning jazz"]);
    let answer = world.get("/api/streams/public?q=jazz");
    let etag = answer.header("etag").unwrap();
    let again = format!("GET /api/streams/public?q=jazz HTTP/1.1\r\nHost: test\r\nIf-None-Match: {etag}\r\n");
    assert_eq!(world.send(&again).status, 304);
    let unlisted = stream_of(&world, 3);
    let by_name = world.get(&format!("/api/streams/public/{}", unlisted["playback_id"].as_str().unwrap()));
    assert_eq!((by_name.status, &by_name.json()["title"]), (200, &json!("Secret jazz")));
}

#[test]
fn a_search_that_cannot_be_made_says_why() {
    let world = World::new();
    for (query, code, sentence) in [
        ("q=a%20b%20c%20d%20e%20f%20g%20h%20i", "invalid_q", "9 words, at most 8"),
        (&format!("q={}", "x".repeat(201)), "invalid_q", "201 characters, at most 200"),
        ("q=%F0%9F%8E%AE", "invalid_q", "no letter and no digit"),
        ("category=nothing", "invalid_category", "GET /api/categories"),
        ("tag=a%20b", "invalid_tag", "letters"),
        ("language=!", "invalid_language", "BCP 47"),
    ] {
        let answer = world.get(&format!("/api/streams/public?{query}"));
        assert_eq!((answer.status, answer.code().as_str()), (400, code), "{query}: {answer:?}");
        assert!(answer.json()["error"].as_str().unwrap().contains(sentence), "{answer:?}");
    }
}

#[test]
fn categories_are_listed_with_their_live_streams() {
    let world = World::new();
    let body = r#"{"category": "music"}"#;
    let answer = world.send_json("POST", "user-1", GENERATE, body).json();
    let key = answer["stream"]["stream_key"].as_str().unwrap();
    let count = |world: &World| {
        let answer = world.get("/api/categories");
        assert_eq!(answer.status, 200, "{answer:?}");
        let music = answer.json()["categories"].as_array().unwrap()[1].clone();
        assert_eq!(music["slug"], "music");
        (music["live"].as_u64().unwrap(), answer.header("etag").unwrap().to_owned())
    };
    let (live, etag) = count(&world);
    assert_eq!(live, 0);
    let again = format!("GET /api/categories HTTP/1.1\r\nHost: test\r\nIf-None-Match: {etag}\r\n");
    assert_eq!(world.send(&again).status, 304);
    let form = format!("call=publish&app=live&name={key}&addr=192.0.2.7&clientid=1&flashver=x");
    assert_eq!(world.hook("/hooks/nginx-rtmp/edge", "application/x-www-form-urlencoded", &form).status, 200);
    assert_eq!(count(&world).0, 1);
    assert_eq!(world.send(&again).status, 200);
    world.post_as("user-1", "/api/streams/stop");
    assert_eq!(count(&world).0, 0);
}

#[test]
fn details_of_others_are_neither_shown_nor_replaced() {
    let world = with_streams(&[r#"{"title": "Mine"}"#]);
    for (method, path) in [
        ("GET", "/api/streams/1/details"),
        ("PUT", "/api/streams/1/details"),
        ("GET", "/api/streams/x/details"),
    ] {
        let answer = world.send_json(method, "user-2", path, "{}");
        assert_eq!((answer.status, answer.code().as_str()), (404, "stream_not_found"), "{method} {path}");
    }
    world.post_as("user-1", "/api/streams/stop");
    let answer = world.send_json("PUT", "user-1", "/api/streams/1/details", "{}");
    assert_eq!((answer.status, answer.code().as_str()), (409, "stream_ended"));
    assert_eq!(world.get_as("user-1", "/api/streams/1/details").json()["title"], "Mine");
}
