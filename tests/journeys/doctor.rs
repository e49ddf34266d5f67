//! The doctor: faults that operators make or meet, each provoked for real, and each named with its cure.

mod database;
mod files;
mod media;
mod settings;

use serde_json::Value;
use stream_tests::{SECRET_KEY, ServiceBuilder, StoreKind, TestStore, find_secret};

super::on_both_stores! { a_sound_installation_has_no_failure_and_is_left_as_it_is }

/// What the doctor found.
struct Report {
    code: Option<i32>,
    json: Value,
}

impl Report {
    /// Runs the doctor with these settings.
    fn of(setup: &ServiceBuilder) -> Self {
        Self::with(setup, &[])
    }

    /// The same with further arguments.
    fn with(setup: &ServiceBuilder, arguments: &[&str]) -> Self {
        let (status, output, errors) = setup.run(&[&["doctor", "--json"], arguments].concat());
        Self::read(status.code(), &output, &errors)
    }

    fn read(code: Option<i32>, output: &str, errors: &str) -> Self {
        let secrets =
            [SECRET_KEY, "a-hook-secret", "another-hook-secret", "wrong-password"].map(str::to_owned);
        let said = format!("{output}\n{errors}");
        let leak = find_secret(&said, &secrets);
        assert!(leak.is_none(), "a secret is shown: {leak:?}");
        let json = serde_json::from_str(output).unwrap_or_else(|error| panic!("{error}: {output}\n{errors}"));
        Self { code, json }
    }

    /// The findings of this subject that are in this state.
    fn found(&self, subject: &str, state: &str) -> Vec<&Value> {
        let all = self.json["findings"].as_array().expect("a list of findings");
        all.iter().filter(|one| one["subject"] == subject && one["state"] == state).collect()
    }

    /// Checks that this subject failed, and that what was found and its cure have these words.
    fn must_fail(&self, subject: &str, what: &str, cure: &str) {
        self.must_say("failure", subject, what, cure);
        assert_eq!((self.code, &self.json["state"]), (Some(1), &"failure".into()), "{:#}", self.json);
    }

    /// The same for a warning, after which the exit code says nothing.
    fn must_warn(&self, subject: &str, what: &str, cure: &str) {
        self.must_say("warning", subject, what, cure);
    }

    fn must_say(&self, state: &str, subject: &str, what: &str, cure: &str) {
        let has = |one: &&Value, name: &str, words: &str| {
            one[name].as_str().is_some_and(|text| text.contains(words))
        };
        let found = self.found(subject, state);
        let is_there = found.iter().any(|one| has(one, "what", what) && has(one, "cure", cure));
        assert!(is_there, "{subject} has no {state} with {what:?} and {cure:?}: {:#}", self.json);
    }

    /// Checks that this subject is as it should be.
    fn must_be_ok(&self, subject: &str) {
        let is_ok = !self.found(subject, "ok").is_empty();
        let is_bad = !self.found(subject, "failure").is_empty() || !self.found(subject, "warning").is_empty();
        assert!(is_ok && !is_bad, "{subject}: {:#}", self.json);
    }
}

async fn a_sound_installation_has_no_failure_and_is_left_as_it_is(kind: StoreKind) {
    let store = TestStore::new(kind);
    let setup = store.setup().with("PORT", &stream_test_postgres::free_port().to_string());
    // Before the first start there is nothing that fails, and nothing is made.
    let report = Report::of(&setup);
    assert_eq!((report.code, &report.json["failures"]), (Some(0), &0.into()), "{:#}", report.json);
    assert!(!report.found("port", "ok").is_empty(), "{:#}", report.json);
    match &store {
        TestStore::Sqlite(folder) => {
            assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 0);
        }
        TestStore::Postgres(_) => {
            report.must_warn("database migrations", "have not run", "stream-server migrate");
            assert_eq!(store.sql("SELECT to_regclass('streams') IS NULL"), "t");
        }
    }

    let service = setup.start().await;
    let before = files_of(&store);
    let report = Report::of(&setup);
    assert_eq!((report.code, &report.json["failures"]), (Some(0), &0.into()), "{:#}", report.json);
    for subject in [
        "settings",
        "SECRET_KEY",
        "database",
        "database migrations",
        "database indexes",
        "database triggers",
        "port",
    ] {
        report.must_be_ok(subject);
    }
    let port = report.found("port", "ok")[0]["what"].as_str().expect("a sentence");
    assert!(port.contains("runs on") && port.contains("ready"), "{port}");
    if kind == StoreKind::Postgres {
        for subject in
            ["version", "writes", "rights", "foreign key", "time zone", "pooler", "health", "clock"]
        {
            report.must_be_ok(&format!("database {subject}"));
        }
    }
    assert_eq!(files_of(&store), before);
    drop(service);
}

/// The files of an SQLite store; the service that runs has them all.
fn files_of(store: &TestStore) -> Vec<String> {
    let TestStore::Sqlite(folder) = store else { return Vec::new() };
    let files = std::fs::read_dir(folder.path()).expect("a folder");
    let mut names: Vec<String> =
        files.map(|file| file.expect("a file").file_name().into_string().expect("text")).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn without_json_each_finding_is_a_line() {
    let (status, output, _) = ServiceBuilder::on("sqlite://streams.db").run(&["doctor"]);
    assert!(status.success(), "{output}");
    let lines: Vec<&str> = output.lines().collect();
    let (last, findings) = lines.split_last().expect("lines");
    assert!(last.ends_with("0 failed, 4 with a warning"), "{output}");
    for line in findings {
        assert!(["ok       ", "warning  "].iter().any(|word| line.starts_with(word)), "{line}");
        assert_eq!(line.starts_with("warning"), line.contains(". Cure: "), "{line}");
    }
    assert!(!output.contains('\u{1b}'), "no terminal, no color");
}
