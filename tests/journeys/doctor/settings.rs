//! Settings that are wrong, secrets that are, and a port that is taken.

use std::net::TcpListener;

use stream_tests::{SECRET_KEY, ServiceBuilder, claims_of, sign};

use super::Report;

/// Somebody else's secret.
const OTHER: &str = "the secret of the user-service, which was replaced yesterday";

fn setup() -> ServiceBuilder {
    ServiceBuilder::on("sqlite://streams.db")
}

/// A token of user 7, in a file.
fn token_file(folder: &tempfile::TempDir, secret: &str) -> String {
    let path = folder.path().join("token");
    let token = sign(secret, &serde_json::json!({"alg": "HS256"}), &claims_of(7));
    std::fs::write(&path, format!("{token}\n")).expect("the folder is writable");
    path.to_str().expect("the path is text").to_owned()
}

#[test]
fn a_secret_that_is_not_the_user_services_is_seen_by_a_token() {
    let folder = tempfile::tempdir().expect("a folder");
    let wrong = token_file(&folder, OTHER);
    let report = Report::with(&setup(), &["--token-file", &wrong]);
    report.must_fail(
        "token",
        "signature is wrong",
        "set SECRET_KEY to the secret that the user-service signs with",
    );
    // While both are in use, the old one is accepted too.
    let report = Report::with(&setup().with("SECRET_KEY_PREVIOUS", OTHER), &["--token-file", &wrong]);
    report.must_be_ok("token");
    let right = token_file(&folder, SECRET_KEY);
    let report = Report::with(&setup(), &["--token-file", &right]);
    report.must_be_ok("token");
    assert!(report.found("token", "ok")[0]["what"].as_str().is_some_and(|text| text.ends_with("user 7")));
}

#[test]
fn a_guessable_secret_and_doubtful_settings_are_warnings() {
    let setup = setup().with("SECRET_KEY", "your-secret-key").with("HOOK_NETWORKS", "0.0.0.0/0");
    let report = Report::of(&setup.with("JWT_SECRET", "unused"));
    report.must_warn("SECRET_KEY", "an example that everybody can look up", "openssl rand -hex 32");
    report.must_warn("HOOK_NETWORKS", "every address", "name the networks");
    report.must_warn("settings", "JWT_SECRET is set and read by nobody", "rename it to SECRET_KEY");
    report.must_warn("ADDRESSES", "every viewer learns the stream key", "ADDRESSES=playback");
    assert_eq!(report.code, Some(0), "warnings are no failure");
}

#[test]
fn a_setting_that_cannot_be_read_is_named_and_the_database_is_looked_at_all_the_same() {
    let report = Report::of(&setup().with("MEDIA_SERVERS", "edge=unheard-of"));
    report.must_fail("settings", "MEDIA_SERVERS: entry 1: edge has no known family", "correct the setting");
    report.must_be_ok("database folder");
    // A value that clap itself refuses is wrong usage.
    let (status, output, _) = setup().with("PORT", "many").run(&["doctor"]);
    assert_eq!((status.code(), output.as_str()), (Some(2), ""));
}

#[test]
fn a_port_that_another_program_has_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port().to_string();
    // It accepts connections and says nothing.
    let report = Report::of(&setup().with("PORT", &port));
    report.must_fail("port", &format!("{port} is taken by another program"), "another port with PORT");
}
