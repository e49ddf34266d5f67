//! What owners plan, over HTTP.

use serde_json::{Value, json};
use time::Duration;

use super::*;

const SCHEDULE: &str = "/api/schedule";
const PUBLIC: &str = "/api/schedule/public";
const CALENDAR: &str = "/api/schedule/public.ics";

/// A schedule of an hour that begins so many hours after 03:00.
fn at_hour(hour: u8, title: &str) -> Value {
    json!({
        "starts_at": format!("2026-01-02T{:02}:00:00Z", 3 + hour),
        "ends_at": format!("2026-01-02T{:02}:00:00Z", 4 + hour),
        "title": title,
    })
}

fn plan(world: &World, user: u32, body: &Value) -> Value {
    let answer = world.send_json("POST", &format!("user-{user}"), SCHEDULE, &body.to_string());
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

fn delete(world: &World, user: u32, id: &Value) -> Answer {
    world.send(&format!(
        "DELETE {SCHEDULE}/{id} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer user-{user}\r\n"
    ))
}

fn titles(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let schedules = answer.json()["schedules"].as_array().unwrap().clone();
    schedules.iter().map(|schedule| schedule["title"].as_str().unwrap_or("-").to_owned()).collect()
}

#[test]
fn a_schedule_is_made_replaced_and_canceled() {
    let world = World::new();
    let body = json!({
        "starts_at": "2026-01-02T21:00:00.5+01:00", "ends_at": "2026-01-02T23:30:00+01:00", "time_zone": "europe/berlin",
        "title": " Quiz\u{301} ", "description": "a\r\nb", "tags": ["One"], "category": "music",
    });
    let made = plan(&world, 1, &body);
    let expected = json!({
        "id": 1, "user_id": 1, "state": "scheduled", "starts_at": "2026-01-02T20:00:00.5Z",
        "ends_at": "2026-01-02T22:30:00Z", "time_zone": "Europe/Berlin", "playback_id": null,
        "title": "Quiź", "description": "a\nb", "tags": ["One"], "category": "music", "language": null,
        "content_labels": [], "visibility": "public",
        "created_at": "2026-01-02T03:04:05.678901Z", "updated_at": "2026-01-02T03:04:05.678901Z",
    });
    assert_eq!(made, expected);
    assert_eq!(world.get_as("user-1", "/api/schedule/1").json(), expected);
    assert_eq!(world.get_as("user-2", "/api/schedule/1").code(), "schedule_not_found");

    world.clock.advance(Duration::seconds(1));
    let replaced = world.send_json("PUT", "user-1", "/api/schedule/1", &at_hour(2, "Talk").to_string());
    assert_eq!(replaced.status, 200, "{replaced:?}");
    let replaced = replaced.json();
    assert_eq!((&replaced["time_zone"], &replaced["description"]), (&Value::Null, &Value::Null));
    assert_eq!((&replaced["title"], &replaced["tags"]), (&json!("Talk"), &json!([])));
    assert_eq!(replaced["updated_at"], "2026-01-02T03:04:06.678901Z");

    for _ in 0..2 {
        let canceled = delete(&world, 1, &json!(1));
        assert_eq!((canceled.status, &canceled.json()["state"]), (200, &json!("canceled")));
    }
    assert_eq!(delete(&world, 2, &json!(1)).code(), "schedule_not_found");
    assert_eq!(delete(&world, 1, &json!("x")).code(), "schedule_not_found");
    let late = world.send_json("PUT", "user-1", "/api/schedule/1", &at_hour(2, "Talk").to_string());
    assert_eq!((late.status, late.code().as_str()), (409, "schedule_over"));
    assert_eq!(titles(&world.get_as("user-1", SCHEDULE)), ["Talk"]);
    assert_eq!(titles(&world.get(PUBLIC)), [""; 0]);
}

#[test]
fn a_field_of_a_schedule_that_cannot_be_taken_has_its_code_and_says_the_limit() {
    let world = World::new();
    let day = |name: &str, value: &str| {
        let mut body = at_hour(1, "x");
        body[name] = json!(value);
        body
    };
    for (body, code, sentence) in [
        (json!({}), "invalid_starts_at", "starts_at: is missing"),
        (day("starts_at", "tomorrow"), "invalid_starts_at", "RFC 3339"),
        (day("starts_at", "2026-01-02 03:00"), "invalid_starts_at", "RFC 3339"),
        (day("starts_at", "9999-12-31T23:59:59-23:59"), "invalid_starts_at", "RFC 3339"),
        (day("starts_at", "2027-01-04T00:00:00Z"), "invalid_starts_at", "at most 366"),
        (day("ends_at", ""), "invalid_ends_at", "ends_at: is missing"),
        (day("ends_at", "2026-01-02T04:00:30Z"), "invalid_ends_at", "a minute after starts_at"),
        (day("ends_at", "2026-01-02T01:00:00Z"), "invalid_ends_at", "a minute after starts_at"),
        (
            day("ends_at", "2026-01-03T04:01:00Z"),
            "invalid_ends_at",
            "1441 minutes after starts_at, at most 1440",
        ),
        (
            json!({"starts_at": "2026-01-02T01:00:00Z", "ends_at": "2026-01-02T03:04:05Z"}),
            "invalid_ends_at",
            "has passed already",
        ),
        (day("time_zone", "Mars/Olympus"), "invalid_time_zone", "IANA"),
        (day("title", &"x".repeat(163)), "invalid_title", "title: 163 characters, at most 140"),
        (day("category", "none"), "invalid_category", "GET /api/categories"),
        (day("titel", "x"), "invalid_body", "titel"),
        (json!({"starts_at": 5}), "invalid_body", "string"),
        (json!([]), "invalid_body", "object"),
    ] {
        for (method, path) in [("POST", SCHEDULE), ("PUT", "/api/schedule/1")] {
            let answer = world.send_json(method, "user-1", path, &body.to_string());
            assert_eq!((answer.status, answer.code().as_str()), (400, code), "{method} {body}: {answer:?}");
            assert!(answer.json()["error"].as_str().unwrap().contains(sentence), "{answer:?}");
        }
    }
    let twice = r#"{"starts_at": "2026-01-02T04:00:00Z", "title": "a", "title": "b"}"#;
    assert_eq!(world.send_json("POST", "user-1", SCHEDULE, twice).code(), "invalid_body");
    let answer = world.send_json("POST", "user-1", "/api/streams/generate-key", r#"{"schedule": 1}"#);
    assert_eq!(answer.code(), "invalid_body");
    assert!(titles(&world.get_as("user-1", SCHEDULE)).is_empty());
}

#[test]
fn hours_that_a_zone_skips_or_repeats_are_instants_like_all_others() {
    let world = World::new();
    let slot = |starts_at: &str, ends_at: &str| {
        plan(&world, 1, &json!({"starts_at": starts_at, "ends_at": ends_at, "time_zone": "Europe/Berlin"}))
    };
    // In the night of the 29th of March the clock goes from 02:00 to 03:00: 02:30 is 03:30 to whoever looks.
    let skipped = slot("2026-03-29T02:30:00+01:00", "2026-03-29T03:45:00+02:00");
    assert_eq!(
        (&skipped["starts_at"], &skipped["ends_at"]),
        (&json!("2026-03-29T01:30:00Z"), &json!("2026-03-29T01:45:00Z"))
    );
    // In that of the 25th of October 02:30 comes twice, an hour apart: the offset says which one is meant.
    let first = slot("2026-10-25T02:30:00+02:00", "2026-10-25T02:45:00+02:00");
    let second = slot("2026-10-25T02:30:00+01:00", "2026-10-25T02:45:00+01:00");
    assert_eq!(
        (&first["starts_at"], &second["starts_at"]),
        (&json!("2026-10-25T00:30:00Z"), &json!("2026-10-25T01:30:00Z"))
    );
    // From the first to the second: 75 minutes, though the clock shows 15.
    let long = json!({"starts_at": "2026-10-25T02:30:00+02:00", "ends_at": "2026-10-25T02:45:00+01:00"});
    let conflict = world.send_json("POST", "user-1", SCHEDULE, &long.to_string());
    assert_eq!((conflict.status, conflict.code().as_str()), (409, "schedule_conflict"));
    let sentence = conflict.json()["error"].as_str().unwrap().to_owned();
    assert!(sentence.contains("schedule 2, from 2026-10-25T00:30:00Z to 2026-10-25T00:45:00Z"), "{sentence}");
}

#[test]
fn a_key_begins_the_schedule_that_is_current_or_named() {
    let world = World::new();
    world.send_json("PUT", "user-1", "/api/channel", r#"{"title": "Channel", "language": "en"}"#);
    plan(&world, 1, &at_hour(1, "Now"));
    plan(&world, 1, &at_hour(5, "Later"));
    let generate =
        |body: &Value| world.send_json("POST", "user-1", "/api/streams/generate-key", &body.to_string());
    let title = || world.get_as("user-1", "/api/streams").json()["streams"][0]["title"].clone();
    let stop = || assert_eq!(world.post_as("user-1", "/api/streams/stop").status, 200);
    let begun =
        |id: u32| world.get_as("user-1", &format!("/api/schedule/{id}")).json()["playback_id"].clone();

    // At 03:04 it is too early for 04:00.
    let stream = generate(&json!({})).json();
    assert_eq!(
        (stream["stream"]["id"].as_i64(), title(), begun(1)),
        (Some(1), json!("Channel"), Value::Null)
    );
    stop();
    world.clock.advance(Duration::minutes(30));
    let stream = world.post_as("user-1", "/api/streams/generate-key").json();
    assert_eq!((title(), begun(1)), (json!("Now"), stream["stream"]["playback_id"].clone()));
    stop();
    // What is sent goes over what the schedule says, not over the channel.
    generate(&json!({"tags": ["x"]}));
    let own = world.get_as("user-1", "/api/streams").json()["streams"][0].clone();
    assert_eq!((&own["title"], &own["tags"], &own["language"]), (&json!("Now"), &json!(["x"]), &Value::Null));
    stop();
    let stream = generate(&json!({"schedule_id": 2})).json();
    assert_eq!((title(), begun(2)), (json!("Later"), stream["stream"]["playback_id"].clone()));
    stop();

    let unknown = generate(&json!({"schedule_id": 77}));
    assert_eq!((unknown.status, unknown.code().as_str()), (404, "schedule_not_found"));
    delete(&world, 1, &json!(2));
    let canceled = generate(&json!({"schedule_id": 2}));
    assert_eq!((canceled.status, canceled.code().as_str()), (409, "schedule_over"));
    assert!(canceled.json()["error"].as_str().unwrap().contains("was canceled"), "{canceled:?}");
    for id in [json!("2"), json!(1.5), json!(1e300)] {
        assert_eq!(generate(&json!({ "schedule_id": id })).code(), "invalid_body", "{id}");
    }
    assert_eq!(generate(&json!({"schedule_id": 2.0})).code(), "schedule_over");
    assert_eq!(generate(&json!({"schedule_id": null})).status, 201);
}

#[test]
fn lists_are_filtered_paged_and_revalidated() {
    let world = World::new();
    for (user, hour, title) in [(1, 3, "three"), (2, 1, "one"), (1, 2, "two"), (3, 4, "four")] {
        let mut body = at_hour(hour, title);
        body["category"] = json!(if user == 1 { "music" } else { "talk" });
        body["visibility"] = json!(if user == 3 { "unlisted" } else { "public" });
        plan(&world, user, &body);
    }
    let public = |query: &str| titles(&world.get(&format!("{PUBLIC}?{query}")));
    assert_eq!(public(""), ["one", "two", "three"]);
    assert_eq!(public("category=music&user="), ["two", "three"]);
    assert_eq!(public("user=2"), ["one"]);
    assert_eq!(public("user=3"), [""; 0]);
    assert_eq!(public("from=2026-01-02T06:00:00Z"), ["three"]);
    assert_eq!(public("from=2026-01-02T07:00:00+01:00&to=2026-01-02T08:00:00%2B01:00"), ["three"]);
    assert_eq!(public("to=2026-01-02T05:00:00Z"), ["one"]);
    assert_eq!(titles(&world.get_as("user-3", SCHEDULE)), ["four"]);
    for (query, code) in [
        ("from=now", "invalid_from"),
        ("to=x", "invalid_to"),
        ("from=2026-01-02T06:00:00Z&to=2026-01-02T06:00:00Z", "invalid_to"),
        ("user=me", "invalid_user"),
        ("user=0", "invalid_user"),
        ("category=Music", "invalid_category"),
        ("limit=0", "invalid_limit"),
        ("cursor=x", "invalid_cursor"),
    ] {
        let answer = world.get(&format!("{PUBLIC}?{query}"));
        assert_eq!((answer.status, answer.code().as_str()), (400, code), "{query}");
    }
    let first = world.get(&format!("{PUBLIC}?limit=2"));
    assert_eq!(titles(&first), ["one", "two"]);
    let next = first.json()["next_cursor"].as_str().unwrap().to_owned();
    let last = world.get(&format!("{PUBLIC}?limit=2&cursor={next}"));
    assert_eq!((titles(&last), last.json().get("next_cursor").is_none()), (vec!["three".to_owned()], true));

    for path in [PUBLIC, CALENDAR] {
        let etag = world.get(path).header("etag").unwrap().to_owned();
        let again = |etag: &str| {
            let head = format!("GET {path} HTTP/1.1\r\nHost: test\r\nIf-None-Match: {etag}\r\n");
            world.send(&head).status
        };
        assert_eq!(again(&etag), 304, "{path}");
        // The clock alone changes neither, until a state changes.
        world.clock.advance(Duration::minutes(5));
        assert_eq!(again(&etag), 304, "{path}");
        // One of user 2, then one of user 1.
        let (user, id) = if path == PUBLIC { (2, 2) } else { (1, 1) };
        assert_eq!(delete(&world, user, &json!(id)).status, 200);
        assert_eq!(again(&etag), 200, "{path}");
    }
}

#[test]
fn a_calendar_is_folded_escaped_and_tells_of_changes() {
    let world = World::new();
    let long = "Ein sehr langer Titel; mit Komma, und \\ Umlauten: äöüß äöüß äöüß äöüß äöüß äöüß äöüß";
    let mut body = at_hour(1, long);
    body["description"] = json!("BEGIN:VALARM\r\nEND:VEVENT\nhttps://example.com");
    body["tags"] = json!(["one", "two"]);
    body["category"] = json!("art");
    plan(&world, 1, &body);
    let mut hidden = at_hour(2, "Hidden");
    hidden["visibility"] = json!("unlisted");
    plan(&world, 1, &hidden);
    plan(&world, 2, &json!({"starts_at": "2026-01-02T04:00:00Z", "ends_at": "2026-01-02T05:00:00Z"}));
    delete(&world, 2, &json!(3));

    let answer = world.get(CALENDAR);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/calendar; charset=utf-8")));
    let text = answer.body.clone();
    assert!(
        text.ends_with("END:VCALENDAR\r\n") && !text.replace("\r\n", "").contains(['\r', '\n']),
        "{text}"
    );
    assert!(text.split("\r\n").all(|line| line.len() <= 75), "{text}");
    let unfolded = text.replace("\r\n ", "");
    let lines: Vec<&str> = unfolded.split("\r\n").collect();
    let escaped = long.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,");
    for line in [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "TRANSP:TRANSPARENT",
        "UID:schedule-1-1767323045678901",
        "DTSTAMP:20260102T030405Z",
        "DTSTART:20260102T040000Z",
        "DTEND:20260102T050000Z",
        "SEQUENCE:0",
        "STATUS:CONFIRMED",
        &format!("SUMMARY:{escaped}"),
        "DESCRIPTION:BEGIN:VALARM\\nEND:VEVENT\\nhttps://example.com",
        "CATEGORIES:Art and crafts,one,two",
        // The other: untitled, and called off.
        "SUMMARY:Live stream",
        "SEQUENCE:1",
        "STATUS:CANCELLED",
    ] {
        assert!(lines.contains(&line), "{line} in {unfolded}");
    }
    // Folded at every length, and between characters alone.
    for number in 0..80 {
        world.clock.advance(Duration::minutes(1));
        let mut body = at_hour(3, &format!("{}{}", "x".repeat(number), "日".repeat(60)));
        body["description"] = json!("é".repeat(3_000));
        let replaced = world.send_json("PUT", "user-1", "/api/schedule/1", &body.to_string());
        assert_eq!(replaced.status, 200, "{replaced:?}");
        let text = world.get(CALENDAR).body;
        assert!(text.split("\r\n").all(|line| line.len() <= 75), "{text}");
        let unfolded = text.replace("\r\n ", "");
        assert!(unfolded.contains(&format!("DESCRIPTION:{}…\r\n", "é".repeat(1_000))), "{unfolded}");
    }
    assert_eq!(lines.iter().filter(|line| **line == "BEGIN:VEVENT").count(), 2);
    assert!(!text.contains("Hidden"));
    let of_one = world.get(&format!("{CALENDAR}?user=2")).body;
    assert_eq!(of_one.matches("BEGIN:VEVENT").count(), 1);
    assert_eq!(world.get(&format!("{CALENDAR}?user=x")).code(), "invalid_user");
}
