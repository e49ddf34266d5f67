//! The commands of install.md, configure.md, observe.md and troubleshoot.md against a running service.

use std::path::Path;

use serde_json::Value;
use stream_simulated_servers::Family;
use stream_test_postgres::free_port;
use stream_tests::documents::{block, run, shell, try_run, value_of};
use stream_tests::{
    Collector, MediaSetup, Program, Service, ServiceBuilder, Stage, StoreKind, TestStore, eventually,
    token_of,
};

/// A block's commands, for a service at this address instead of the documented one.
fn at(address: &str, name: &str) -> String {
    let text = block(name);
    let documented = ["localhost:8082", "127.0.0.1:8082", "stream-service:8082"]
        .into_iter()
        .find(|host| text.contains(host));
    text.replace(documented.unwrap_or_else(|| panic!("{name} names no address")), address)
}

fn address_of(service: &Service) -> String {
    service.url("").replace("http://", "")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text.trim()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_start_is_ready_and_hands_out_a_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port().to_string();
    let address = format!("localhost:{port}");
    let database = format!("sqlite://{}/streams.db", folder.path().display());
    let settings = [("DB_URL", database.as_str()), ("PORT", &port)];
    // The service that the commands start belongs to this process group, and ends with it.
    let output = folder.path().join("output");
    let mut started =
        Program::start(&mut shell(&at(&address, "first-start"), folder.path(), &settings), &output);
    assert!(started.wait().await.success(), "{}", started.errors());
    assert_eq!(json(&started.output())["status"], "ready");

    let said = json(&run(&at(&address, "first-key"), folder.path(), &settings));
    assert_eq!(said["stream"]["status"], "active", "{said}");
    let key = said["stream"]["stream_key"].as_str().expect("a key").to_owned();
    assert_eq!(json(&run(&at(&address, "probe"), folder.path(), &settings))["status"], "ready");
    assert_eq!(run(&block("healthcheck"), folder.path(), &settings).trim(), "ready");
    let streams = json(&run(&at(&address, "check-a-token"), folder.path(), &settings));
    assert_eq!(streams["streams"][0]["stream_key"], key.as_str());
    let check = at(&address, "check-a-key");
    assert!(run(&check.replace("KEY", &key), folder.path(), &settings).starts_with("HTTP/1.1 200"));
    assert!(run(&check.replace("KEY", "unknown"), folder.path(), &settings).starts_with("HTTP/1.1 404"));

    started.kill();
    eventually("the service has ended", || async {
        !try_run(&block("healthcheck"), folder.path(), &settings).status.success()
    })
    .await;
}

#[test]
fn the_help_lists_the_settings() {
    let folder = tempfile::tempdir().expect("a folder");
    let help = run(&block("help"), folder.path(), &[]);
    assert!(help.contains("SECRET_KEY_FILE") && help.contains("SHUTDOWN_NOTICE"), "{help}");
}

#[test]
fn a_printed_secret_is_long_and_another_one_each_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let secrets = [(); 2].map(|()| run(&block("make-a-secret"), folder.path(), &[]));
    assert_ne!(secrets[0], secrets[1]);
    assert!(secrets.iter().all(|secret| secret.trim().len() >= 32), "{secrets:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_media_servers_and_addresses_are_accepted_and_a_hook_can_be_tested() {
    // Nothing but this machine is asked.
    let servers = value_of("MEDIA_SERVERS", &block("media-servers"));
    let servers = servers.replace("10.0.0.5", "127.0.0.1").replace("10.0.0.6", "127.0.0.1");
    let secret = "a-secret-of-the-documentation";
    let service = ServiceBuilder::on("sqlite://streams.db")
        .with("MEDIA_SERVERS", &servers.replace('…', secret))
        .with("INGEST_ALTERNATIVES", &value_of("INGEST_ALTERNATIVES", &block("ingest-alternatives")))
        .with("ADDRESSES", "playback")
        .with("LOG_FORMAT", "json")
        .start()
        .await;
    assert!(service.program.errors().contains(r#""media_servers":2"#), "{}", service.program.errors());
    let stream = service.generate_key(1).await.json["stream"].take();
    let alternatives = stream["ingest"]["alternatives"].as_array().expect("there are some");
    assert_eq!(alternatives.len(), 2, "{stream}");

    let hook = at(&address_of(&service), "test-a-hook");
    let folder = tempfile::tempdir().expect("a folder");
    assert!(run(&hook.replace('…', secret), folder.path(), &[]).starts_with("HTTP/1.1 204"));
    assert!(run(&hook.replace('…', "another"), folder.path(), &[]).starts_with("HTTP/1.1 403"));
    eventually("the reason in the log", || async { service.program.errors().contains("wrong_secret") }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_can_be_checked_from_the_command_line() {
    let store = TestStore::new(StoreKind::Postgres);
    let service = store.setup().start().await;
    let key = service.key_of(1).await;
    let folder = tempfile::tempdir().expect("a folder");
    let url = store.url();
    let check = at(&address_of(&service), "check-the-database");
    let said = run(&check, folder.path(), &[("DB_URL", &url)]);
    assert!(said.contains(r#""status":"ready""#) && said.contains("(1 row)"), "{said}");
    let missing = format!("{url}-that-is-missing");
    assert!(!try_run(&check, folder.path(), &[("DB_URL", &missing)]).status.success());
    assert!(store.sql(&block("streams-of-a-user")).contains("|active|"), "{key}");
}

#[test]
fn the_doctor_finds_what_is_documented() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = format!("sqlite://{}/streams.db", folder.path().display());
    let settings = [("DB_URL", database.as_str()), ("PORT", &free_port().to_string())];
    for name in ["doctor", "doctor-of-a-failure"] {
        let said = run(&block(name), folder.path(), &settings);
        assert!(said.starts_with("ok       settings: "), "{said}");
    }
    let (documented, found) =
        (json(&block("doctor-json")), json(&run(&block("doctor-for-scripts"), folder.path(), &settings)));
    assert_eq!(found["failures"], 0, "{found:#}");
    for (part, of) in [(&documented, &found), (&documented["findings"][0], &found["findings"][0])] {
        let names = |one: &Value| one.as_object().expect("an object").keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(part), names(of));
    }
    std::fs::write(folder.path().join("token.txt"), token_of(1)).expect("the folder is writable");
    let said = run(&block("doctor-token"), folder.path(), &settings);
    assert!(said.contains("\nok       token: "), "{said}");
    std::fs::write(folder.path().join("token.txt"), "another").expect("the folder is writable");
    assert!(!try_run(&block("doctor-token"), folder.path(), &settings).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_list_show_kick_and_stop_as_documented() {
    let mut stage = Stage::start(MediaSetup::Simulated(Family::Srs), StoreKind::Sqlite).await;
    let owner = stage.new_owner().await;
    let _encoder = stage.publish(&owner, 1).await;
    eventually("a live stream", || stage.is_live(&owner)).await;
    let session = stage.sessions(&owner).await[0]["id"].to_string();
    let folder = tempfile::tempdir().expect("a folder");
    let plain = stage.setup().command(&folder);
    let settings: Vec<(&str, &str)> = plain
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_str()?, value?.to_str()?)))
        .filter(|(name, _)| *name != "PATH")
        .collect();
    // Another encoder with this key would be refused while this one publishes.
    let checked = block("keys-check").replace("KEY", &owner.key);
    let output = try_run(&checked, folder.path(), &settings);
    assert!(String::from_utf8_lossy(&output.stdout).contains("already_live"), "{output:?}");
    let mut lines: Vec<String> = block("operate")
        .replace("42", &owner.stream.to_string())
        .replace("17", &session)
        .replace("--user 7", &format!("--user {}", owner.user))
        .lines()
        .map(str::to_owned)
        .collect();
    // A stopped stream has no session that can be kicked.
    lines.sort_by_key(|line| line.contains("stop"));
    assert!(lines.len() >= 7, "{lines:?}");
    for line in lines {
        let output = run(&line, folder.path(), &settings);
        // Events are an object a line, everything else is one.
        let objects: Vec<&str> =
            if line.contains("events tail") { output.lines().collect() } else { vec![&*output] };
        for said in objects {
            assert!(json(said).is_object(), "{line}: {said}");
        }
    }
    assert_eq!(stage.service().lookup(&owner.key).await, 410);
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_are_sent_as_documented() {
    let (collector, folder) = (Collector::start(0), tempfile::tempdir().expect("a folder"));
    let port = free_port().to_string();
    let text = block("traces").replace("http://localhost:4318", &collector.endpoint()).replace("0.01", "1");
    let settings = [("PORT", port.as_str()), ("OTEL_BSP_SCHEDULE_DELAY", "100")];
    let text = text.replace("stream-server serve", "exec stream-server serve");
    let service = Program::start(&mut shell(&text, folder.path(), &settings), &folder.path().join("output"));
    let ask = format!("curl -s --retry 30 --retry-all-errors http://localhost:{port}/health/ready");
    assert_eq!(json(&run(&ask, folder.path(), &[]))["status"], "ready", "{}", service.errors());
    eventually("a span", || async { collector.spans().iter().any(|span| span.name == "GET /health/ready") })
        .await;
}

#[test]
fn completions_are_installed_as_documented() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = "/usr/share/bash-completion/completions/stream-server";
    let text = block("completions");
    assert!(text.contains(file), "{text}");
    run(&text.replace(file, "completions"), folder.path(), &[]);
    let made = std::fs::read_to_string(folder.path().join("completions")).expect("it is there");
    assert!(made.contains("doctor"), "{made}");
}

#[test]
fn a_mounted_folder_is_given_to_the_user_of_the_image() {
    use std::os::unix::fs::MetadataExt as _;

    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("data")).expect("the folder is writable");
    let output = try_run(&block("sqlite-folder"), folder.path(), &[]);
    let owner =
        |path: &Path| std::fs::metadata(path).map(|entry| (entry.uid(), entry.gid())).expect("it is there");
    // Only root may give files away.
    if owner(folder.path()).0 == 0 {
        assert!(output.status.success(), "{output:?}");
        assert_eq!(owner(&folder.path().join("data")), (65532, 65532));
        let dockerfile = crate::tidy::read("docker/Dockerfile");
        assert!(dockerfile.contains("USER 65532:65532"));
    } else {
        assert!(String::from_utf8_lossy(&output.stderr).contains("not permitted"), "{output:?}");
    }
}
