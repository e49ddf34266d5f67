//! Starting: with the embedded default, and with settings that are refused.

use std::os::unix::fs::PermissionsExt as _;

use stream_tests::{Program, SECRET_KEY, ServiceBuilder, StoreKind, TestStore};

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_default_needs_no_settings_and_prints_a_command_to_try() {
    let folder = tempfile::tempdir().expect("a folder");
    let setup = ServiceBuilder::default();
    let mut program = Program::start_on_terminal(&mut setup.command(&folder), &folder.path().join("output"));
    stream_tests::eventually("the banner", || async { program.output().contains("curl ") }).await;
    let banner = program.output();
    assert!(banner.contains("Streams are kept in the SQLite file data/streams.db."), "{banner}");
    let line = banner.lines().find(|line| line.contains("curl ")).expect("a line to try").trim();

    let answer =
        std::process::Command::new("sh").args(["-c", &format!("{line} -s -w '\\n%{{http_code}}'")]).output();
    let answer = String::from_utf8(answer.expect("curl is there").stdout).expect("text");
    assert!(answer.ends_with("201"), "{answer}");
    assert!(answer.contains("\"stream_key\""), "{answer}");

    let secret = folder.path().join("data/secret_key");
    assert_eq!(std::fs::metadata(&secret).expect("a file").permissions().mode() & 0o777, 0o600);
    assert_eq!(
        std::fs::metadata(folder.path().join("data/streams.db")).expect("a file").permissions().mode()
            & 0o777,
        0o600
    );
    assert!(program.errors().contains("SECRET_KEY is not set"));
    let made = std::fs::read_to_string(&secret).expect("a secret");
    assert!(!program.errors().contains(&made) && !banner.contains(&made));

    // The secret is kept, and the token command signs with it.
    program.signal("TERM");
    assert!(program.wait().await.success());
    let mut token = setup.command(&folder);
    let token = token.args(["token", "--user", "1"]).output().expect("the binary runs");
    let token = String::from_utf8(token.stdout).expect("text");
    let program = Program::start_on_terminal(&mut setup.command(&folder), &folder.path().join("output"));
    stream_tests::eventually("the banner", || async { program.output().contains("curl ") }).await;
    assert_eq!(std::fs::read_to_string(&secret).expect("a secret"), made);
    let line =
        program.output().lines().find(|line| line.contains("curl ")).expect("a line").trim().to_owned();
    let own = line.replace("/generate-key", "").replace("-X POST", "");
    let (before, _) = own.split_once("Bearer ").expect("a token");
    let own = format!("{before}Bearer {}' -s -w '\\n%{{http_code}}'", token.trim());
    let answer = std::process::Command::new("sh").args(["-c", &own]).output().expect("curl is there");
    let answer = String::from_utf8(answer.stdout).expect("text");
    assert!(answer.ends_with("200") && answer.contains("\"active\""), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_is_printed_if_the_secret_was_given() {
    let service = ServiceBuilder::on("sqlite://streams.db").start().await;
    assert!(!service.program.output().contains("Bearer"), "{}", service.program.output());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_no_token_is_printed_and_standard_output_is_empty() {
    let service = ServiceBuilder::default().start().await;
    assert_eq!(service.program.output(), "");
    assert!(!service.program.errors().contains("Bearer "));
}

/// The first line of the log that has this field.
fn line_with(log: &str, field: &str) -> serde_json::Value {
    let mut lines = log.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let line = lines.find(|line| line.get(field).is_some());
    line.unwrap_or_else(|| panic!("no line has {field}: {log}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_line_at_start_has_version_address_store_and_settings() {
    let servers = "a=srs;secret=hook-secret-1 b=mediamtx;secret=hook-secret-2";
    let setup = ServiceBuilder::on("sqlite://streams.db").with("MEDIA_SERVERS", servers);
    let service = setup.with("ADDRESSES", "playback").with("LOG_LEVEL", "info").start().await;
    let line = line_with(&service.program.errors(), "version");
    assert_eq!(line["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(line["address"], service.url("").trim_start_matches("http://"));
    assert_eq!((&line["store"], &line["file"]), (&"sqlite".into(), &"streams.db".into()));
    assert_eq!((&line["media_servers"], &line["addresses"]), (&2.into(), &"playback".into()));
    assert_eq!((&line["level"], &line["key_lifetime_hours"]), (&"INFO".into(), &24.into()));

    let store = TestStore::new(StoreKind::Postgres);
    let service = store.setup().start().await;
    let line = line_with(&service.program.errors(), "version");
    let url = store.url();
    let place =
        format!("{}/{}", line["database_host"].as_str().unwrap(), line["database_name"].as_str().unwrap());
    assert!(url.ends_with(&place) && line["store"] == "postgresql", "{line}");
    // The search of every journey's log checks that it contains no password.
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_on_a_migrated_database_is_ready_when_its_port_opens() {
    let store = TestStore::new(StoreKind::Postgres);
    drop(store.setup().start().await);
    for _ in 0..5 {
        let service = store.setup().listen().await;
        assert_eq!(service.get("/health").await.status, 200);
        assert_eq!(service.get("/health/ready").await.status, 200);
        let log = service.program.errors();
        let (ready, listens) = (log.find("\"ready\""), log.find("listens on"));
        assert!(ready.is_some() && ready < listens, "the port was opened too early: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn during_a_long_migration_the_port_opens_and_the_service_is_not_ready() {
    let store = TestStore::new(StoreKind::Postgres);
    let TestStore::Postgres(database) = &store else { panic!("a PostgreSQL store") };
    database.create_old_streams(true);
    let (client, connection) =
        tokio_postgres::connect(&store.url(), tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client.batch_execute("BEGIN; LOCK TABLE streams").await.expect("a lock");
    let service = store.setup().listen().await;
    let health = service.get("/health").await;
    assert_eq!((health.status, &health.json["reason"]), (503, &"migrating".into()), "{health:?}");
    assert_eq!(health.json["database"], "connected");
    client.batch_execute("ROLLBACK").await.expect("the lock is released");
    stream_tests::eventually("the migration", || async { service.get("/health/ready").await.status == 200 })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_exist_is_logged_as_an_error_that_waiting_cannot_fix() {
    let store = TestStore::new(StoreKind::Postgres);
    let url = format!("{}_that_nobody_made", store.url());
    let service = ServiceBuilder::on(&url).listen().await;
    let health = service.get("/health").await;
    assert_eq!(health.status, 503, "{health:?}");
    assert!(!health.json.to_string().contains("that_nobody_made"), "{health:?}");
    let line = line_with(&service.program.errors(), "cure");
    assert!(line["error"].as_str().is_some_and(|text| text.contains("does not exist")), "{line}");
    assert_eq!(line["level"], "ERROR", "{line}");
    assert!(line["cure"].as_str().is_some_and(|text| text.contains("DB_URL")), "{line}");
}

#[test]
fn postgresql_without_a_secret_is_refused() {
    let (status, _, errors) = ServiceBuilder::default().with("DB_URL", "postgresql://u@127.0.0.1/d").run(&[]);
    assert!(!status.success());
    assert!(errors.contains("SECRET_KEY is not set"), "{errors}");
}

#[test]
fn invalid_settings_are_refused_by_name() {
    let cases = [
        ("PORT", "eighty", "from 0 to 65535"),
        ("SECRET_KEY", "", "it is empty"),
        ("CORS_ORIGINS", "*", "list them one by one"),
        ("LOG_LEVEL", "chatty", "off, error, warn, info, debug or trace"),
        ("DB_POOL_SIZE", "0", "from 2 to 1000"),
        ("FLASK_DEBUG", "maybe", "true or false"),
    ];
    for (name, value, expected) in cases {
        let (status, _, errors) = ServiceBuilder::default().with(name, value).run(&[]);
        assert_eq!(status.code(), Some(2), "{name}={value}");
        assert!(errors.contains(expected), "{name}={value}: {errors}");
    }
    let (status, _, errors) = ServiceBuilder::default().with("RTMP_BASE_URL", "localhost").run(&[]);
    assert!(!status.success());
    assert!(errors.contains("RTMP_BASE_URL: it must be a URL of the form rtmp:// or rtmps://"), "{errors}");
    for url in ["oracle://x", ""] {
        let (status, _, errors) = ServiceBuilder::default().with("DB_URL", url).run(&[]);
        assert!(!status.success());
        assert!(
            errors.contains("DB_URL: it must begin with postgresql://, postgres:// or sqlite://"),
            "{errors}"
        );
    }
    let (status, _, errors) = ServiceBuilder::on("postgresql://u:not-for-logs@h/d?sslmode=perhaps").run(&[]);
    assert!(!status.success());
    assert!(
        errors.contains("DB_URL") && errors.contains("sslmode") && !errors.contains("not-for-logs"),
        "{errors}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_is_named_with_what_to_do() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port().to_string();
    let (status, _, errors) = ServiceBuilder::default().with("PORT", &port).run(&[]);
    assert!(!status.success());
    assert!(errors.contains(&port) && errors.contains("PORT"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_file_that_cannot_be_created_is_an_error() {
    let (status, _, errors) = ServiceBuilder::on("sqlite:///proc/nowhere/streams.db").run(&[]);
    assert!(!status.success());
    assert!(errors.contains("the database"), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_warns_of_a_short_secret_and_not_of_a_long_one() {
    for (secret, warned) in [("your-secret-key", true), (SECRET_KEY, false)] {
        let service = ServiceBuilder::on("sqlite://streams.db").with("SECRET_KEY", secret).start().await;
        assert_eq!(service.program.errors().contains("can be guessed"), warned);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_request_is_one_line_of_json_with_its_id() {
    let service = ServiceBuilder::on("sqlite://streams.db").with("LOG_LEVEL", "info").start().await;
    let request =
        service.request(reqwest::Method::GET, "/api/streams").bearer_auth(stream_tests::token_of(42));
    service.send(request.header("X-Request-Id", "the-one-to-find")).await;
    // Lines are buffered briefly.
    let is_written = || async { service.program.errors().contains("the-one-to-find") };
    stream_tests::eventually("the line", is_written).await;
    let errors = service.program.errors();
    let lines: Vec<&str> = errors.lines().filter(|line| line.contains("the-one-to-find")).collect();
    let [line] = lines[..] else { panic!("{errors}") };
    let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
    assert_eq!((&line["method"], &line["route"]), (&"GET".into(), &"/api/streams".into()));
    assert_eq!((&line["status"], &line["user_id"]), (&200.into(), &42.into()));
    assert!(line["duration_us"].is_u64(), "{line}");
}
