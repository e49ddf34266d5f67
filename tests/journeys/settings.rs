//! Settings: files, quotes, misspelled names, guessable secrets, and the lifetime of keys.

use reqwest::Method;
use stream_tests::{SECRET_KEY, ServiceBuilder, StoreKind, TestStore, claims_of, sign, workspace};
use tempfile::TempDir;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

super::on_both_stores! { a_key_expires_after_the_configured_hours }

async fn a_key_expires_after_the_configured_hours(kind: StoreKind) {
    let store = TestStore::new(kind);
    for (user, hours, said) in [(1, "1", "valid for 1 hour."), (2, "8760", "valid for 8760 hours.")] {
        let service = store.setup().with("KEY_LIFETIME_HOURS", hours).start().await;
        let answer = service.generate_key(user).await;
        let time = |name: &str| {
            OffsetDateTime::parse(answer.json["stream"][name].as_str().expect("a time"), &Rfc3339)
                .expect("RFC 3339")
        };
        let life = time("expires_at") - time("created_at");
        assert_eq!(life, time::Duration::hours(hours.parse().expect("a number")));
        assert!(answer.json["message"].as_str().is_some_and(|text| text.ends_with(said)), "{answer:?}");
    }
    // The setting applies to new keys only: the first user still has the same key.
    let service = store.setup().start().await;
    let answer = service.generate_key(1).await;
    assert_eq!(answer.status, 409);
    for hours in ["0", "8761", "-1", "1.5", "a day"] {
        let (status, _, errors) = store.setup().with("KEY_LIFETIME_HOURS", hours).run(&[]);
        assert!(!status.success(), "{hours}");
        assert!(errors.contains("from 1 to 8760"), "{errors}");
    }
}

/// The log of a service until it is ready.
async fn log_of(setup: &ServiceBuilder) -> String {
    setup.start().await.program.errors()
}

fn signed(secret: &str, user: u32) -> String {
    sign(secret, &serde_json::json!({ "alg": "HS256" }), &claims_of(user))
}

fn refusal(setup: &ServiceBuilder) -> String {
    let (status, _, errors) = setup.run(&[]);
    assert!(!status.success(), "{errors}");
    errors
}

/// A file with this content, in the folder.
fn file(folder: &TempDir, name: &str, content: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("the folder is writable");
    path.to_str().expect("the path is text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_and_the_database_url_can_be_read_from_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = TestStore::new(StoreKind::Postgres);
    let setup = ServiceBuilder::default()
        .with("DB_URL_FILE", &file(&folder, "url", &format!("{}\n", store.url())))
        .with("SECRET_KEY_FILE", &file(&folder, "secret", &format!("{SECRET_KEY}\n")))
        .with(
            "SECRET_KEY_PREVIOUS_FILE",
            &file(&folder, "previous", "the secret of last year, long enough\r\n"),
        )
        .with("MEDIA_SERVERS_FILE", &file(&folder, "servers", "edge=srs;secret=of-the-hooks\n"))
        // Compose files set variables that have no value to the empty string.
        .with("DB_URL", "")
        .with("SECRET_KEY_PREVIOUS", "")
        .with("MEDIA_SERVERS", "");
    let service = setup.start().await;
    assert_eq!(service.generate_key(7).await.status, 201);
    assert_eq!(store.sql("SELECT count(*) FROM streams"), "1");
    let token = signed("the secret of last year, long enough", 7);
    let request = service.request(Method::GET, "/api/streams").bearer_auth(token);
    assert_eq!(service.send(request).await.status, 200);
    let hook = service.request(Method::POST, "/hooks/srs/edge?secret=wrong").body("{}");
    assert_eq!(service.send(hook).await.status, 403);
    let log = service.program.errors();
    assert!(!log.contains("of-the-hooks") && !log.contains("of last year") && !log.contains(SECRET_KEY));
    assert!(!log.contains("quotes around it"), "one final line end of a file causes no warning: {log}");
}

#[test]
fn a_setting_with_both_variable_and_file_or_an_unreadable_file_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = file(&folder, "url", "sqlite://streams.db");
    for (name, value) in [
        ("DB_URL", "sqlite://streams.db"),
        ("SECRET_KEY", SECRET_KEY),
        ("SECRET_KEY_PREVIOUS", SECRET_KEY),
        ("MEDIA_SERVERS", "edge=srs"),
    ] {
        let of_file = format!("{name}_FILE");
        let error = refusal(&ServiceBuilder::default().with(name, value).with(&of_file, &url));
        assert!(error.contains(&format!("{name} and {of_file} are both set")), "{error}");
        let error = refusal(&ServiceBuilder::default().with(&of_file, "/nowhere/at/all"));
        assert!(error.contains(&of_file) && error.contains("/nowhere/at/all"), "{error}");
        assert!(error.contains("No such file"), "{error}");
    }
    let empty = file(&folder, "empty", "\n");
    let error = refusal(&ServiceBuilder::default().with("SECRET_KEY_FILE", &empty));
    assert!(error.contains("SECRET_KEY_FILE: the file is empty"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn spaces_line_ends_and_quotes_around_a_value_are_removed() {
    let store = TestStore::new(StoreKind::Postgres);
    let url = format!(" {}\n", store.url());
    for (name, value) in [
        ("DB_URL", &*url),
        ("GENERATE_KEY_PER_MINUTE", "\"600\""),
        ("DB_POOL_SIZE", " 16 "),
        ("DB_TIMEOUT", "5\n"),
        ("KEY_LIFETIME_HOURS", "'24'"),
        ("HOST", "127.0.0.1 "),
        ("ADDRESSES", "playback\n"),
        ("TAKEOVER", "\"newest\""),
        ("CORS_ORIGINS", "\"http://localhost:3000\""),
        ("USER_ID_CLAIMS", "'id,user_id'"),
        ("LOG_FORMAT", "\"json\""),
        ("FLASK_DEBUG", "false\r\n"),
        ("MEDIA_SERVERS", "\"edge=srs;secret=of-the-hooks\"\n"),
    ] {
        let service = store.setup().with(name, value).start().await;
        assert!(service.generate_key(1).await.status < 500, "{name}");
    }
    let error = refusal(&ServiceBuilder::on("postgresql://u@h/d\nx"));
    assert!(error.contains("DB_URL: it has a line end"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_with_spaces_or_quotes_around_it_works_with_and_without_them_and_warns() {
    for around in ["{}\n", " {}", "\"{}\"", "{}\r\n"] {
        let untidy = around.replace("{}", SECRET_KEY);
        let service = ServiceBuilder::on("sqlite://streams.db").with("SECRET_KEY", &untidy).start().await;
        for secret in [&*untidy, SECRET_KEY] {
            let request = service.request(Method::GET, "/api/streams").bearer_auth(signed(secret, 1));
            assert_eq!(service.send(request).await.status, 200, "{around:?}");
        }
        let log = service.program.errors();
        assert!(log.contains("SECRET_KEY has blanks, a line end or quotes around it"), "{log}");
    }
    assert!(!log_of(&ServiceBuilder::on("sqlite://streams.db")).await.contains("around it"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_warns_of_a_guessable_secret_and_of_a_guessable_previous_one() {
    for (secret, previous, warning) in [
        ("your-secret-key", "", "SECRET_KEY is an example"),
        ("change-me-to-the-user-services-secret", "", "SECRET_KEY is an example"),
        ("zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "", "SECRET_KEY repeats itself"),
        ("short 7Tz!", "", "SECRET_KEY is shorter than 32 bytes"),
        (SECRET_KEY, "x", "SECRET_KEY_PREVIOUS repeats itself"),
        (SECRET_KEY, "your-secret-key", "SECRET_KEY_PREVIOUS is an example"),
        (SECRET_KEY, "short 7Tz!", "SECRET_KEY_PREVIOUS is shorter than 32 bytes"),
    ] {
        let setup = ServiceBuilder::on("sqlite://streams.db").with("SECRET_KEY", secret);
        let log = log_of(&setup.with("SECRET_KEY_PREVIOUS", previous)).await;
        assert!(log.contains(warning) && log.contains("can be guessed"), "{secret} {previous}: {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_misspelled_variable_never_starts_an_empty_store() {
    for (name, setting) in [
        ("DATABASE_URL", "DB_URL"),
        ("DB_URI", "DB_URL"),
        ("DBURL", "DB_URL"),
        ("POSTGRES_URL", "DB_URL"),
        ("db_url", "DB_URL"),
        ("DATABASE_URL_FILE", "DB_URL_FILE"),
    ] {
        let setup = ServiceBuilder::default()
            .with("SECRET_KEY", SECRET_KEY)
            .with(name, "postgresql://u:not-for-logs@h/d");
        for command in ["serve", "migrate"] {
            let (status, _, errors) = setup.run(&[command]);
            assert!(!status.success(), "{name}: {errors}");
            assert!(errors.contains(name) && errors.contains(setting), "{errors}");
            assert!(
                errors.contains("sqlite://data/streams.db") && !errors.contains("not-for-logs"),
                "{errors}"
            );
        }
        // With a database set the service starts, and the log warns.
        let log =
            log_of(&ServiceBuilder::on("sqlite://streams.db").with(name, "postgresql://u:not-for-logs@h/d"))
                .await;
        assert!(log.contains(&format!("{name} is set and read by nobody")), "{log}");
        assert!(!log.contains("not-for-logs"));
    }
    for name in ["SECRETKEY", "JWT_SECRET", "CORS_ORIGIN", "MEDIA_SERVER", "LOGLEVEL"] {
        let log = log_of(&ServiceBuilder::on("sqlite://streams.db").with(name, "not-for-logs")).await;
        assert!(log.contains(&format!("{name} is set and read by nobody")), "{name}: {log}");
        assert!(!log.contains("not-for-logs"));
    }
    let nearly = ServiceBuilder::default()
        .with("DB_URL", "postgresql://u@127.0.0.1/d")
        .with("SECRETKEY", "not-for-logs");
    let error = refusal(&nearly);
    assert!(
        error.contains("SECRETKEY is set, and read by nobody") && !error.contains("not-for-logs"),
        "{error}"
    );
    let others = [
        ("PGHOST", "db"),
        ("PGPASSWORD", "not-for-logs"),
        ("STREAM_SERVICE_PORT", "tcp://10.0.0.7:8082"),
        ("DB_PORT", "tcp://10.0.0.9:5432"),
        ("HOSTNAME", "web-1"),
        ("DATABASE_URL", ""),
    ];
    let setup = others.iter().fold(ServiceBuilder::default(), |setup, (name, value)| setup.with(name, value));
    let log = log_of(&setup.with("SECRET_KEY", SECRET_KEY)).await;
    assert!(!log.contains("read by nobody"), "{log}");
    assert!(log.contains("DB_URL is not set, so streams are kept in a file of this service's own"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_image_requires_a_database_url() {
    let image = ServiceBuilder::default().with("REQUIRE_DB_URL", "true").with("SECRET_KEY", SECRET_KEY);
    for command in ["serve", "migrate"] {
        let (status, _, errors) = image.run(&[command]);
        assert!(!status.success());
        assert!(
            errors.contains("DB_URL is not set") && errors.contains("sqlite:///data/streams.db"),
            "{errors}"
        );
    }
    assert_eq!(image.with("DB_URL", "sqlite://streams.db").start().await.get("/health").await.status, 200);
    let dockerfile = std::fs::read_to_string(workspace().join("docker/Dockerfile")).expect("it is there");
    assert!(dockerfile.contains("\nENV REQUIRE_DB_URL=true\n"));
}

#[test]
fn the_example_environment_has_no_usable_secret() {
    let example = std::fs::read_to_string(workspace().join(".env.example")).expect("it is there");
    let secret =
        example.lines().find_map(|line| line.strip_prefix("SECRET_KEY=")).expect("it names the secret");
    assert_eq!(secret, "");
    let compose = std::fs::read_to_string(workspace().join("docker/compose.yaml")).expect("it is there");
    // Compose refuses to start with `:?` where a variable is empty.
    assert!(compose.contains("SECRET_KEY: ${SECRET_KEY:?"));
}
