//! Schedules over HTTP on real databases: planned at one instance, taken and seen at another, and read by a calendar.

use std::path::Path;
use std::process::Command;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use stream_tests::{Answer, Service, StoreKind, TestStore, encoder, eventually, token_of};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};

super::on_both_stores! {
    what_is_planned_at_one_instance_is_taken_at_another
    a_stream_of_the_earlier_service_takes_the_schedule
    an_unlisted_schedule_is_in_nothing_that_everybody_may_read
    one_of_many_plans_for_one_time_is_kept
    operators_list_what_is_planned
}

/// The instant so many minutes from now.
fn minutes(from_now: i64) -> String {
    #[expect(clippy::disallowed_methods, reason = "the schedules of a real process are in real time")]
    let instant = OffsetDateTime::now_utc() + Duration::minutes(from_now);
    instant.format(&Rfc3339).expect("an instant of this century")
}

fn slot(from: i64, to: i64, title: &str) -> Value {
    json!({ "starts_at": minutes(from), "ends_at": minutes(to), "title": title })
}

async fn send(service: &Service, user: u32, method: Method, path: &str, body: &Value) -> Answer {
    let request = service.request(method, path).bearer_auth(token_of(user));
    service.send(request.header("Content-Type", "application/json").body(body.to_string())).await
}

async fn plan(service: &Service, user: u32, body: &Value) -> i64 {
    let answer = send(service, user, Method::POST, "/api/schedule", body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json["id"].as_i64().expect("a number")
}

/// Title and state of what a list has.
async fn listed(service: &Service, path: &str) -> Vec<(String, String)> {
    let answer = service.get(path).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let schedules = answer.json["schedules"].as_array().expect("a list").clone();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    schedules.iter().map(|schedule| (text(&schedule["title"]), text(&schedule["state"]))).collect()
}

async fn states(service: &Service) -> Vec<String> {
    listed(service, "/api/schedule/public").await.into_iter().map(|(_, state)| state).collect()
}

async fn what_is_planned_at_one_instance_is_taken_at_another(kind: StoreKind) {
    let store = TestStore::new(kind);
    let setup = store.setup().with("MEDIA_SERVERS", "edge=nginx-rtmp");
    let (one, other) = tokio::join!(setup.start(), setup.start());
    let mut quiz = slot(10, 60, "Quiz");
    quiz["category"] = json!("talk");
    let id = plan(&one, 1, &quiz).await;
    assert_eq!(states(&other).await, ["scheduled"]);

    let stream = send(&other, 1, Method::POST, "/api/streams/generate-key", &json!({})).await;
    let (key, playback_id) =
        (stream.json["stream"]["stream_key"].clone(), stream.json["stream"]["playback_id"].clone());
    let key = key.as_str().expect("a key");
    one.note(key);
    other.note(key);
    let public = one.get(&format!("/api/streams/public/{}", playback_id.as_str().expect("a name"))).await;
    assert_eq!((&public.json["title"], &public.json["category"]), (&json!("Quiz"), &json!("talk")));
    let form = format!("call=publish&app=live&name={key}&addr=192.0.2.7&clientid=1");
    let hook = one.request(Method::POST, "/hooks/nginx-rtmp/edge").body(form);
    let hook = hook.header("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(one.send(hook).await.status, 200);
    let shown = other.get_as(1, &format!("/api/schedule/{id}")).await;
    assert_eq!((&shown.json["state"], &shown.json["playback_id"]), (&json!("live"), &playback_id));
    assert_eq!(states(&other).await, ["live"]);

    // It ends before its time: a rehearsal. The next key is for it again.
    assert_eq!(one.post_as(1, "/api/streams/stop").await.status, 200);
    assert_eq!(states(&other).await, ["scheduled"]);
    let other_id = plan(&one, 1, &slot(120, 180, "After it")).await;
    let named =
        send(&other, 1, Method::POST, "/api/streams/generate-key", &json!({ "schedule_id": other_id })).await;
    assert_eq!(named.status, 201, "{named:?}");
    other.note(named.json["stream"]["stream_key"].as_str().expect("a key"));
    one.note(named.json["stream"]["stream_key"].as_str().expect("a key"));
    let begun = |id: i64| {
        let other = &other;
        async move { other.get_as(1, &format!("/api/schedule/{id}")).await.json["playback_id"].clone() }
    };
    assert_eq!(
        (begun(id).await, begun(other_id).await),
        (Value::Null, named.json["stream"]["playback_id"].clone())
    );

    let canceled = send(&one, 1, Method::DELETE, &format!("/api/schedule/{id}"), &json!({})).await;
    assert_eq!(canceled.json["state"], "canceled");
    assert_eq!(listed(&other, "/api/schedule/public").await.len(), 1);
    let calendar = other.get("/api/schedule/public.ics").await;
    assert_eq!(
        (calendar.body.matches("BEGIN:VEVENT").count(), calendar.body.matches("STATUS:CANCELLED").count()),
        (2, 1)
    );
    assert!(!calendar.body.contains(key));
}

async fn a_stream_of_the_earlier_service_takes_the_schedule(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = store.setup().start().await;
    send(&service, 1, Method::PUT, "/api/channel", &json!({ "title": "From the channel" })).await;
    let id = plan(&service, 1, &slot(10, 60, "From the schedule")).await;
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
    let found = service.get("/api/streams/public?q=schedule").await;
    assert_eq!(found.json["streams"][0]["title"], "From the schedule", "{found:?}");
    let schedule = service.get_as(1, &format!("/api/schedule/{id}")).await;
    assert_eq!(schedule.json["playback_id"], found.json["streams"][0]["playback_id"]);
    store.sql("DELETE FROM streams WHERE stream_key = 'of-the-earlier-service'");
    assert_eq!(store.sql("SELECT count(*) FROM scheduled_streams"), "0");
    assert_eq!(service.get_as(1, &format!("/api/schedule/{id}")).await.json["state"], "scheduled");
}

async fn an_unlisted_schedule_is_in_nothing_that_everybody_may_read(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = store.setup().start().await;
    let everywhere = || async {
        let calendar = service.get("/api/schedule/public.ics?user=1").await.body;
        let list = listed(&service, "/api/schedule/public?user=1").await;
        (list.len(), calendar.matches("BEGIN:VEVENT").count())
    };
    let mut hidden = slot(10, 60, "Hidden");
    hidden["visibility"] = json!("unlisted");
    let path = format!("/api/schedule/{}", plan(&service, 1, &hidden).await);
    assert_eq!(everywhere().await, (0, 0));
    assert_eq!(service.get_as(1, &path).await.json["title"], "Hidden");
    hidden["visibility"] = json!("public");
    assert_eq!(send(&service, 1, Method::PUT, &path, &hidden).await.status, 200);
    assert_eq!(everywhere().await, (1, 1));
    // Public, with a stream that is hidden while it runs: its name would be in the list.
    let key = service.key_of(1).await;
    let stream = service.get_as(1, "/api/streams").await.json["streams"][0]["id"].clone();
    let details = format!("/api/streams/{stream}/details");
    let hide = json!({ "visibility": "unlisted" });
    assert_eq!(send(&service, 1, Method::PUT, &details, &hide).await.status, 200);
    assert_eq!(everywhere().await, (0, 0));
    assert_eq!(send(&service, 1, Method::PUT, &details, &json!({})).await.status, 200);
    assert_eq!(everywhere().await, (1, 1));
    assert_eq!(service.lookup(&key).await, 200);
    if kind == StoreKind::Postgres {
        // A user whom the platform deletes is announced no longer, and one whom it does not know plans nothing.
        store.sql("DELETE FROM streams WHERE user_id = 1");
        store.sql("DELETE FROM users WHERE id = 1");
        assert_eq!(everywhere().await, (0, 0));
        let unknown = send(&service, 5_000, Method::POST, "/api/schedule", &slot(10, 60, "Nobody")).await;
        assert_eq!((unknown.status, unknown.code()), (401, "unknown_user"));
    }
}

async fn one_of_many_plans_for_one_time_is_kept(kind: StoreKind) {
    let store = TestStore::new(kind);
    let setup = store.setup();
    let (one, other) = tokio::join!(setup.start(), setup.start());
    for round in 0..5 {
        let body = slot(100 * round + 10, 100 * round + 60, "Raced");
        let answers = (0..32).map(|number| {
            let service = if number % 2 == 0 { &one } else { &other };
            send(service, 1, Method::POST, "/api/schedule", &body)
        });
        let mut answers: Vec<_> = join_all(answers).await;
        answers.sort_by_key(|answer| answer.status);
        assert_eq!(answers[0].status, 201, "{answers:?}");
        let mut others = answers[1..].iter().map(|answer| (answer.status, answer.code()));
        assert!(others.all(|other| other == (409, "schedule_conflict")), "{answers:?}");
    }
}

async fn operators_list_what_is_planned(kind: StoreKind) {
    let store = TestStore::new(kind);
    let setup = store.setup().with("SWEEP_INTERVAL", "1");
    let service = setup.start().await;
    let mut hidden = slot(200, 260, "Later");
    hidden["visibility"] = json!("unlisted");
    plan(&service, 2, &hidden).await;
    plan(&service, 1, &slot(10, 60, "Sooner")).await;
    let titles = |arguments: &[&str]| {
        let (status, output, errors) = setup.run(&[&["schedule", "list"], arguments].concat());
        assert!(status.success(), "{errors}");
        let list: Value = serde_json::from_str(&output).expect("JSON");
        let all = list["schedules"].as_array().expect("a list").clone();
        all.iter().map(|one| one["title"].as_str().expect("a title").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(titles(&[]), ["Sooner", "Later"]);
    assert_eq!(titles(&["--user", "2"]), ["Later"]);
    assert_eq!(titles(&["--limit", "1"]), ["Sooner"]);
    // Moved into the past: it is listed on demand, until it is forgotten with what it was taken by.
    let sooner = "id = (SELECT max(id) FROM stream_schedules)";
    let move_to = |days: u32| {
        let [starts_at, ends_at] = [days + 1, days].map(|days| match kind {
            StoreKind::Postgres => format!("timezone('UTC', now()) - INTERVAL '{days} days'"),
            StoreKind::Sqlite => format!("strftime('%Y-%m-%d %H:%M:%f000', 'now', '-{days} days')"),
        });
        store.sql(&format!(
            "UPDATE stream_schedules SET starts_at = {starts_at}, ends_at = {ends_at} WHERE {sooner}"
        ));
    };
    service.key_of(1).await;
    assert_eq!(store.sql("SELECT count(*) FROM scheduled_streams"), "1");
    move_to(2);
    assert_eq!(titles(&[]), ["Later"]);
    assert_eq!(titles(&["--all"]), ["Sooner", "Later"]);
    move_to(31);
    eventually("an old schedule is forgotten", || async { titles(&["--all"]) == ["Later"] }).await;
    assert_eq!(store.sql("SELECT count(*) FROM scheduled_streams"), "0");
    let (status, _, errors) = setup.run(&["schedule", "list", "--user", "nobody"]);
    assert_eq!(status.code(), Some(2), "{errors}");
}

/// What a calendar client shows of the streams in the next days, in the time of Berlin.
fn shown(folder: &Path, calendar: &str) -> Vec<String> {
    let config = format!(
        "[calendars]\n[[streams]]\npath = {0}/events\n[sqlite]\npath = {0}/khal.db\n[locale]\n\
         local_timezone = Europe/Berlin\ndefault_timezone = Europe/Berlin\ntimeformat = %H:%M\n\
         dateformat = %Y-%m-%d\nlongdateformat = %Y-%m-%d\ndatetimeformat = %Y-%m-%d %H:%M\n\
         longdatetimeformat = %Y-%m-%d %H:%M\n",
        folder.display()
    );
    std::fs::create_dir_all(folder.join("events")).expect("a folder");
    std::fs::write(folder.join("config"), config).expect("a file");
    std::fs::write(folder.join("streams.ics"), calendar).expect("a file");
    let run = |arguments: &[&str]| {
        let mut khal = Command::new(encoder::program("khal", "khal"));
        let output = khal.arg("-c").arg(folder.join("config")).args(arguments).env("HOME", folder).output();
        let output = output.expect("khal runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let file = folder.join("streams.ics");
    run(&["import", "--batch", "-a", "streams", file.to_str().expect("text")]);
    let format = "{start-long}|{end-long}|{title}|{description}|{categories}|{status}";
    let listed = run(&["list", "--notstarted", "--format", format, "--day-format", "", "2030-06-01", "3d"]);
    listed.lines().filter(|line| !line.is_empty()).map(|line| line.trim_end().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_client_shows_what_is_planned_and_what_was_called_off() {
    let store = TestStore::new(StoreKind::Sqlite);
    let service = store.setup().start().await;
    // Far in the future for the client, near for the service: the row is moved there behind its back.
    let title =
        "Ein Titel, lang genug zum Falten; mit \\ und 日本語 und \u{1f469}\u{200d}\u{1f467} und noch mehr";
    let mut body = slot(10, 60, title);
    body["description"] = json!("END:VEVENT\nhttps://example.com/?a=1,2;3");
    body["tags"] = json!(["Quiz"]);
    body["category"] = json!("talk");
    let id = plan(&service, 1, &body).await;
    plan(&service, 2, &slot(10, 60, "Bleibt")).await;
    store.sql(
        "UPDATE stream_schedules SET starts_at = '2030-06-01 18:00:00.000000', ends_at = '2030-06-01 20:30:00.000000'
         WHERE user_id = 1",
    );
    store.sql(
        "UPDATE stream_schedules SET starts_at = '2030-06-02 22:30:00.000000', ends_at = '2030-06-02 23:00:00.000000'
         WHERE user_id = 2",
    );
    let folder = tempfile::tempdir().expect("a folder");
    let calendar = service.get("/api/schedule/public.ics").await;
    assert_eq!(calendar.header("content-type"), Some("text/calendar; charset=utf-8"));
    let first = format!("2030-06-01 20:00|2030-06-01 22:30|{title}|END:VEVENT");
    let lines = shown(folder.path(), &calendar.body);
    assert_eq!(
        lines,
        [
            first.as_str(),
            "https://example.com/?a=1,2;3|Talk and podcasts,Quiz|CONFIRMED",
            "2030-06-03 00:30|2030-06-03 01:00|Bleibt|||CONFIRMED",
        ]
    );
    let canceled = send(&service, 1, Method::DELETE, &format!("/api/schedule/{id}"), &json!({})).await;
    assert_eq!(canceled.status, 200, "{canceled:?}");
    let calendar = service.get("/api/schedule/public.ics").await;
    let lines = shown(folder.path(), &calendar.body);
    assert_eq!(lines[1], "https://example.com/?a=1,2;3|Talk and podcasts,Quiz|CANCELLED");
    assert_eq!(lines.len(), 3, "{lines:?}");
}
