//! The log of events on real databases: the same by position, as a stream and at a terminal, whoever makes a change.

use std::process::Command;

use serde_json::Value;
use stream_tests::{
    DocumentedReceiver, Language, MediaSetup, Program, Service, Stage, StoreKind, TestStore, eventually,
    token_of,
};

super::on_both_stores! {
    a_broadcast_is_told_alike_by_pull_by_stream_by_webhook_and_at_a_terminal
    what_the_earlier_service_writes_is_told
    a_reader_goes_on_at_another_instance
    old_events_are_forgotten_and_told_so
}

/// A client that reads the stream of events, as curl does.
struct Reader(Program);

impl Reader {
    fn start(service: &Service, user: u32, more: &[&str], name: &str, folder: &std::path::Path) -> Self {
        let mut curl = Command::new("curl");
        curl.args(["-sN", "--header", &format!("Authorization: Bearer {}", token_of(user))]).args(more);
        curl.arg(service.url("/api/events/stream"));
        Self(Program::start(&mut curl, &folder.join(name)))
    }

    fn events(&self) -> Vec<Value> {
        let text = self.0.output();
        let whole = text.rsplit_once("\n\n").map_or("", |(whole, _)| whole);
        let data = whole.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|json| serde_json::from_str(json).expect("an event is JSON")).collect()
    }

    /// The position that a client would name after a cut.
    fn last_id(&self) -> Option<String> {
        let text = self.0.output();
        let whole = text.rsplit_once("\n\n")?.0;
        whole.lines().rev().find_map(|line| line.strip_prefix("id: ")).map(str::to_owned)
    }
}

/// All events of a user, page after page.
async fn pulled(service: &Service, user: u32) -> Vec<Value> {
    let (mut events, mut after) = (Vec::new(), 0);
    loop {
        let page = service.get_as(user, &format!("/api/events?after={after}&limit=2")).await;
        assert_eq!(page.status, 200, "{page:?}");
        let found = page.json["events"].as_array().expect("a list").clone();
        after = page.json["next"].as_i64().expect("a number");
        if found.is_empty() {
            return events;
        }
        events.extend(found);
    }
}

fn types(events: &[Value]) -> Vec<String> {
    events.iter().map(|event| event["type"].as_str().expect("a word").to_owned()).collect()
}

async fn is_told(service: &Service, user: u32, last: &str, count: usize) {
    eventually(&format!("{count} events up to {last}"), || async {
        let told = types(&pulled(service, user).await);
        assert!(told.len() <= count, "{told:?}");
        told.len() == count && told.last().is_some_and(|kind| kind == last)
    })
    .await;
}

async fn a_broadcast_is_told_alike_by_pull_by_stream_by_webhook_and_at_a_terminal(kind: StoreKind) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let operators = DocumentedReceiver::start(Language::Python, super::webhooks::SECRET, folder.path());
    let settings = [
        ("RECONNECT_WINDOW", "15"),
        ("SWEEP_INTERVAL", "1"),
        ("WEBHOOK_NETWORKS", "127.0.0.0/8"),
        ("WEBHOOK_URL", &operators.url()),
        ("WEBHOOK_SECRET", super::webhooks::SECRET),
    ];
    let mut stage = Stage::start_with(MediaSetup::NginxPlayback, kind, &settings).await;
    // The first owner has this number.
    let (_, receiver) = super::webhooks::add_documented(stage.service(), 1, folder.path()).await;
    let owner = stage.new_owner().await;
    let reader =
        Reader::start(stage.service(), owner.user, &["--header", "Last-Event-ID: 0"], "one", folder.path());

    let first = stage.publish(&owner, 2).await;
    is_told(stage.service(), owner.user, "stream.live", 2).await;
    let refused = stage.publish(&owner, 3).await;
    is_told(stage.service(), owner.user, "stream.publish_refused", 3).await;
    drop((refused, first));
    eventually("the drop", || async { !stage.is_live(&owner).await }).await;
    let second = stage.publish(&owner, 2).await;
    is_told(stage.service(), owner.user, "stream.publisher_changed", 4).await;
    drop(second);
    is_told(stage.service(), owner.user, "stream.offline", 5).await;
    let third = stage.publish(&owner, 2).await;
    is_told(stage.service(), owner.user, "stream.live", 6).await;
    assert_eq!(stage.service().post_as(owner.user, "/api/streams/stop").await.status, 200);
    is_told(stage.service(), owner.user, "stream.offline", 8).await;
    drop(third);
    let next = stage.service().key_of(owner.user).await;
    stage.store.let_expire(&next);
    is_told(stage.service(), owner.user, "stream.expired", 10).await;

    let told = pulled(stage.service(), owner.user).await;
    let expected = [
        "stream.created",
        "stream.live",
        "stream.publish_refused",
        "stream.publisher_changed",
        "stream.offline",
        "stream.live",
        "stream.stopped",
        "stream.offline",
        "stream.created",
        "stream.expired",
    ];
    assert_eq!(types(&told), expected);
    assert_eq!(told[2]["data"]["address"], "127.0.0.3");
    assert_eq!(told[2]["data"]["reason"], "already_live");
    assert_eq!(told[4]["data"]["live_since"], told[1]["data"]["live_since"]);
    eventually("the same events in the stream", || async { reader.events() == told }).await;
    let as_message = |event: &Value| {
        let (at, kind) = (&event["at"], &event["type"]);
        serde_json::json!({ "type": kind, "timestamp": at, "position": event["position"], "data": event["data"] })
    };
    let messages: Vec<Value> = told.iter().map(as_message).collect();
    eventually("the same events at the owner's endpoint", || async { receiver.messages() == messages }).await;
    eventually("the same events at the operator's", || async { operators.messages() == messages }).await;
    let user = owner.user.to_string();
    let (status, output, errors) =
        stage.setup().run(&["events", "tail", "--no-follow", "--after", "0", "--user", &user]);
    assert!(status.success(), "{errors}");
    let printed: Vec<Value> = output.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let without_user = |mut event: Value| {
        assert_eq!(event["user_id"], owner.user);
        event.as_object_mut().expect("an object").remove("user_id");
        event
    };
    assert_eq!(printed.into_iter().map(without_user).collect::<Vec<_>>(), told);
}

async fn what_the_earlier_service_writes_is_told(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = store.setup().start().await;
    // As that service writes: these columns, in this order, and no other.
    let (now, later) = match kind {
        StoreKind::Postgres => ("timezone('UTC', now())", "timezone('UTC', now()) + INTERVAL '24 hours'"),
        StoreKind::Sqlite => (
            "strftime('%Y-%m-%d %H:%M:%f000', 'now')",
            "strftime('%Y-%m-%d %H:%M:%f000', 'now', '+24 hours')",
        ),
    };
    for (key, end) in [
        ("one-of-the-earlier-service", "UPDATE streams SET status = 'stopped' WHERE user_id = 1"),
        ("another-of-the-earlier-service", "DELETE FROM streams WHERE user_id = 1"),
    ] {
        store.sql(&format!(
            "INSERT INTO streams (user_id, stream_key, status, created_at, updated_at, expires_at)
             VALUES (1, '{key}', 'active', {now}, {now}, {later})"
        ));
        store.sql(end);
    }
    is_told(&service, 1, "stream.stopped", 4).await;
    let told = pulled(&service, 1).await;
    assert_eq!(types(&told), ["stream.created", "stream.stopped", "stream.created", "stream.stopped"]);
    assert_eq!(
        (&told[1]["data"]["reason"], &told[3]["data"]["reason"]),
        (&"stopped".into(), &"deleted".into())
    );
    assert!(!told.iter().any(|event| event.to_string().contains("of-the-earlier-service")), "{told:?}");
}

async fn a_reader_goes_on_at_another_instance(kind: StoreKind) {
    let store = TestStore::new(kind);
    let setup = store.setup();
    let (mut one, other) = tokio::join!(setup.start(), setup.start());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let reader = Reader::start(&one, 1, &["--header", "Last-Event-ID: 0"], "one", folder.path());
    other.key_of(1).await;
    eventually("the first event", || async { reader.events().len() == 1 }).await;
    one.program.kill();
    assert_eq!(other.post_as(1, "/api/streams/stop").await.status, 200);
    let last = format!("Last-Event-ID: {}", reader.last_id().expect("a position"));
    let next = Reader::start(&other, 1, &["--header", &last], "two", folder.path());
    other.key_of(1).await;
    eventually("what was missed", || async { next.events().len() == 2 }).await;
    let all = [reader.events(), next.events()].concat();
    assert_eq!(all, pulled(&other, 1).await);
    assert_eq!(types(&all), ["stream.created", "stream.stopped", "stream.created"]);
    let positions: Vec<&Value> = all.iter().map(|event| &event["position"]).collect();
    assert_eq!(positions, [1, 2, 3]);
}

async fn old_events_are_forgotten_and_told_so(kind: StoreKind) {
    let store = TestStore::new(kind);
    let service = store.setup().with("SWEEP_INTERVAL", "1").with("EVENT_RETENTION_DAYS", "2").start().await;
    for user in [1, 2] {
        service.key_of(user).await;
        assert_eq!(service.post_as(user, "/api/streams/stop").await.status, 200);
    }
    is_told(&service, 2, "stream.stopped", 2).await;
    let three_days_ago = match kind {
        StoreKind::Postgres => "timezone('UTC', now()) - INTERVAL '3 days'",
        StoreKind::Sqlite => "strftime('%Y-%m-%d %H:%M:%f000', 'now', '-3 days')",
    };
    store.sql(&format!("UPDATE stream_events SET at = {three_days_ago} WHERE position IN (1, 2)"));
    eventually("they are forgotten", || async {
        service.get_as(1, "/api/events?after=1").await.status == 410
    })
    .await;
    assert_eq!(types(&pulled_from(&service, 2, 2).await), ["stream.created", "stream.stopped"]);
    let (status, _, errors) = store.setup().run(&["events", "tail", "--no-follow", "--after", "0"]);
    assert!(!status.success() && errors.contains("the log has the positions after 2 up to 4"), "{errors}");
}

async fn pulled_from(service: &Service, user: u32, after: i64) -> Vec<Value> {
    let page = service.get_as(user, &format!("/api/events?after={after}")).await;
    page.json["events"].as_array().expect("a list").clone()
}

/// A reader that has read enough, as `head` has, ends the command.
#[tokio::test(flavor = "multi_thread")]
async fn what_prints_events_ends_with_its_reader() {
    let store = TestStore::new(StoreKind::Sqlite);
    let service = store.setup().start().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let settings = store.setup().command(&folder);
    let mut shell = Command::new("sh");
    let tail =
        format!("{} events tail --after 0 | head -n 1; echo ended", stream_tests::server_binary().display());
    shell.args(["-c", &tail]).envs(settings.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let tail = Program::start(&mut shell, &folder.path().join("output"));
    eventually("the end of the command", || async {
        service.generate_key(1).await;
        service.post_as(1, "/api/streams/stop").await;
        tail.output().ends_with("ended\n")
    })
    .await;
    assert!(tail.output().starts_with("{\"at\":"), "{}", tail.output());
}

/// The reader that the documentation shows works as it stands, in Node as in a browser.
#[tokio::test(flavor = "multi_thread")]
async fn the_documented_reader_reads_on_after_a_cut() {
    let store = TestStore::new(StoreKind::Sqlite);
    let setup = store.setup().with("PORT", &stream_test_postgres::free_port().to_string());
    let mut service = setup.start().await;
    let page =
        std::fs::read_to_string(stream_tests::workspace().join("docs/http-api.md")).expect("it is there");
    let shown = page.split("```js\nlet last").nth(1).and_then(|rest| rest.split("```").next());
    let script = format!(
        "const token = process.argv[2], base = process.argv[3], real = globalThis.fetch;
         const fetch = (path, options) => real(base + path, options);
         let last{}",
        shown.expect("the documentation shows a reader")
    );
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("reader.mjs"), script).expect("the folder is there");
    let mut node = Command::new(stream_tests::encoder::program("node", "nodejs"));
    node.arg(folder.path().join("reader.mjs")).args([&token_of(1), service.url("").trim_end_matches('/')]);
    let reader = Program::start(&mut node, &folder.path().join("output"));
    eventually("the reader", || async { service.program.errors().contains("/api/events/stream") }).await;
    service.key_of(1).await;
    eventually("the first event", || async { reader.output().contains("stream.created") }).await;
    service.program.kill();
    drop(service);
    let service = setup.start().await;
    assert_eq!(service.post_as(1, "/api/streams/stop").await.status, 200);
    eventually("the second event", || async { reader.output().contains("stream.stopped") }).await;
    assert_eq!(reader.output().matches("stream.created").count(), 1, "{}", reader.output());
}
