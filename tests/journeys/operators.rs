//! What operators do at a command line: streams, keys, sessions and media servers of all users, and a long migration.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;
use stream_simulated_servers::Family;
use stream_test_postgres::{Cluster, free_port};
use stream_tests::{
    MediaSetup, ServiceBuilder, Stage, StoreKind, TestStore, eventually, find_secret, server_binary,
};

super::on_both_stores! {
    operators_list_show_and_stop_the_streams_of_all
    a_key_is_judged_without_a_trace
    a_live_publisher_is_listed_and_kicked
}

/// Runs a command; its exit code and its JSON, if it printed any.
fn run(setup: &ServiceBuilder, arguments: &[&str]) -> (Option<i32>, Value, String) {
    let (status, output, errors) = setup.run(arguments);
    (status.code(), serde_json::from_str(&output).unwrap_or_default(), errors)
}

/// The numbers of what is listed.
fn ids(list: &Value) -> Vec<i64> {
    let all = list.as_array().expect("a list");
    all.iter().map(|one| one["id"].as_i64().expect("a number")).collect()
}

async fn operators_list_show_and_stop_the_streams_of_all(kind: StoreKind) {
    let store = TestStore::new(kind);
    let setup = store.setup();
    let service = setup.start().await;
    let (first, second) = (service.key_of(1).await, service.key_of(2).await);
    let (code, list, _) = run(&setup, &["streams", "list"]);
    assert_eq!((code, ids(&list["streams"])), (Some(0), vec![2, 1]));
    assert!(find_secret(&list.to_string(), &[first.clone(), second.clone()]).is_none(), "no key is shown");
    assert_eq!(
        (&list["streams"][1]["user_id"], &list["streams"][1]["status"]),
        (&1.into(), &"active".into())
    );
    let (_, list, _) = run(&setup, &["streams", "list", "--limit", "1"]);
    assert_eq!(ids(&list["streams"]), [2]);
    let (_, list, _) = run(&setup, &["streams", "list", "--live"]);
    assert_eq!(ids(&list["streams"]), Vec::<i64>::new());

    let shown = show_from_standard_input(&setup, &first);
    assert_eq!((&shown["id"], &shown["sessions"]), (&1.into(), &Value::Array(Vec::new())));
    let playback_id = shown["playback_id"].as_str().expect("a name").to_owned();
    for text in ["1", playback_id.as_str()] {
        assert_eq!(run(&setup, &["streams", "show", text]).1["id"], 1, "{text}");
    }
    let (code, _, errors) = run(&setup, &["streams", "show", "99"]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("no such stream"), "{errors}");

    let (code, stopped, _) = run(&setup, &["streams", "stop", "1"]);
    assert_eq!((code, &stopped["status"]), (Some(0), &"stopped".into()));
    assert_eq!((service.lookup(&first).await, service.lookup(&second).await), (410, 200));
    let (code, _, errors) = run(&setup, &["streams", "stop", "1"]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("stream 1 cannot be stopped: the stream was stopped"), "{errors}");
    let (code, stopped, _) = run(&setup, &["streams", "stop", "--user", "2"]);
    assert_eq!((code, &stopped["id"]), (Some(0), &2.into()));
    assert_eq!(service.lookup(&second).await, 410);
    let (code, _, errors) = run(&setup, &["streams", "stop", "--user", "2"]);
    assert_eq!(code, Some(1));
    assert!(errors.contains("no active stream"), "{errors}");
    let (_, list, _) = run(&setup, &["streams", "list", "--user", "1"]);
    assert_eq!((ids(&list["streams"]), &list["streams"][0]["status"]), (vec![1], &"stopped".into()));
    // Wrong usage is told from what failed.
    assert_eq!(run(&setup, &["streams", "stop"]).0, Some(2));
}

/// `streams show -`, which keeps a key out of the list of processes.
fn show_from_standard_input(setup: &ServiceBuilder, text: &str) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = setup.command(&folder);
    command.args(["streams", "show", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the binary runs");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(format!("{text}\n").as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

async fn a_key_is_judged_without_a_trace(kind: StoreKind) {
    let store = TestStore::new(kind);
    let setup = store.setup().with("MEDIA_SERVERS", "edge=srs;secret=s gate=node-media-server-2");
    let service = setup.start().await;
    let key = service.key_of(1).await;
    for text in [key.clone(), format!("rtmp://localhost:1935/live/{key}")] {
        let (code, found, _) = run(&setup, &["keys", "check", &text]);
        assert_eq!(code, Some(0), "{found:#}");
        let servers = found["servers"].as_array().expect("a list");
        assert_eq!(servers.iter().map(|one| &one["server"]).collect::<Vec<_>>(), ["edge", "gate"]);
        assert!(servers.iter().all(|one| one["admitted"] == true), "{found:#}");
        assert_eq!((&found["stream_id"], &found["user_id"]), (&1.into(), &1.into()));
        assert!(find_secret(&found.to_string(), std::slice::from_ref(&key)).is_none());
    }
    let (code, found, errors) = run(&setup, &["keys", "check", "no-such-key"]);
    assert_eq!((code, &found["reason"]), (Some(1), &"unknown_key".into()));
    assert!(errors.contains("no stream has this key"), "{errors}");
    assert_eq!(service.post_as(1, "/api/streams/stop").await.status, 200);
    let (code, found, _) = run(&setup, &["keys", "check", &key]);
    assert_eq!((code, &found["servers"][0]["reason"]), (Some(1), &"stopped".into()));
    let (code, found, _) = run(&store.setup(), &["keys", "check", &key]);
    assert_eq!(
        (code, &found["reason"], &found["servers"]),
        (Some(1), &"stopped".into(), &Value::Array(Vec::new()))
    );
    for table in ["publish_sessions", "publish_attempts"] {
        assert_eq!(store.sql(&format!("SELECT count(*) FROM {table}")), "0", "{table}");
    }
}

async fn a_live_publisher_is_listed_and_kicked(kind: StoreKind) {
    let mut stage = Stage::start(MediaSetup::Simulated(Family::Srs), kind).await;
    let owner = stage.new_owner().await;
    let mut encoder = stage.publish(&owner, 1).await;
    eventually("a live stream", || stage.is_live(&owner)).await;
    let setup = stage.setup();
    let (_, list, _) = run(setup, &["sessions", "list"]);
    let session = &list["sessions"][0];
    assert_eq!((&session["server"], &session["state"]), (&"edge".into(), &"live".into()));
    assert_eq!((&session["address"], &session["stream_id"]), (&"127.0.0.1".into(), &owner.stream.into()));
    assert!(find_secret(&list.to_string(), std::slice::from_ref(&owner.key)).is_none(), "no key is shown");
    let (_, servers, _) = run(setup, &["servers", "list"]);
    let edge = &servers["servers"][0];
    assert_eq!(
        (&edge["control"], &edge["publishers"], &edge["open_sessions"]),
        (&"reachable".into(), &1.into(), &1.into())
    );
    // Another encoder would be refused, and is not.
    let (code, found, _) = run(setup, &["keys", "check", &owner.key]);
    assert_eq!((code, &found["servers"][0]["reason"]), (Some(1), &"already_live".into()), "{found:#}");
    assert_eq!(found["servers"][0]["unless_same_address"], true);

    let id = session["id"].to_string();
    let (code, _, errors) = run(setup, &["sessions", "kick", &id]);
    assert_eq!(code, Some(0), "{errors}");
    encoder.ended().await;
    eventually("the end of the session", || async {
        stage.sessions(&owner).await[0]["end_reason"] == "kicked"
    })
    .await;
    assert_eq!(stage.service().lookup(&owner.key).await, 200, "the key stays valid");
    let (code, _, errors) = run(setup, &["sessions", "kick", &id]);
    assert_eq!(code, Some(1));
    assert!(errors.contains(&format!("no session {id} is open")), "{errors}");
    let (_, list, _) = run(setup, &["sessions", "list"]);
    assert_eq!(ids(&list["sessions"]), Vec::<i64>::new());
    let stream = owner.stream.to_string();
    let (_, list, _) = run(setup, &["sessions", "list", "--all", "--stream", &stream, "--server", "edge"]);
    assert_eq!(list["sessions"][0]["state"], "kicked");
    drop(encoder);

    // It comes back, to a server that can no longer be asked.
    let _encoder = stage.publish(&owner, 1).await;
    eventually("a live stream", || stage.is_live(&owner)).await;
    stage.crash_media().await;
    let (_, servers, _) = run(stage.setup(), &["servers", "list"]);
    assert_eq!(servers["servers"][0]["control"], "unreachable");
}

/// Runs the binary at a terminal, and returns what it showed there.
fn at_a_terminal(setup: &ServiceBuilder, arguments: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let plain = setup.command(&folder);
    let mut script = Command::new("script");
    script.current_dir(folder.path()).env_clear().env("PATH", "/usr/bin:/bin").env("TERM", "xterm");
    script.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let line = format!("stty columns 200; {} {arguments}", server_binary().display());
    let output =
        script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).stdin(Stdio::null()).output();
    String::from_utf8_lossy(&output.expect("script is there").stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn at_a_terminal_lists_are_tables_and_the_doctor_is_colored() {
    let store = TestStore::new(StoreKind::Sqlite);
    let service = store.setup().start().await;
    let setup = store.setup().with("LOG_LEVEL", "off");
    let key = service.key_of(1).await;
    let shown = at_a_terminal(&setup, "streams list");
    let lines: Vec<Vec<&str>> = shown.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(
        lines[0],
        ["STREAM", "USER", "STATUS", "LIVE", "SINCE", "EXPIRES", "PLAYBACK", "ID", "TITLE"],
        "{shown}"
    );
    assert_eq!(lines[1][..4], ["1", "1", "active", "-"], "{shown}");
    assert!(at_a_terminal(&setup, "streams list --json").contains("\"streams\""));
    let shown = at_a_terminal(&setup, &format!("keys check {key}"));
    assert!(shown.contains("Stream 1 of user 1 is active") && shown.contains("would let it in"), "{shown}");
    assert!(at_a_terminal(&setup, "doctor").contains("\u{1b}[32mok"));
    let plain = at_a_terminal(&setup.with("NO_COLOR", "1"), "doctor");
    assert!(plain.contains("ok       settings") && !plain.contains('\u{1b}'), "{plain}");
}

#[test]
fn completions_and_man_pages_are_made_without_any_setting() {
    let folder = tempfile::tempdir().expect("a folder");
    // A setting that is wrong stops neither.
    let setup = ServiceBuilder::default().with("MEDIA_SERVERS", "wrong");
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let (status, script, errors) = setup.run(&["completions", shell]);
        assert!(status.success(), "{shell}: {errors}");
        assert!(script.contains("doctor") && script.contains("token-file"), "{shell}");
        if shell == "bash" {
            let path = folder.path().join("completions");
            std::fs::write(&path, script).expect("the folder is writable");
            assert!(Command::new("bash").arg("-n").arg(path).status().expect("bash is there").success());
        }
    }
    let pages = folder.path().to_str().expect("text");
    assert!(setup.run(&["man", pages]).0.success());
    let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect("a page");
    assert!(page("stream-server.1").contains("DB_URL"));
    assert!(page("stream-server-keys-check.1").contains("let in now"));
    let (_, help, _) = setup.run(&["--help"]);
    assert!(!help.contains("\n  man "), "it is for packagers");
}

/// An earlier service's table with this many surplus active streams, each batch of which takes 0.7 seconds.
fn slow_adoption(cluster: &Cluster, surplus: u32) -> ServiceBuilder {
    let database = cluster.database();
    database.create_users(1);
    database.create_old_streams(false);
    database.sql(&format!(
        "INSERT INTO streams (user_id, stream_key, expires_at)
             SELECT 1, 'key-' || n, timezone('UTC', now()) + INTERVAL '24 hours' FROM generate_series(0, {surplus}) n;
         CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
             'BEGIN PERFORM pg_sleep(0.7); RETURN NULL; END';
         CREATE TRIGGER slow AFTER UPDATE ON streams FOR EACH STATEMENT EXECUTE FUNCTION slow()"
    ));
    ServiceBuilder::on(&database.url()).with("LOG_LEVEL", "warn")
}

#[test]
fn a_long_migration_shows_its_progress_as_lines_without_a_terminal() {
    let (status, output, errors) = slow_adoption(Cluster::shared(), 20_000).run(&["migrate"]);
    assert!(status.success(), "{errors}");
    assert!(output.starts_with("Ran the migrations"), "{output}");
    let step = "stopping active streams whose users have newer ones: ";
    let lines: Vec<&str> = errors.lines().filter_map(|line| line.strip_prefix(step)).collect();
    assert!(lines.len() >= 2, "{errors}");
    let (rows, rest) = lines[0].split_once(" rows of 20000, ").expect("rows done and to do");
    assert!(rows.parse::<u32>().is_ok_and(|rows| rows % 5_000 == 0 && rows > 0), "{rows}");
    assert!(rest.contains(" rows/s, ") && rest.ends_with(" s left"), "{rest}");
    assert!(lines.last().is_some_and(|line| line.starts_with("done in ")), "{errors}");
}

#[test]
fn a_long_migration_shows_a_bar_at_a_terminal() {
    let shown = at_a_terminal(&slow_adoption(Cluster::shared(), 20_000), "migrate");
    // It moves by batches.
    assert!(shown.contains("5,000 of 20,000 rows, ") && shown.contains(" left"), "{shown:?}");
    assert!(shown.contains("Ran the migrations"), "{shown:?}");
}

#[test]
fn a_command_says_what_is_wrong_with_its_database() {
    let port = free_port();
    let setup = ServiceBuilder::on(&format!("postgresql://nobody:not-for-logs@127.0.0.1:{port}/nothing"));
    for arguments in
        [&["streams", "list"][..], &["sessions", "list"], &["servers", "list"], &["keys", "check", "k"]]
    {
        let (code, _, errors) = run(&setup, arguments);
        assert_eq!(code, Some(1), "{arguments:?}");
        assert!(errors.contains("refused") && !errors.contains("not-for-logs"), "{errors}");
    }
}
